/**
 * Ends services of another node that it monitors: such that it knows by number, by name, and from a
 * third node alone. And asks by way of a third node. It enters what comes of both.
 */
import type { ServiceDefinition, ServiceRef, Skynet } from 'skynet-ts'
import type { Book, WatchEntry } from './cluster-books.ts'
import { CALL_MS, entered } from './cluster-caller.ts'

const WAYS = ['number', 'name', 'third'] as const
const PAUSE_MS = 50
const LIMITS = { timeoutMs: CALL_MS } as const
/** After this nobody waits any more: eleven leases are over by then. */
const WATCHED_MS_MAX = 45_000

export type Guest = ServiceRef<{ end(): void }>

/** What is asked of test/fixtures/cluster-actor.ts. */
export interface Host {
  guest(name: string): Promise<Guest>
  named(name: string): Guest
  guestOf(node: string, name: string): Promise<Guest>
  pass(to: ServiceRef<Host>, id: string): string
}

export class Watcher {
  isOver = false
  readonly #skynet: Skynet
  readonly #me: string
  readonly #to: string
  readonly #third: string
  readonly #book: Pick<Book, 'calls' | 'watches'>
  #rounds = 0

  constructor(
    skynet: Skynet,
    me: string,
    [to, third]: readonly [to: string, third: string],
    book: Pick<Book, 'calls' | 'watches'>,
  ) {
    this.#skynet = skynet
    this.#me = me
    this.#to = to
    this.#third = third
    this.#book = book
  }

  async run(): Promise<void> {
    while (!this.isOver) {
      const way = WAYS[this.#rounds++ % WAYS.length]!
      // A node is gone: the next round begins with those that are there.
      await this.#round(way).catch(() => {})
      await this.#skynet.sleep(PAUSE_MS)
    }
  }

  #host(node: string): Promise<ServiceRef<Host>> {
    return this.#skynet.cluster.query<ServiceDefinition<[], Host>>(node, '.actor', LIMITS)
  }

  async #round(way: (typeof WAYS)[number]): Promise<void> {
    const name = `.${this.#me}.${this.#to}.${this.#rounds}`
    const third = (await this.#host(this.#third)).with(LIMITS)
    const host = await this.#host(this.#to)
    await entered(this.#book.calls, { me: this.#me, to: this.#to, what: 'passed' }, (id) =>
      third.call.pass(host, id),
    )
    const { call } = host.with(LIMITS)
    if (way === 'third') await this.#watch(way, await third.call.guestOf(this.#to, name))
    else {
      const guest = await call.guest(name)
      await this.#watch(way, way === 'number' ? guest : await call.named(name))
    }
  }

  async #watch(way: string, guest: Guest): Promise<void> {
    const entry: WatchEntry = { way, by: this.#me, to: this.#to, reason: 'open' }
    const watches = this.#book.watches as WatchEntry[]
    watches.push(entry)
    const ended = this.#skynet.monitor(guest, { timeoutMs: WATCHED_MS_MAX }).then(
      ({ reason }) => {
        entry.reason = reason
      },
      (error: Error) => {
        entry.reason = `open: ${error.message}`
      },
    )
    // Whether it has heard of that is not known: until it has ended, or its node is down.
    while (entry.reason === 'open') {
      await guest
        .with(LIMITS)
        .call.end()
        .catch(() => {})
      await this.#skynet.sleep(PAUSE_MS)
    }
    await ended
  }
}
