/** Many clients of a gate at once, their agents on all workers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig } from 'skynet-ts/node'
import { FramedClient } from '../support/framed-client.ts'
import { OpenFiles } from '../support/leftovers.ts'
import { TestNode } from '../support/node.ts'
import { fixture } from '../support/process.ts'
import { until } from '../support/until.ts'

const CLIENTS = 2000
/** What the backlog of the kernel has room for. */
const AT_ONCE = 200
const ROUNDS = 5
const BURST = 8

/** A client, and what it has said so far. */
class Player {
  readonly #name: string
  #client!: FramedClient
  #said = 0
  worker = -1

  constructor(name: string) {
    this.#name = name
  }

  async join(port: number): Promise<void> {
    this.#client = await FramedClient.connect(port)
    this.#said = 0
  }

  /** Say some things at once; each is answered, once, in order. */
  async talk(): Promise<void> {
    const client = this.#client
    const words = Array.from({ length: BURST }, (_, n) => `${this.#name} says ${this.#said + n}`)
    client.send(...words)
    await client.message(BURST)
    const answers = client.messages.map(String)
    this.worker = Number(/ on (\d+): /.exec(answers[0]!)![1])
    assert.deepEqual(
      answers,
      words.map((word, n) => `${this.#said + n} on ${this.worker}: ${word}`),
    )
    client.received = Buffer.alloc(0)
    this.#said += BURST
  }

  cut(): void {
    this.#client.reset()
  }

  leave(): void {
    this.#client.close()
  }
}

async function each<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = [...all]
  const work = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await act(one)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
}

// Proves: docs/gate.md#forward, #agent
test(`${CLIENTS} clients are answered once and in order, also after half were cut`, async (t) => {
  const config = { thread: 2, start: fixture('players.ts') }
  const started = await TestNode.start((folder, logger) =>
    resolveConfig({ ...config, logger }, folder),
  )
  t.after(() => started.stop())
  const { node } = started
  const [, text] = await started.logged(/players come to port (\d+)/)
  const port = Number(text)
  await until('the end of the bootstrap service', () => node.stats().services === 4)
  const { sockets } = node.stats()
  const files = new OpenFiles()

  const players = Array.from({ length: CLIENTS }, (_, n) => new Player(`player ${n}`))
  await each(players, (player) => player.join(port))
  for (let round = 0; round < ROUNDS; round++) await each(players, (player) => player.talk())
  assert.deepEqual([...new Set(players.map(({ worker }) => worker))].sort(), [0, 1])
  const half = players.filter((_, n) => n % 2 === 0)
  for (const player of half) player.cut()
  await each(half, (player) => player.join(port))
  for (let round = 0; round < ROUNDS; round++) await each(players, (player) => player.talk())
  for (const player of players) player.leave()

  await until('the end of all agents', () => node.stats().services === 4)
  await until('the end of all sockets', () => node.stats().sockets === sockets)
  await files.gone()
  started.assertNoFault()
})
