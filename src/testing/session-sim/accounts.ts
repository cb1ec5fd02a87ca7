/** What was done in a simulated world, and what was told of it: the promises are checked here. */
import assert from 'node:assert/strict'
import type { CloseCode } from '../../client/close-codes.ts'
import type { DetachReason } from '../../session/core/client-session.ts'
import type { SessionLink } from '../../session/core/session-link.ts'
import type { SessionTable } from '../../session/core/session-table.ts'

/** A connection, as the gate has it. */
export interface BookedLink extends SessionLink {
  /** Grows with the connections of a client. */
  readonly number: number
  /** Something has happened to it, or its client has left it. */
  readonly isTroubled: boolean
}

/** Why sessions end here. */
const ENDS: readonly CloseCode[] = ['silent', 'overflow', 'bye', 'agent', 'drain', 'error']
/** How often the clock of a gate looks late. */
const TICKS_LATE = 2

/** One session, as its gate has it. */
export class SessionPage {
  readonly user: string
  id = ''
  state: 'new' | 'attached' | 'detached' | 'ended' = 'new'
  endCode: CloseCode | undefined
  /** By number from 1: the key of those that replace others. */
  readonly #pushes: (string | undefined)[] = []
  /** Highest push that any client has heard of. */
  heardUpTo = 0
  /** All pushes that were heard. */
  readonly heard = new Set<number>()
  #link: BookedLink | undefined
  #detachedAt = 0

  constructor(user: string) {
    this.user = user
  }

  attached(id: string, link: SessionLink | undefined, isResume: boolean): void {
    const next = link as BookedLink
    assert.equal(isResume, this.state !== 'new', 'a resume is told, and nothing else is one')
    assert.ok(this.state === 'new' || this.state === 'detached', `attached when ${this.state}`)
    assert.ok((this.#link?.number ?? -1) < next.number, 'a session goes to later connections only')
    this.id = id
    this.state = 'attached'
    this.#link = next
  }

  detached(reason: DetachReason, now: number): void {
    assert.equal(this.state, 'attached', 'only what is attached is detached')
    if (reason !== 'superseded') {
      assert.ok(this.#link!.isTroubled, `a connection that is well is not ${reason}`)
    }
    this.state = 'detached'
    this.#detachedAt = now
  }

  ended(code: CloseCode, now: number, { limits, tickMs }: SessionTable<SessionPage>): void {
    assert.notEqual(this.state, 'ended', 'a session ends once')
    assert.ok(ENDS.includes(code), `ended by ${code}`)
    if (code === 'silent') {
      const ms = now - this.#detachedAt
      assert.equal(this.state, 'detached', 'only what is detached expires')
      assert.ok(ms >= limits.keepMs, `kept for ${ms} ms, not ${limits.keepMs}`)
      assert.ok(ms <= limits.keepMs + TICKS_LATE * tickMs, `kept for ${ms} ms`)
    }
    this.end(code)
  }

  end(code: CloseCode): void {
    this.state = 'ended'
    this.endCode = code
  }

  /** @returns The number of a new push. */
  pushed(latest: string | undefined): number {
    return this.#pushes.push(latest)
  }

  /** @param after The push that this client has heard before. */
  hear(number: number, after: number): void {
    assert.ok(number > after, `push ${number} comes after ${after}`)
    assert.ok(number <= this.#pushes.length, `push ${number} was made`)
    this.#allReplaced(after, number)
    this.heard.add(number)
    this.heardUpTo = Math.max(this.heardUpTo, number)
  }

  /** All are heard by now. */
  checkAllHeard(): void {
    this.#allReplaced(0, this.#pushes.length + 1)
  }

  /** Those between were heard by another client of the session, or replaced by a newer one. */
  #allReplaced(after: number, before: number): void {
    for (let number = after + 1; number < before; number++) {
      if (this.heard.has(number)) continue
      const key = this.#pushes[number - 1]
      const isReplaced = key !== undefined && this.#pushes.indexOf(key, number) >= 0
      assert.ok(isReplaced, `push ${number} is missing`)
    }
  }
}

/** One call of a client. */
interface Call {
  ran: number
  page: SessionPage | undefined
  /** How it was told. */
  told: string | undefined
  /** The client that made it has crashed: nobody waits. */
  isOrphan: boolean
}

export class SessionAccounts {
  readonly pages: SessionPage[] = []
  readonly #calls = new Map<string, Call>()

  newPage(user: string): SessionPage {
    const page = new SessionPage(user)
    this.pages.push(page)
    return page
  }

  page(id: string): SessionPage {
    const page = this.pages.find((each) => each.id === id)
    assert.ok(page, `there is a session ${id}`)
    return page
  }

  /** @returns What names a new call, whoever of this name makes it. */
  asked(treatment: string, client: string, bytes: number): string {
    const key = `${treatment}${client} ${this.#calls.size}${' '.repeat(bytes)}`
    this.#calls.set(key, { ran: 0, page: undefined, told: undefined, isOrphan: false })
    return key
  }

  #call(key: string): Call {
    const call = this.#calls.get(key)
    assert.ok(call, `call ${key} was made`)
    return call
  }

  /** A gate runs a request. */
  ran(page: SessionPage, name: string, key: string, isQuiet: boolean): void {
    const call = this.#call(key)
    call.ran++
    call.page = page
    assert.equal(call.ran, 1, `call ${key} runs once`)
    assert.equal(page.state, 'attached', 'requests come by a connection')
    assert.equal(name, isQuiet ? 'send' : 'call', 'a request is what it was')
    assert.notEqual(call.told, 'ERR_CLIENT_CLOSED', `call ${key} runs, but was not sent`)
  }

  /** A client hears of a call. @param told Its answer, or the code of its error. */
  told(key: string, told: string, isQuiet: boolean, page: SessionPage | undefined): void {
    const call = this.#call(key)
    assert.equal(call.told, undefined, `call ${key} is told once`)
    call.told = told
    if (told === 'ERR_CLIENT_LOST') {
      assert.ok(page === undefined || page.state === 'ended', `the session of ${key} has ended`)
      return
    }
    const isSent = told !== 'ERR_CLIENT_CLOSED' && told !== 'ERR_CLIENT_TOO_LONG'
    assert.equal(call.ran, isSent ? 1 : 0, `call ${key} is told ${told}`)
    if (!isSent || told === 'ERR_ANSWER_GONE') return
    const answer = key.startsWith('f') ? 'ERR_HANDLER' : `${key}!`
    assert.equal(told, isQuiet ? '' : answer, 'it is its answer')
  }

  /** Who made a call waits no longer. @param isUnsent It never runs. */
  givenUp(key: string, isUnsent: boolean): void {
    if (isUnsent) this.told(key, 'ERR_CLIENT_CLOSED', false, undefined)
    else this.#call(key).isOrphan = true
  }

  /** The client of these calls has crashed. */
  orphan(client: string): void {
    for (const [key, call] of this.#calls) {
      if (key.slice(1).startsWith(`${client} `) && call.told === undefined) call.isOrphan = true
    }
  }

  /** Everybody has been told. */
  checkAllTold(): void {
    for (const [key, { told, isOrphan }] of this.#calls) {
      assert.ok(told !== undefined || isOrphan, `call ${key} is told`)
    }
  }
}
