/**
 * What was promised in a simulated world, and what has come of it: each call, each send, each
 * token, by who has seen it. Everything is written down here from the outside; whatever breaks a
 * promise throws.
 */
import assert from 'node:assert/strict'
import { compareTokens, type FenceToken } from '../../cluster/core/records.ts'
import type { Agenda } from './agenda.ts'

export interface SimCall {
  readonly id: number
  /** When it must have ended, by the clock of the world. It moves when its caller is stopped. */
  until: number
  hasRun: boolean
  /** Undefined: under way. */
  ended: string | undefined
  /** It ended with the word that its handler never runs. */
  isUnsent: boolean
  /** Its caller is no more. */
  isDropped: boolean
}

/** What goes from one service to another of one process, in order. */
interface Order {
  stream: number
  send: number
  last: number
}

export class ClusterBook {
  readonly #agenda: Agenda
  readonly calls = new Map<number, SimCall>()
  #count = 0
  readonly #orders = new Map<string, Order>()
  /** By name and token, who has ever had it. */
  readonly #owners = new Map<string, string>()
  readonly #accepted = new Map<string, FenceToken>()
  /** Of each name since when two act for it. */
  readonly #overlaps = new Map<string, number>()
  /** Two owners of one name may act at once for so long. */
  readonly #overlapMs: number
  delivered = 0
  acts = 0
  deaths = 0

  constructor(agenda: Agenda, overlapMs: number) {
    this.#agenda = agenda
    this.#overlapMs = overlapMs
  }

  // --- calls
  // --------------------------------------------------------------------------------------

  begin(remainingMs: number): SimCall {
    const call: SimCall = {
      id: ++this.#count,
      until: this.#agenda.now + remainingMs,
      hasRun: false,
      ended: undefined,
      isUnsent: false,
      isDropped: false,
    }
    this.calls.set(call.id, call)
    return call
  }

  ran(id: number): void {
    const call = this.calls.get(id)!
    assert.ok(!call.isUnsent, `call ${id}: it was said not to have been sent, and runs`)
    assert.ok(!call.hasRun, `call ${id}: runs twice`)
    call.hasRun = true
  }

  end(id: number, how: string, sent: 'no' | 'maybe' | undefined, graceMs: number): void {
    const call = this.calls.get(id)
    assert.ok(call !== undefined, `call ${id}: nobody has made it`)
    assert.ok(call.ended === undefined, `call ${id}: ended by ${call.ended}, and by ${how}`)
    call.ended = how
    if (sent === 'no') {
      assert.ok(!call.hasRun, `call ${id}: it has run, and is said not to have been sent (${how})`)
      call.isUnsent = true
    }
    this.#checkTime(call, graceMs)
  }

  /** None that is under way is later than it may be. */
  checkCalls(graceMs: number): void {
    for (const call of this.calls.values()) {
      if (call.ended === undefined && !call.isDropped) this.#checkTime(call, graceMs)
    }
  }

  #checkTime({ id, until, ended = 'nothing' }: SimCall, graceMs: number): void {
    const lateMs = this.#agenda.now - until
    assert.ok(lateMs <= graceMs, `call ${id}: ${lateMs} ms past its deadline: ${ended}`)
  }

  checkEnded(): void {
    for (const { id, ended, isDropped } of this.calls.values()) {
      assert.ok(ended !== undefined || isDropped, `call ${id}: never ended`)
    }
  }

  // --- order
  // --------------------------------------------------------------------------------------

  /**
   * A message has come. Those that want no answer are counted in each session of a link, so that
   * one that is missing shows.
   *
   * @param send Number among those of its session; -1: it is none of them.
   */
  came(way: string, stream: number, send: number, number: number): void {
    this.delivered++
    const order = this.#orders.get(way) ?? { stream: -1, send: -1, last: -1 }
    this.#orders.set(way, order)
    assert.ok(number > order.last, `${way}: message ${number} came behind ${order.last}`)
    order.last = number
    if (send < 0) return
    assert.ok(stream >= order.stream, `${way}: session ${stream} behind ${order.stream}`)
    if (stream > order.stream) order.send = -1
    order.stream = stream
    assert.equal(send, order.send + 1, `${way}: sends of session ${stream} are missing`)
    order.send = send
  }

  // --- names
  // --------------------------------------------------------------------------------------

  /** Somebody owns a name, with that token. */
  owns(name: string, token: FenceToken, owner: string): void {
    const key = `${name} ${token}`
    const known = this.#owners.get(key) ?? owner
    this.#owners.set(key, known)
    assert.equal(owner, known, `${name}: two owners have token ${token}`)
  }

  /** An owner acts, and so many do in all. */
  acted(name: string, owners: readonly string[]): void {
    this.acts++
    if (owners.length < 2) {
      this.#overlaps.delete(name)
      return
    }
    const { now } = this.#agenda
    const since = this.#overlaps.get(name) ?? now
    this.#overlaps.set(name, since)
    const ms = now - since
    assert.ok(ms <= this.#overlapMs, `${name}: ${owners.join(' and ')} act at once for ${ms} ms`)
  }

  /** A receiver has accepted what an owner sent. */
  accepted(receiver: string, name: string, token: FenceToken): void {
    const key = `${receiver} ${name}`
    const highest = this.#accepted.get(key)
    assert.ok(
      highest === undefined || compareTokens(token, highest) >= 0,
      `${receiver} accepts ${name} with ${token} after ${highest}`,
    )
    this.#accepted.set(key, token)
  }
}
