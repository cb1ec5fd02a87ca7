/**
 * The way from the socket thread to the owners' workers: one stream ring each. Events that find
 * no room wait here in order; data stays in the kernel then, and its socket stops reading.
 */

import { Queue } from '../../base/queue.ts'
import type { Doorbells } from '../../shm/doorbell.ts'
import type { Region } from '../../shm/memory.ts'
import type { StreamRing } from '../../shm/ring.ts'

interface WaitingEvent {
  readonly kind: number
  readonly owner: number
  readonly id: number
  readonly ud: number
  readonly payload: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** One worker as the socket thread sees it. `Stalled`: what reads for it. */
export class Link<Stalled> {
  readonly worker: number
  readonly region: Region
  readonly ring: StreamRing
  /** What stopped reading because the ring was full. */
  readonly stalled = new Queue<Stalled>(4)
  readonly #waiting = new Queue<WaitingEvent>()
  #isUnrung = false
  readonly #bells: Doorbells
  readonly #self: number

  /** @param self The doorbell of the socket thread. */
  constructor(worker: number, region: Region, ring: StreamRing, bells: Doorbells, self: number) {
    this.worker = worker
    this.region = region
    this.ring = ring
    this.#bells = bells
    this.#self = self
  }

  /** Events wait for room. */
  get isFull(): boolean {
    return this.#waiting.length > 0
  }

  get isBlocked(): boolean {
    return this.isFull || this.stalled.length > 0
  }

  /**
   * Where `length` bytes may be read to, or -1: no room now, or older events still wait. Room has
   * been asked for then.
   */
  reserve(length: number): number {
    if (this.#waiting.length > 0) return -1
    const at = this.ring.reserve(length)
    if (at >= 0) return at
    this.wantRoom()
    return this.ring.reserve(length)
  }

  publish(kind: number, owner: number, id: number, ud: number, length: number): void {
    this.ring.publish(kind, owner, id, ud, length)
    this.#isUnrung = true
  }

  /** Wake the worker for what was published: once a batch, not once an event. */
  announce(): void {
    if (!this.#isUnrung) return
    this.#isUnrung = false
    this.#bells.ring(this.worker)
  }

  /** Send an event that must not be lost. */
  emit(kind: number, owner: number, id: number, ud: number, payload: Uint8Array = NOTHING): void {
    const at = this.reserve(payload.length)
    if (at < 0) {
      // A copy, which `slice` of a Buffer is not: the caller uses its bytes again.
      this.#waiting.push({ kind, owner, id, ud, payload: new Uint8Array(payload) })
      return
    }
    this.region.bytes.set(payload, at)
    this.publish(kind, owner, id, ud, payload.length)
  }

  wantRoom(): void {
    this.#bells.wantRoom(this.worker, this.#self)
  }

  /** Try again what waits. True when nothing waits any more; else room has been asked for. */
  flush(): boolean {
    for (;;) {
      const event = this.#waiting.peek()
      if (event === undefined) return true
      const at = this.ring.reserve(event.payload.length)
      if (at < 0) return false
      this.region.bytes.set(event.payload, at)
      this.publish(event.kind, event.owner, event.id, event.ud, event.payload.length)
      this.#waiting.shift()
    }
  }
}
