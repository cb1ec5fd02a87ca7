/**
 * What the sockets of a node have done since its start: counters in shared memory, one row of
 * float64 a thread. Only its thread writes a row, with plain stores; a reader adds the rows up.
 * Nobody stops for it, no lock is taken, and sockets that are gone stay counted.
 *
 * What a reader can rely on:
 *   1. Each number that counts since the start only grows, and none is lost or counted twice.
 *   2. A thread counts what happened before it tells: who got a connection, or bytes, finds them
 *      counted. What nobody told yet may be counted already.
 *   3. Numbers of several threads belong to no common moment: `received` may have grown between the
 *      reading of one and of the next. Each of them is right for a moment during the call.
 *   4. System calls are as of the last turn: the socket thread publishes its own before it waits,
 *      a worker its own when it has written out what a turn gathered. So they lag behind.
 *   5. What is said of now (`queued`, `states`) comes from a scan of the slots: each socket is seen
 *      as it was when the scan came by, so one that begins or ends meanwhile may be in it or not.
 */
import assert from 'node:assert/strict'
import { SOCKETS_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { SLOT, type Slots } from './slots.ts'
import { STATE, type StateName, stateName } from './state.ts'

/** The row of one thread. A cell here is a float64: 2^53 bytes are enough, 2^32 are not. */
export const TOTAL = layout({
  accepted: 1, // the socket thread, as all that follow up to `events`
  refused: 1,
  opened: 1,
  closed: 1,
  received: 1,
  waits: 1,
  wakes: 1,
  events: 1,
  sent: 1, // whoever writes: the socket thread, workers
  calls: 1, // every thread
  unused: 6,
})
assert.equal(TOTAL.CELLS * 8, 128, 'rows share no cache line, nor the pair that is fetched as one')

/** What all sockets of the node did since it began, and what there is now. */
export interface SocketTotals {
  /** Connections that listeners accepted. */
  readonly accepted: number
  /** Clients turned away for want of a descriptor or of a slot. */
  readonly refused: number
  /** Connects that succeeded. */
  readonly opened: number
  /** Of those accepted and opened, how many are gone: the rest is there now. */
  readonly closed: number
  /** Bytes for the owners of sockets, TCP, UDP and others. What comes after `close` is none. */
  readonly received: number
  /** Bytes that the kernel took. */
  readonly sent: number
  /** System calls of the socket system, on the socket thread and the workers; not Node's own. */
  readonly calls: number
  /** Waits of the poller, those included that only look and do not sleep. */
  readonly waits: number
  /** Waits that brought events: `events / wakes` is how much each one is good for. */
  readonly wakes: number
  /** Events that the waits brought; being woken by a worker is one too. */
  readonly events: number
  /** Bytes that wait to be sent now. */
  readonly queued: number
  /** Sockets now, by state. */
  readonly states: Readonly<Record<Exclude<StateName, 'INVALID'>, number>>
}

/** The row of one thread: for that thread to write. */
export class TotalsRow {
  readonly #floats: Float64Array
  readonly #at: number

  constructor(floats: Float64Array, thread: number) {
    this.#floats = floats
    this.#at = thread * TOTAL.CELLS
  }

  /** @param field One of TOTAL. */
  add(field: number, count: number): void {
    this.#floats[this.#at + field]! += count
  }

  get(field: number): number {
    return this.#floats[this.#at + field]!
  }

  set(field: number, total: number): void {
    this.#floats[this.#at + field] = total
  }

  /** The poller has waited, and brought `events`; negative: it failed. */
  waited(events: number): void {
    this.add(TOTAL.waits, 1)
    if (events <= 0) return
    this.add(TOTAL.wakes, 1)
    this.add(TOTAL.events, events)
  }
}

export class Totals {
  readonly #floats: Float64Array
  readonly #slots: Slots

  constructor(memory: SharedArrayBuffer, slots: Slots) {
    this.#floats = new Float64Array(memory)
    this.#slots = slots
  }

  /** @param threads Numbered as their doorbells: the workers, then the socket thread. */
  static memory(threads: number): SharedArrayBuffer {
    return new SharedArrayBuffer(threads * TOTAL.CELLS * Float64Array.BYTES_PER_ELEMENT)
  }

  row(thread: number): TotalsRow {
    return new TotalsRow(this.#floats, thread)
  }

  /** From any thread. It scans all slots, so it is for reports, not for every message. */
  read(): SocketTotals {
    return {
      accepted: this.#sum(TOTAL.accepted),
      refused: this.#sum(TOTAL.refused),
      opened: this.#sum(TOTAL.opened),
      closed: this.#sum(TOTAL.closed),
      received: this.#sum(TOTAL.received),
      sent: this.#sum(TOTAL.sent),
      calls: this.#sum(TOTAL.calls),
      waits: this.#sum(TOTAL.waits),
      wakes: this.#sum(TOTAL.wakes),
      events: this.#sum(TOTAL.events),
      ...this.#now(),
    }
  }

  #sum(field: number): number {
    let sum = 0
    for (let at = field; at < this.#floats.length; at += TOTAL.CELLS) sum += this.#floats[at]!
    return sum
  }

  #now(): Pick<SocketTotals, 'queued' | 'states'> {
    const { cells } = this.#slots
    const counts = new Array<number>(Object.keys(STATE).length).fill(0)
    let queued = 0
    for (let slot = 0; slot < SOCKETS_MAX; slot++) {
      const at = this.#slots.at(slot)
      const state = Atomics.load(cells, at + SLOT.state)
      if (state === STATE.INVALID) continue
      counts[state]!++
      queued += Atomics.load(cells, at + SLOT.queued)
    }
    const states = counts.map((count, state) => [stateName(state), count] as const).slice(1)
    return { queued, states: Object.fromEntries(states) as SocketTotals['states'] }
  }
}
