/** Entry: clients of a gate of sessions, all of which lose their connections, and come back. */
import { connect as connectTcp } from 'node:net'
import { connect, type SessionClient } from 'skynet-ts/client'
import {
  type ClientLink,
  type ClientLinkEvents,
  type ClientLinkMaker,
  framedTcp,
} from 'skynet-ts/client/node'
import { stage } from '../services/session-protocol.ts'
import { serve } from '../support/serve.ts'

/** Attempts to connect are let through, or kept. */
class Network {
  isUp = true
  readonly #kept: (() => void)[] = []
  readonly #cuts = new Set<() => void>()

  links(port: number): ClientLinkMaker {
    const tcp = framedTcp({ port })
    return { open: (events) => new CutLink(this, () => tcp.open(events), events) }
  }

  /** Now, or when the network is up. */
  through(begin: () => void): void {
    if (this.isUp) begin()
    else this.#kept.push(begin)
  }

  onCut(cut: () => void): void {
    this.#cuts.add(cut)
  }

  get keptCount(): number {
    return this.#kept.length
  }

  down(): void {
    this.isUp = false
    for (const cut of this.#cuts) cut()
    this.#cuts.clear()
  }

  up(): void {
    this.isUp = true
    for (const begin of this.#kept.splice(0)) begin()
  }
}

class CutLink implements ClientLink {
  #inner: ClientLink | undefined

  constructor(network: Network, open: () => ClientLink, events: ClientLinkEvents) {
    network.through(() => {
      this.#inner = open()
      network.onCut(() => {
        this.close()
        events.closed('the network is down')
      })
    })
  }

  send(message: Uint8Array): void {
    this.#inner?.send(message)
  }

  close(): void {
    this.#inner?.close()
  }
}

const network = new Network()
const clients: SessionClient<typeof stage>[] = []
const answers: Promise<string>[] = []
let heard = 0
let expected = 0
let onHeard = (): void => {}

async function open({ port, count }: { port: number; count: number }): Promise<void> {
  for (let i = clients.length; i < count; i++) {
    const transport = network.links(port)
    const client = connect(stage, {
      transport,
      login: { name: `client ${i}` },
      retryMsMin: 1,
      openTimeoutMs: 60_000,
    })
    client.on('said', () => {
      if (++heard === expected) onHeard()
    })
    clients.push(client)
    if (i % 100 === 99) await client.ready
  }
  await Promise.all(clients.map(({ ready }) => ready))
}

/** All are cut off, ask so much each, and wait to be let through. */
async function cut({ calls }: { calls: number }): Promise<void> {
  network.down()
  for (const client of clients) {
    for (let i = 0; i < calls; i++) answers.push(client.call.say(`call ${i}`))
  }
  while (network.keptCount < clients.length) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** All come back at once. Resolves when they have their answers, and each has heard so much. */
async function back({ pushes }: { pushes: number }): Promise<number> {
  heard = 0
  expected = pushes * clients.length
  const all = new Promise<void>((resolve) => {
    onHeard = resolve
  })
  network.up()
  await Promise.all(answers.splice(0))
  await all
  return clients.length
}

/** As many bare connections say something at once, and hear something. */
async function bare(load: { port: number; count: number; bytes: number }): Promise<number> {
  const { port, count, bytes } = load
  const one = () =>
    new Promise<void>((resolve, reject) => {
      let come = 0
      const socket = connectTcp(port, '127.0.0.1', () => socket.write(Buffer.alloc(64)))
      socket.on('error', reject)
      socket.on('data', (chunk) => {
        come += chunk.length
        if (come < bytes) return
        socket.destroy()
        resolve()
      })
    })
  await Promise.all(Array.from({ length: count }, one))
  return count
}

serve({ open, cut, back, bare }, () => Promise.all(clients.map((client) => client.close())))
