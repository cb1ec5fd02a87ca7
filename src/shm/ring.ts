/**
 * Two bounded rings on shared memory: `ManyRing` (many writers, one reader) and `StreamRing` (one
 * writer, one reader, filled by system calls). Full is an answer, never a wait and never a loss.
 *
 *   header                        capacity bytes, a power of two
 *   ┌────────────┬────────────┐   ┌───────┬──────────┬─────┬─────────────┬─────────┐
 *   │ tail line  │ head line  │   │ free  │ record   │ rec │ not yet     │ padding │
 *   └────────────┴────────────┘   └───────┴──────────┴─────┴─────────────┴─────────┘
 *                                         ▲ head           ▲ published up to here
 *
 * Positions are int32 and count units of 8 bytes, wrapping modulo 2^32: differences are right
 * across the wrap, `position & mask` is the place. A record is a header of 24 bytes and its
 * payload, never split: where the end of the buffer is too near, a padding record (negative
 * length) fills it.
 *
 * What publishes. ManyRing: the atomic store of the record's `length`, the last thing a writer
 * does; `tail` only says who may write where. So a cell that can become a `length` must read 0
 * until then, which is why the reader zeroes what it consumed before it moves `head`. StreamRing:
 * the atomic store of `tail`; nothing beyond it is ever looked at, so nothing needs zeroing.
 *
 * A position that the thread itself alone moves it reads without `Atomics`, which are a call each.
 *
 * Sleeping is the caller's, with a flag of its own beside the ring:
 *
 *   writer                                    reader
 *   1  write()/publish()    (publishes)       1  store flag = 1
 *   2  load flag; if 1, wake                  2  isEmpty? if not: store flag = 0, read on
 *                                             3  park until woken
 *
 * Each side stores, then loads what the other stores, all with `Atomics`, hence in one total order:
 * whichever store is second, the load behind it sees the first. So either the writer sees the
 * flag or the reader sees the record, and no wake-up is lost. A record behind an unpublished one
 * is no exception: the writer in front looks at the flag too, after it has published.
 */
import assert from 'node:assert/strict'
import { CLAIM, type ClaimWriter, claimOf } from './claim.ts'
import { layout } from './layout.ts'
import type { Region } from './memory.ts'

/** The header of either ring: two cache lines, so the two sides do not fight for one. */
const RING = layout({
  tail: 1, // ManyRing: any writer, by compare-and-swap. StreamRing: the writer
  unusedTail: 15,
  head: 1, // the reader
  unusedHead: 15,
})
const HEADER_BYTES = RING.CELLS * 4
/** Where the data of a `ManyRing` starts, from its header. */
export const MANY_RING_HEADER_BYTES = HEADER_BYTES
assert.ok(RING.head * 4 === 64 && HEADER_BYTES === 128, 'tail and head have a cache line each')

/** A record. All fields are written by the record's writer, and zeroed by the ManyRing's reader. */
const RECORD = layout({
  length: 1, // bytes with this header; 0 not published, negative: padding of that many bytes
  type: 1,
  a: 1,
  b: 1,
  session: 2, // ManyRing: one float64. StreamRing: `c` in the first cell
})
export const RECORD_HEADER_BYTES = 24
assert.equal(RECORD.CELLS * 4, RECORD_HEADER_BYTES)
assert.equal(RECORD.session % 2, 0, 'a float64 lies on 8 bytes')
const SESSION_UNITS = RECORD.session / 2

/** Up to here a loop over words is faster than `subarray` + `set`, and allocates nothing. */
const WORD_COPY_BYTES_MAX = 128

/**
 * `payloadOffset` counts from the start of `region.bytes`, and the bytes there are valid during
 * the call only. `a` and `b` arrive as int32: write `a >>> 0` for what was sent as u32. Whoever
 * returns false gets no more records in this call.
 */
export type RecordHandler = (
  type: number,
  a: number,
  b: number,
  session: number,
  payloadOffset: number,
  payloadLength: number,
) => unknown

/** As `RecordHandler`, with a third int32 in the place of the session. */
export type StreamHandler = (
  type: number,
  a: number,
  b: number,
  c: number,
  payloadOffset: number,
  payloadLength: number,
) => unknown

const unitsOf = (length: number): number => (RECORD_HEADER_BYTES + length + 7) >>> 3

