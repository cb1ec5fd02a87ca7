/**
 * Calls the actor of another node, or the one ledger of the cluster, one call behind the other, and
 * enters how each ends.
 */
import { isSkynetError, type ServiceDefinition, type ServiceRef, type Skynet } from 'skynet-ts'
import type ledgerService from '../fixtures/cluster-ledger.ts'
import { type Book, type CallEntry, now } from './cluster-books.ts'
import { below, type Random } from './seed.ts'

const LEDGER = new URL('../fixtures/cluster-ledger.ts', import.meta.url)

/** What is called of test/fixtures/cluster-actor.ts. */
interface Actor {
  work(id: string, ms: number): Promise<string>
  note(from: string, count: number): void
}

export const CALL_MS = 2000
const WORK_MS_MAX = 200
const PAUSE_MS_MAX = 20
const SENDS_MAX = 20

export class Caller {
  isOver = false
  readonly #skynet: Skynet
  readonly #me: string
  readonly #to: string
  readonly #random: Random
  readonly #calls: CallEntry[]
  readonly #sends: Record<string, number>

  /** @param me Of this process alone: by it others know who sends. */
  constructor(
    skynet: Skynet,
    me: string,
    to: string,
    random: Random,
    { calls, sends }: Pick<Book, 'calls' | 'sends'>,
  ) {
    this.#skynet = skynet
    this.#me = me
    this.#to = to
    this.#random = random
    this.#calls = calls as CallEntry[]
    this.#sends = sends as Record<string, number>
  }

  /** @param folder Of the ledger, to which it calls then. */
  async run(folder?: string): Promise<void> {
    while (!this.isOver) {
      await (folder === undefined ? this.#callUntilLost() : this.#writeUntilLost(folder))
      await this.#skynet.sleep(PAUSE_MS_MAX)
    }
  }

  async #callUntilLost(): Promise<void> {
    const options = { timeoutMs: CALL_MS }
    const peer = await this.#entered('query', () =>
      this.#skynet.cluster.query<ServiceDefinition<[string], Actor>>(this.#to, '.actor', options),
    )
    let isThere = peer !== undefined
    while (isThere && !this.isOver) {
      await this.#skynet.sleep(below(this.#random, PAUSE_MS_MAX))
      const kind = this.#random()
      if (kind < 0.3) this.#send(peer!, 1 + below(this.#random, SENDS_MAX))
      const workMs = kind < 0.5 ? 0 : below(this.#random, WORK_MS_MAX)
      const answer = await this.#entered('work', (id) => peer!.with(options).call.work(id, workMs))
      isThere = answer !== undefined
    }
  }

  async #writeUntilLost(folder: string): Promise<void> {
    const options = { timeoutMs: CALL_MS }
    const ledger = await this.#entered('query', () =>
      this.#skynet.cluster.uniqueService<typeof ledgerService>(LEDGER, {
        args: [folder],
        ...options,
      }),
    )
    let isThere = ledger !== undefined
    while (isThere && !this.isOver) {
      await this.#skynet.sleep(below(this.#random, PAUSE_MS_MAX))
      const token = await this.#entered('ledger', (id) => ledger!.with(options).call.add(id))
      if (token !== undefined) this.#calls.findLast(({ what }) => what === 'ledger')!.token = token
      isThere = token !== undefined
    }
  }

  #send(peer: ServiceRef<Actor>, count: number): void {
    for (let i = 0; i < count; i++) {
      const number = (this.#sends[this.#to] ?? 0) + 1
      this.#sends[this.#to] = number
      peer.send.note(this.#me, number)
    }
  }

  #entered<T>(what: CallEntry['what'], call: (id: string) => Promise<T>): Promise<T | undefined> {
    return entered(this.#calls, { me: this.#me, to: this.#to, what }, call)
  }
}

/** Undefined: it has failed, and it is entered how. */
export async function entered<T>(
  calls: readonly CallEntry[],
  { me, to, what }: { readonly me: string } & Pick<CallEntry, 'to' | 'what'>,
  call: (id: string) => Promise<T>,
): Promise<T | undefined> {
  const id = `${me}:${calls.length}`
  const head = { id, what, to, begunAt: now(), timeoutMs: CALL_MS }
  const entry: CallEntry = { ...head, endedAt: 0, outcome: 'open' }
  ;(calls as CallEntry[]).push(entry)
  try {
    const value = await call(id)
    entry.outcome = 'ok'
    return value
  } catch (error) {
    entry.outcome = isSkynetError(error) ? error.code : String(error)
    if (isSkynetError(error)) entry.sent = (error.info as Pick<CallEntry, 'sent'>).sent
    return undefined
  } finally {
    entry.endedAt = now()
  }
}
