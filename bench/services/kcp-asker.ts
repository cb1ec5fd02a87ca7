/** Ping-pong with an echo server over KCP, in frames over TCP, or as datagrams. */
import { defineService, type Skynet } from 'skynet-ts'
import { connectKcp } from 'skynet-ts/kcp'
import type { Measure } from '../support/bench.ts'
import type { Pace } from '../support/pace.ts'
import { serveFromService } from '../support/serve.ts'

export type Way = 'kcp' | 'tcp' | 'udp'

export interface Asking extends Pace {
  readonly way: Way
  readonly port: number
  readonly peers: number
  readonly bytes: number
  /** Messages of one peer under way. */
  readonly window: number
}

/** One peer of the server. */
interface Peer {
  send(message: Buffer): unknown
  /** Hand on what comes back, until the end. */
  each(take: (message: Buffer) => void): Promise<unknown>
  close(): Promise<unknown>
}

/** On loopback hardly a datagram is lost; one that is would end the ping-pong of its peer. */
const SILENCE_MS = 100
/** A server that has not been given a core so far is waited for as long, once the time is up. */
const FIRST_MS_MAX = 10_000

const OPEN: Readonly<Record<Way, (skynet: Skynet, port: number) => Promise<Peer>>> = {
  kcp: (skynet, port) => connectKcp(skynet, { port }),
  tcp: async (skynet, port) => (await skynet.socket.connect({ port })).frames({ header: 'u16be' }),
  udp: async (skynet, port) => {
    const socket = await skynet.socket.udpDial({ host: '127.0.0.1', port })
    return {
      send: (message) => socket.send(message),
      async each(take) {
        for await (const { data } of socket) take(data)
      },
      close: () => socket.close(),
    }
  },
}

export default defineService((skynet) => {
  const held: Peer[] = []
  serveFromService({
    echo: (asking: Asking) => echo(skynet, asking),
    /** So many that have been served once, and are silent. */
    async hold({ way, port, peers }: Pick<Asking, 'way' | 'port' | 'peers'>) {
      for (let i = 0; i < peers; i += 50) {
        const some = Array.from({ length: Math.min(50, peers - i) }, async () => {
          const peer = await OPEN[way](skynet, port)
          held.push(peer)
          await new Promise<void>((resolve) => {
            void peer.each(() => resolve()).catch(() => {})
            peer.send(Buffer.from('once'))
          })
        })
        await Promise.all(some)
      }
      return held.length
    },
    async release() {
      await Promise.all(held.splice(0).map((peer) => peer.close()))
    },
  })
})

async function echo(skynet: Skynet, asking: Asking): Promise<Measure> {
  const { way, port, peers, bytes, window } = asking
  const open = await Promise.all(Array.from({ length: peers }, () => OPEN[way](skynet, port)))
  let completed = 0
  let heard = 0
  let isOver = false
  const message = Buffer.alloc(bytes, 1)
  const start = (): void => {
    for (const peer of open) for (let i = 0; i < window; i++) peer.send(message)
  }
  for (const peer of open) {
    const take = (back: Buffer): void => {
      if (back.length !== bytes) throw new Error(`${back.length} bytes came back of ${bytes}`)
      completed++
      if (!isOver) peer.send(message)
    }
    void peer.each(take).catch(() => {})
  }
  start()
  const run = async (seconds: number): Promise<number> => {
    const before = completed
    const endsAt = performance.now() + seconds * 1000
    const isOn = (): boolean => {
      const late = performance.now() - endsAt
      return late < 0 || (completed === before && late < FIRST_MS_MAX)
    }
    while (isOn()) {
      await skynet.sleep(Math.min(SILENCE_MS, seconds * 1000))
      if (way === 'udp' && completed === heard) start()
      heard = completed
    }
    return completed - before
  }
  await run(asking.warmSeconds)
  const startedAt = performance.now()
  const count = await run(asking.seconds)
  const value = (count * 1000) / (performance.now() - startedAt)
  isOver = true
  await Promise.all(open.map((peer) => peer.close()))
  return { completed: count, value }
}