function checkPlace(region: Region, at: number, capacity: number): void {
  assert.ok(capacity >= 64 && capacity <= 1 << 30, 'a ring has 64 bytes to 1 GiB')
  assert.equal(capacity & (capacity - 1), 0, 'the capacity of a ring is a power of two')
  assert.equal((region.bytes.byteOffset + at) % 64, 0, 'a ring starts on a cache line')
  assert.ok(at + HEADER_BYTES + capacity <= region.bytes.length, 'the ring fits into its region')
}

// Out of line: the hot paths below compare numbers, and build no text.
function refuse(length: number, limit: number): never {
  assert.fail(`a payload must be in 0..${limit} and inside its source: current value is ${length}`)
}

/** Many writers, one reader. Every thread makes its own object over the same memory. */
export class ManyRing {
  /** An eighth of the ring: with padding, a record always fits into an empty ring. */
  readonly payloadBytesMax: number
  readonly #header: Int32Array
  readonly #cells: Int32Array
  readonly #doubles: Float64Array
  readonly #bytes: Uint8Array
  /** Where the data starts in `region.bytes`. */
  readonly #dataAt: number
  readonly #units: number
  readonly #mask: number
  readonly #claim: Int32Array
  readonly #number: number
  #reading = false

  /**
   * @param at Where the header starts in `region.bytes`; the memory is zero at first.
   * @param writer None: nobody clears up after this thread when it ends in the middle of a write.
   */
  constructor(region: Region, at: number, capacity: number, writer?: ClaimWriter) {
    checkPlace(region, at, capacity)
    const base = region.bytes.byteOffset + at
    this.#claim =
      writer === undefined ? new Int32Array(CLAIM.CELLS) : claimOf(writer.claims, writer.thread)
    this.#number = (writer?.ring ?? 0) + 1
    this.#header = new Int32Array(region.buffer, base, RING.CELLS)
    this.#cells = new Int32Array(region.buffer, base + HEADER_BYTES, capacity / 4)
    this.#doubles = new Float64Array(region.buffer, base + HEADER_BYTES, capacity / 8)
    this.#bytes = region.bytes
    this.#dataAt = at + HEADER_BYTES
    this.#units = capacity / 8
    this.#mask = this.#units - 1
    this.payloadBytesMax = capacity / 8
  }

  static bytes(capacity: number): number {
    return HEADER_BYTES + capacity
  }

  /**
   * Any thread. False: full, and nothing was written. `bytes` and `words` are two views of the
   * sender's scratch, both from its first byte; small payloads are copied by words.
   */
  write(
    type: number,
    a: number,
    b: number,
    session: number,
    bytes: Uint8Array,
    words: Int32Array,
    length: number,
  ): boolean {
    // Everything that can fail fails here: after the reservation the record must be published.
    const source = length <= WORD_COPY_BYTES_MAX ? words.byteLength : bytes.length
    if (!(length >= 0 && length <= this.payloadBytesMax && length <= source)) {
      refuse(length, this.payloadBytesMax)
    }
    const isSmall = length <= WORD_COPY_BYTES_MAX
    const payload = isSmall || bytes.length === length ? bytes : bytes.subarray(0, length)
    const typeCell = type | 0
    const aCell = a | 0
    const bCell = b | 0
    const sessionValue = +session
    const index = this.#reserve(unitsOf(length))
    if (index < 0) return false
    const cells = this.#cells
    const at = index << 1
    cells[at + RECORD.type] = typeCell
    cells[at + RECORD.a] = aCell
    cells[at + RECORD.b] = bCell
    this.#doubles[index + SESSION_UNITS] = sessionValue
    if (isSmall) {
      const count = (length + 3) >>> 2
      const to = at + RECORD.CELLS
      for (let i = 0; i < count; i++) cells[to + i] = words[i]
    } else this.#bytes.set(payload, this.#dataAt + (index << 3) + RECORD_HEADER_BYTES)
    Atomics.store(cells, at, RECORD_HEADER_BYTES + length)
    this.#claim[CLAIM.ring] = 0
    return true
  }

