/** Nodes of one cluster over NATS, each a process, and what they tell. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { CallBook, NodeEvent, NodeOrder } from '../fixtures/nats-node.ts'
import { until } from './until.ts'

const PROGRAM = fileURLToPath(new URL('../fixtures/nats-node.js', import.meta.url))
export const LEASE_MS = 3000

export interface NatsNodesOptions {
  readonly servers: string | readonly string[]
  readonly storage?: 'memory' | 'file'
  readonly replicas?: 1 | 3
}

/** The clock that all processes of the machine share, in milliseconds. */
export const clock = (): number => Number(process.hrtime.bigint() / 1000n) / 1000

export class NatsNode {
  readonly name: string
  readonly events: NodeEvent[] = []
  readonly #process: ChildProcess
  readonly #books = new Map<number, (book: CallBook) => void>()
  #asked = 0
  /** When it was killed. */
  #diedAt = Number.POSITIVE_INFINITY

  constructor(name: string, options: NatsNodesOptions) {
    this.name = name
    const words = { cluster: 'game', node: name, leaseMs: LEASE_MS, ...options }
    this.#process = fork(PROGRAM, [JSON.stringify(words)])
    this.#process.on('message', (said: NodeEvent | { id: number; book: CallBook }) => {
      if ('what' in said) this.events.push(said)
      else this.#books.get(said.id)?.(said.book)
    })
  }

  get diedAt(): number {
    return this.#diedAt
  }

  order(order: NodeOrder): void {
    this.#process.send(order)
  }

  async book(): Promise<CallBook> {
    const id = ++this.#asked
    const book = new Promise<CallBook>((resolve) => this.#books.set(id, resolve))
    this.order({ book: id })
    return book
  }

  /** Those of a kind, since a time. */
  told(what: NodeEvent['what'], since = 0): NodeEvent[] {
    return this.events.filter((event) => event.what === what && event.at >= since)
  }

  /** Waits for one. */
  async tells(what: NodeEvent['what'], text: string | RegExp, since = 0): Promise<NodeEvent> {
    const isIt = (event: NodeEvent): boolean =>
      typeof text === 'string' ? event.text === text : text.test(event.text)
    return until(`${this.name} tells ${what} ${text}`, () => this.told(what, since).find(isIt))
  }

  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    this.#process.kill(signal)
    if (signal !== 'SIGKILL') return
    this.#diedAt = Math.min(this.#diedAt, clock())
    const { exitCode, signalCode } = this.#process
    if (exitCode === null && signalCode === null) await once(this.#process, 'exit')
  }
}

export class NatsNodes implements AsyncDisposable {
  readonly #options: NatsNodesOptions
  readonly all: NatsNode[] = []

  private constructor(options: NatsNodesOptions) {
    this.#options = options
  }

  /** All of them know each other. */
  static async start(options: NatsNodesOptions, names = ['a', 'b', 'c']): Promise<NatsNodes> {
    const nodes = new NatsNodes(options)
    for (const name of names) nodes.add(name)
    try {
      for (const node of nodes.all) {
        for (const name of names) if (name !== node.name) await node.tells('node', `${name} up`)
      }
      return nodes
    } catch (error) {
      await nodes[Symbol.asyncDispose]()
      throw new Error(`${String(error)}\n${nodes.story}`, { cause: error })
    }
  }

  /** @param servers Where only this node finds its server. */
  add(name: string, servers = this.#options.servers): NatsNode {
    const node = new NatsNode(name, { ...this.#options, servers })
    this.all.push(node)
    return node
  }

  /** Each calls all others, from now on, or no more. */
  calls(isCalling: boolean): void {
    for (const node of this.all) node.order({ calls: isCalling })
  }

  /** What all of them have told, in order, for who wants to know why. */
  get story(): string {
    const told = this.all.flatMap(({ name, events }) => events.map((event) => ({ name, ...event })))
    const lines = told.sort((one, other) => one.at - other.at)
    return lines
      .map(({ at, name, what, text }) => `${Math.round(at)} ${name} ${what} ${text}`)
      .join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((node) => node.signal('SIGKILL')))
  }
}

/** When a service was seen to act, by its own word, while its process lived. */
export function actingTimes({ events, diedAt }: NatsNode): { from: number; to: number }[] {
  const times: { from: number; to: number }[] = []
  for (const { what, at } of events) {
    if (what === 'acts') times.push({ from: at, to: diedAt })
    if (what === 'rests') times.at(-1)!.to = at
  }
  return times
}
