/**
 * The way to another worker: its message ring, and what found no room there, in order. Messages
 * that are many bytes travel in a block; the record carries its address, so order holds.
 */
import assert from 'node:assert/strict'
import { type Budget, costOf } from '../base/budget.ts'
import { RING_PAYLOAD_BYTES_MAX } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import type { Doorbells } from '../shm/doorbell.ts'
import type { Blocks } from '../shm/memory.ts'
import type { ManyRing } from '../shm/ring.ts'
import type { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { BLOCK_FLAG, MESSAGE_TYPE_MASK } from './record-type.ts'

const BLOCK_RECORD_BYTES = 16
/** Of bytes that come from elsewhere so many are copied, to be had as words: see `ManyRing`. */
const SCRATCH_BYTES = 128
/** What V8 makes of one that waits, beside its bytes. */
const WAITING_BYTES = 256

interface Waiting {
  readonly type: number
  readonly to: number
  readonly source: number
  readonly session: number
  readonly payload: Buffer
  /** That it takes, here or in a block. */
  readonly bytes: number
}

export class Outbox {
  readonly worker: number
  readonly #ring: ManyRing
  readonly #bells: Doorbells
  readonly #self: number
  readonly #packer: Packer
  readonly #blocks: Blocks
  readonly #waiting = new Queue<Waiting>()
  #waitingBytes = 0
  readonly #blockWords = new Int32Array(BLOCK_RECORD_BYTES / 4)
  readonly #blockFloats = new Float64Array(this.#blockWords.buffer)
  readonly #blockBytes = Buffer.from(this.#blockWords.buffer)
  readonly #scratchWords = new Int32Array(SCRATCH_BYTES / 4)
  readonly #scratch = Buffer.from(this.#scratchWords.buffer)

  constructor(
    worker: number,
    ring: ManyRing,
    shared: { bells: Doorbells; self: number; packer: Packer; blocks: Blocks },
  ) {
    this.worker = worker
    this.#ring = ring
    this.#bells = shared.bells
    this.#self = shared.self
    this.#packer = shared.packer
    this.#blocks = shared.blocks
  }

  /** Messages that wait here for room. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** The memory that they take. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /**
   * Pack and send. Throws what cannot be packed, before anything has left.
   *
   * @param type With a deadline, if it has one: record-type.ts.
   * @param isMade An array that was made for this, which nobody else has or changes.
   */
  send(
    type: number,
    to: number,
    source: number,
    session: number,
    value: unknown,
    isMade = false,
  ): void {
    const packer = this.#packer
    const root = (type & MESSAGE_TYPE_MASK) === PTYPE.LUA ? 'args' : 'value'
    const length = isMade ? packer.packMade(value as unknown[], root) : packer.pack(value, root)
    this.sendPacked(type, to, source, session, length)
  }

  /** Send the first `length` bytes of the packer, which keeps them: for several workers alike. */
  sendPacked(type: number, to: number, source: number, session: number, length: number): void {
    const { bytes, words } = this.#packer
    this.#write(type, to, source, session, bytes, words, length)
  }

  /** Send a message that was packed elsewhere, in `bytes[at .. at + length)`. */
  sendBytes(
    type: number,
    to: number,
    source: number,
    session: number,
    given: Buffer,
    at: number,
    length: number,
  ): void {
    const scratch = this.#scratch
    if (length > SCRATCH_BYTES) {
      const own = given.subarray(at, at + length)
      this.#write(type, to, source, session, own, this.#scratchWords, length)
      return
    }
    // A loop: to look at a part of a Buffer makes an object.
    for (let i = 0; i < length; i++) scratch[i] = given[at + i]!
    this.#write(type, to, source, session, scratch, this.#scratchWords, length)
  }

  #write(
    type: number,
    to: number,
    source: number,
    session: number,
    given: Buffer,
    givenWords: Int32Array,
    length: number,
  ): void {
    let bytes = given
    let words = givenWords
    let size = length
    let recordType = type
    if (length > RING_PAYLOAD_BYTES_MAX) {
      this.#blockFloats[0] = this.#blocks.put(bytes.subarray(0, length))
      this.#blockFloats[1] = length
      bytes = this.#blockBytes
      words = this.#blockWords
      size = BLOCK_RECORD_BYTES
      recordType = type | BLOCK_FLAG
    }
    if (this.#waiting.length === 0) {
      if (this.#ring.write(recordType, to, source, session, bytes, words, size)) {
        this.#bells.ring(this.worker)
        return
      }
    }
    const payload = Buffer.allocUnsafeSlow(Math.max(8, (size + 7) & ~7))
    payload.set(bytes.subarray(0, size))
    // Numbers, or it throws here: what the ring refuses would hold up all that wait behind it.
    this.#waiting.push({
      type: recordType | 0,
      to: to | 0,
      source: source | 0,
      session: +session,
      payload: payload.subarray(0, size),
      bytes: length + WAITING_BYTES,
    })
    this.#waitingBytes += length + WAITING_BYTES
    if (this.#waiting.length === 1) this.retry()
  }

  /**
   * Messages that waited: try again. Asks for room first, so that none is announced in vain.
   *
   * @returns True when `budget` has ended while there may be more room.
   */
  retry(budget?: Budget): boolean {
    if (this.#waiting.length === 0) return false
    this.#bells.wantRoom(this.worker, this.#self)
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      const { payload, bytes } = next
      assert(payload.byteOffset === 0)
      const words = new Int32Array(payload.buffer as ArrayBuffer)
      const { type, to, source, session } = next
      if (!this.#ring.write(type, to, source, session, payload, words, payload.length)) return false
      this.#waiting.shift()
      this.#waitingBytes -= bytes
      this.#bells.ring(this.worker)
      if (budget?.spend(costOf(payload.length)) === false) return this.#waiting.length > 0
    }
    return false
  }

  /** The worker leaves for good: what still waits is not sent any more. */
  drop(): void {
    this.#waitingBytes = 0
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if ((next.type & BLOCK_FLAG) !== 0) this.#blocks.drop(next.payload.readDoubleLE(0))
    }
  }
}