  /** Any thread: publish as padding what a thread that has ended had reserved; see claim.ts. */
  abandon(index: number, units: number): void {
    Atomics.store(this.#cells, index << 1, -(units << 3))
  }

  /** Returns the unit where the record goes, or -1. */
  #reserve(units: number): number {
    const header = this.#header
    // May be an old one: then the exchange fails, and tells the new one.
    let tail = header[RING.tail]
    for (;;) {
      // A head newer than the tail can only make room, and then the exchange fails.
      const head = Atomics.load(header, RING.head)
      const index = tail & this.#mask
      const toEnd = this.#units - index
      const padding = units > toEnd ? toEnd : 0
      if (padding + units > this.#units - ((tail - head) | 0)) {
        // By an old tail more may seem to be padding than is.
        const now = Atomics.load(header, RING.tail)
        if (now === tail) return -1
        tail = now
        continue
      }
      const next = (tail + padding + units) | 0
      const found = Atomics.compareExchange(header, RING.tail, tail, next)
      if (found !== tail) {
        tail = found
        continue
      }
      // Nothing is called from here on: see claim.ts.
      const claim = this.#claim
      const place = padding === 0 ? index : 0
      claim[CLAIM.unit] = place
      claim[CLAIM.units] = units
      claim[CLAIM.ring] = this.#number
      if (padding > 0) Atomics.store(this.#cells, index << 1, -(padding << 3))
      return place
    }
  }

  /**
   * The reader. Hands up to `limit` records to `each`, in order, then frees them all. A record
   * whose `each` throws is consumed as well, and ends this call.
   *
   * @returns How many records were consumed.
   */
  read(limit: number, each: RecordHandler): number {
    assert.equal(this.#reading, false, 'read() is not reentrant')
    const cells = this.#cells
    const start = this.#header[RING.head]
    let position = start
    let count = 0
    this.#reading = true
    try {
      // At most one lap: the records consumed so far are not zero yet.
      while (count < limit && ((position - start) | 0) < this.#units) {
        const index = position & this.#mask
        const at = index << 1
        const length = Atomics.load(cells, at)
        if (length === 0) break
        if (length < 0) {
          position = (position - (length >> 3)) | 0
          continue
        }
        position = (position + ((length + 7) >>> 3)) | 0
        count++
        const goesOn = each(
          cells[at + RECORD.type],
          cells[at + RECORD.a],
          cells[at + RECORD.b],
          this.#doubles[index + SESSION_UNITS],
          this.#dataAt + (index << 3) + RECORD_HEADER_BYTES,
          length - RECORD_HEADER_BYTES,
        )
        if (goesOn === false) break
      }
    } finally {
      this.#reading = false
      if (position !== start) this.#free(start, position)
    }
    return count
  }

  /** Zero first, then give away: a writer that sees the new head finds zeros. */
  #free(start: number, end: number): void {
    const from = (start & this.#mask) << 1
    const to = from + (((end - start) | 0) << 1)
    const size = this.#units << 1
    this.#cells.fill(0, from, Math.min(to, size))
    if (to > size) this.#cells.fill(0, 0, to - size)
    Atomics.store(this.#header, RING.head, end)
  }

  /** The reader: nothing is published at the head. */
  get isEmpty(): boolean {
    const index = this.#header[RING.head] & this.#mask
    return Atomics.load(this.#cells, index << 1) === 0
  }

  /** Any thread: where the next record will be, for `hasRead`. */
  get written(): number {
    return Atomics.load(this.#header, RING.tail)
  }

  /** Has all been read that was written before `mark`? */
  hasRead(mark: number): boolean {
    return ((Atomics.load(this.#header, RING.head) - mark) | 0) >= 0
  }

  /** Any thread: a snapshot, reserved and padding included. */
  get usedBytes(): number {
    const head = Atomics.load(this.#header, RING.head)
    const units = (Atomics.load(this.#header, RING.tail) - head) | 0
    return Math.min(units, this.#units) * 8
  }
}

/** One writer, one reader; a system call fills the payload in its place. */
export class StreamRing {
  /** An eighth of the ring: with padding, a record always fits into an empty ring. */
  readonly payloadBytesMax: number
  readonly #header: Int32Array
  readonly #cells: Int32Array
  readonly #dataAt: number
  readonly #units: number
  readonly #mask: number
  /** The writer's last look at the head: never ahead of it, so the room it shows is there. */
  #headSeen: number
  /** The reader's last look at the tail: everything before it is published. */
  #tailSeen: number
  /** The writer's reservation: units of padding before it, and its payload bytes; -1: none. */
  #padding = 0
  #reserved = -1
  #reading = false

  /** @param at Where the header starts in `region.bytes`; the memory is zero at first. */
  constructor(region: Region, at: number, capacity: number) {
    checkPlace(region, at, capacity)
    const base = region.bytes.byteOffset + at
    this.#header = new Int32Array(region.buffer, base, RING.CELLS)
    this.#cells = new Int32Array(region.buffer, base + HEADER_BYTES, capacity / 4)
    this.#dataAt = at + HEADER_BYTES
    this.#units = capacity / 8
    this.#mask = this.#units - 1
    this.payloadBytesMax = capacity / 8
    // Both at the head: the least there can be. Each side looks again before it gives up.
    this.#headSeen = Atomics.load(this.#header, RING.head)
    this.#tailSeen = this.#headSeen
  }

  static bytes(capacity: number): number {
    return HEADER_BYTES + capacity
  }

  /**
   * The writer. Room for a payload of up to `length` bytes in one piece, as an offset into
   * `region.bytes`, or -1. Nothing is visible before `publish`; another `reserve` forgets this one.
   */
  reserve(length: number): number {
    if (!(length >= 0 && length <= this.payloadBytesMax)) refuse(length, this.payloadBytesMax)
    const units = unitsOf(length)
    const tail = this.#header[RING.tail]
    const index = tail & this.#mask
    const toEnd = this.#units - index
    const padding = units > toEnd ? toEnd : 0
    this.#reserved = -1
    if (padding + units > this.#units - ((tail - this.#headSeen) | 0)) {
      this.#headSeen = Atomics.load(this.#header, RING.head)
      if (padding + units > this.#units - ((tail - this.#headSeen) | 0)) return -1
    }
    this.#padding = padding
    this.#reserved = length
    return this.#dataAt + (padding > 0 ? 0 : index << 3) + RECORD_HEADER_BYTES
  }

  /** The writer. Show `length` bytes of what was reserved, and give back the rest. */
  publish(type: number, a: number, b: number, c: number, length: number): void {
    if (!(length >= 0 && length <= this.#reserved)) refuse(length, this.#reserved)
    const cells = this.#cells
    const tail = this.#header[RING.tail]
    const padding = this.#padding
    let at = (tail & this.#mask) << 1
    if (padding > 0) {
      cells[at] = -(padding << 3)
      at = 0
    }
    cells[at] = RECORD_HEADER_BYTES + length
    cells[at + RECORD.type] = type
    cells[at + RECORD.a] = a
    cells[at + RECORD.b] = b
    cells[at + RECORD.session] = c
    this.#reserved = -1
    Atomics.store(this.#header, RING.tail, (tail + padding + unitsOf(length)) | 0)
  }

  /** The reader. As `ManyRing.read`. */
  read(limit: number, each: StreamHandler): number {
    assert.equal(this.#reading, false, 'read() is not reentrant')
    const cells = this.#cells
    const start = this.#header[RING.head]
    let position = start
    let count = 0
    this.#reading = true
    try {
      while (count < limit) {
        if (((this.#tailSeen - position) | 0) <= 0) {
          this.#tailSeen = Atomics.load(this.#header, RING.tail)
          if (position === this.#tailSeen) break
        }
        const index = position & this.#mask
        const at = index << 1
        const length = cells[at]
        if (length < 0) {
          position = (position - (length >> 3)) | 0
          continue
        }
        position = (position + ((length + 7) >>> 3)) | 0
        count++
        const goesOn = each(
          cells[at + RECORD.type],
          cells[at + RECORD.a],
          cells[at + RECORD.b],
          cells[at + RECORD.session],
          this.#dataAt + (index << 3) + RECORD_HEADER_BYTES,
          length - RECORD_HEADER_BYTES,
        )
        if (goesOn === false) break
      }
    } finally {
      this.#reading = false
      if (position !== start) Atomics.store(this.#header, RING.head, position)
    }
    return count
  }

  /** The reader: nothing is published. */
  get isEmpty(): boolean {
    const head = this.#header[RING.head]
    return Atomics.load(this.#header, RING.tail) === head
  }

  /** Any thread: where the next record will be, for `hasRead`. */
  get written(): number {
    return Atomics.load(this.#header, RING.tail)
  }

  /** Has all been read that was written before `mark`? */
  hasRead(mark: number): boolean {
    return ((Atomics.load(this.#header, RING.head) - mark) | 0) >= 0
  }

  /** The writer: how much is free now, in however many pieces, record headers included. */
  get freeBytes(): number {
    const head = Atomics.load(this.#header, RING.head)
    return (this.#units - ((this.#header[RING.tail] - head) | 0)) * 8
  }
}
