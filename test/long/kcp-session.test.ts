/** Sessions over KCP, on a network that loses, whose connections are cut by chance. */
import assert from 'node:assert/strict'
import type { MessageStream, Skynet } from 'skynet-ts'
import { type ClientLinkMaker, connect } from 'skynet-ts/client'
import { connectKcp } from 'skynet-ts/kcp'
import { Relay } from '../../src/transport/kcp/relay.kit.ts'
import { game } from '../fixtures/session-game.ts'
import type sessionGate from '../fixtures/session-gate.ts'
import type sessionRoom from '../fixtures/session-room.ts'
import { serviceTest } from '../support/run.ts'
import { below, seeded } from '../support/seed.ts'
import { until } from '../support/until.ts'

const CLIENTS = 30
const ROUNDS = 20
const LOST = 10

/** Streams of clients, which may be cut. */
class Cuttable implements ClientLinkMaker {
  readonly #skynet: Skynet
  readonly #port: number
  #stream: MessageStream | undefined

  constructor(skynet: Skynet, port: number) {
    this.#skynet = skynet
    this.#port = port
  }

  open(...[events]: Parameters<ClientLinkMaker['open']>): ReturnType<ClientLinkMaker['open']> {
    let stream: MessageStream | undefined
    let isClosed = false
    const begin = async (): Promise<void> => {
      stream = await connectKcp(this.#skynet, { port: this.#port })
      this.#stream = stream
      if (isClosed) return
      events.opened()
      await stream.each((message) => events.heard(message))
    }
    const ended = (why: unknown): void => {
      if (!isClosed) events.closed(String(why))
    }
    begin().then(() => ended('the end'), ended)
    return {
      send: (message) => void (stream?.isOpen && stream.send(message)),
      close: () => {
        isClosed = true
        void stream?.close().catch(() => {})
      },
    }
  }

  cut(): void {
    void this.#stream?.close().catch(() => {})
  }
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

// Proves: docs/kcp.md#gate
serviceTest(
  import.meta.url,
  'sessions over KCP: lost, moved, cut, each call ran once',
  async (skynet) => {
    const room = await skynet.newService<typeof sessionRoom>('../fixtures/session-room.ts', {
      on: 1,
    })
    await room.call.know([room])
    const gate = await skynet.newService<typeof sessionGate>('../fixtures/session-gate.ts', {
      args: [[room], {}],
      on: 0,
    })
    const places = await gate.call.places()
    const { port } = places.find(({ transport }) => transport === 'kcp')!
    const relay = await Relay.start(skynet, port)
    const random = seeded(5)
    const links = numbers(CLIENTS).map(() => new Cuttable(skynet, relay.port))
    const clients = links.map((transport, i) =>
      connect(game, { transport, login: { name: `kcp${i}` }, retryMsMin: 1, retryMsMax: 20 }),
    )
    const events = clients.map((client) => {
      const seen: number[] = []
      client.on('at', (n) => seen.push(n))
      return seen
    })
    await Promise.all(clients.map(({ ready }) => ready))
    relay.fate = () => (below(random, 100) < LOST ? 0 : 1)
    let cuts = 0
    for (let round = 0; round < ROUNDS; round++) {
      const calls = clients.map((client) => client.call.add(round))
      room.send.push(round)
      for (const link of links) {
        if (below(random, 10) > 0) continue
        link.cut()
        cuts++
      }
      if (round === ROUNDS / 2) await relay.move()
      await Promise.all(calls)
    }
    await until('all pushes', () => events.every(({ length }) => length === ROUNDS))
    for (const seen of events) assert.deepEqual(seen, numbers(ROUNDS))
    for (const i of numbers(CLIENTS)) {
      assert.deepEqual(await room.call.added(`kcp${i}`), numbers(ROUNDS))
    }
    const { admitted, resumed } = await gate.call.stat()
    assert.equal(admitted, CLIENTS)
    assert.ok(cuts > 10 && resumed > 10, `${cuts} cuts, ${resumed} resumed`)
    relay.fate = () => 1
    await Promise.all(clients.map((client) => client.close()))
  },
)
