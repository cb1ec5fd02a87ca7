/** A client of the simulation: the real core, on connections that fail on purpose. */
import assert from 'node:assert/strict'
import { ClientCore, type CoreCall, type CoreHost, type CoreState } from '../../client/core.ts'
import type { Agenda } from '../cluster-sim/agenda.ts'
import type { Random } from '../sim/random.ts'
import type { SessionAccounts, SessionPage } from './accounts.ts'
import { latin } from './sim-gate.ts'

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** What a client needs of the world. */
export interface ClientPlace {
  readonly agenda: Agenda
  readonly random: Random
  readonly accounts: SessionAccounts
  connect(client: SimClient, connection: number): void
  send(client: SimClient, message: Uint8Array): void
  end(client: SimClient): void
  isWell(client: SimClient): boolean
}

export const CLIENT_OPTIONS = {
  callsMax: 40,
  callBytesMax: 2000,
  openTimeoutMs: 2500,
  retryMsMin: 100,
  retryMsMax: 1000,
} as const

export class SimClient implements CoreHost {
  readonly name: string
  readonly core: ClientCore
  /** It has crashed, and does nothing any more. */
  isDead = false
  /** Its next connection says nothing until a later one has greeted. */
  isHeld = false
  readonly #place: ClientPlace
  #timer = 0
  /** Calls that were not told. */
  readonly #keys = new Map<CoreCall, string>()
  #page: SessionPage | undefined
  #heard = 0
  readonly #isHeir: boolean

  /** @param token Of a client that has crashed. */
  constructor(place: ClientPlace, name: string, token: Uint8Array | undefined) {
    this.#place = place
    this.name = name
    this.#isHeir = token !== undefined
    this.core = new ClientCore(this, { ...CLIENT_OPTIONS, token })
  }

  now(): number {
    return this.#place.agenda.now
  }

  random(): number {
    return this.#place.random.below(1000) / 1000
  }

  login(): Uint8Array {
    return latin(this.name)
  }

  open(connection: number): void {
    this.#place.connect(this, connection)
  }

  send(message: Uint8Array): void {
    this.#place.send(this, message)
  }

  end(): void {
    this.#place.end(this)
  }

  timer(ms: number): void {
    const timer = ++this.#timer
    this.#place.agenda.after(ms, () => {
      if (timer === this.#timer && !this.isDead) this.core.tick()
    })
  }

  changed(state: CoreState): void {
    const { reason, isResumed, session } = this.core
    if (state === 'open' && this.#page?.id !== session) {
      const isOver = this.#page === undefined || this.#page.state === 'ended'
      assert.ok(isOver, 'a client stays with a session that is there')
      this.#page = this.#place.accounts.page(session)
      // What a client before this one has heard does not come again for sure.
      this.#heard = isResumed ? this.#page.heardUpTo : 0
      this.#isNew = isResumed
    }
    const isSilent = state === 'waiting' && reason?.code === 'silent'
    assert.ok(!isSilent || !this.#place.isWell(this), 'a connection that is well is not silent')
    if (state === 'closed') assert.equal(reason?.code, 'bye', `closed by ${reason?.code}`)
  }
  #isNew = false

  /** Has it made all requests of this session? */
  knows(session: string): boolean {
    return this.#page?.id === session && !this.#isHeir
  }

  /** Somebody who waits does so no longer. */
  giveUp(): string | undefined {
    if (this.#keys.size === 0) return undefined
    const [call, key] = this.#place.random.pick([...this.#keys])
    this.#keys.delete(call)
    this.#place.accounts.givenUp(key, this.core.giveUp(call))
    return key.trimEnd()
  }

  ask(treatment: string, isQuiet: boolean, bytes: number): void {
    const { accounts } = this.#place
    const key = accounts.asked(treatment, this.name, bytes)
    const call: CoreCall = {
      name: isQuiet ? 'send' : 'call',
      body: latin(key),
      isQuiet,
      end: (failure, answer) => {
        assert.ok(this.#keys.delete(call), `${key} was asked, and is told for the first time`)
        const isClosing = this.core.state === 'closed'
        const page = isClosing ? undefined : this.#page
        accounts.told(key, failure?.code ?? text(answer), isQuiet, page)
      },
    }
    this.#keys.set(call, key)
    if (this.core.call(call) === undefined) return
    this.#keys.delete(call)
    accounts.told(key, 'ERR_CLIENT_CLOSED', isQuiet, undefined)
  }

  push(name: string, body: Uint8Array): void {
    assert.equal(name, 'event')
    const number = Number(text(body))
    const after = this.#isNew ? Math.min(this.#heard, number - 1) : this.#heard
    this.#isNew = false
    this.#page!.hear(number, after)
    this.#heard = number
  }
}
