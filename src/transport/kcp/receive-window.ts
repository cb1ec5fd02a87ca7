/**
 * What has come and was not taken: messages that are whole, segments behind a gap.
 *
 *      first            next
 *       ▼                ▼
 *   │ · │ 7 │ 8 │ 9 │ 10 │   │ 12 │ · │   in order up to `next`; a window of segments from there
 *
 * It holds two windows at most, whatever the peer sends.
 */
import { distance } from './segment.ts'

/** Why nothing more is taken. */
export type MessageRefusal = 'large' | 'segments' | 'malformed'

const SLOTS_MIN = 8
const NOTHING = new Uint8Array(0)

export class ReceiveWindow {
  readonly window: number
  /** The number that has to come next. */
  next = 0
  /** Messages that are whole. */
  whole = 0
  refused: MessageRefusal | undefined
  readonly #bytesMax: number
  /** The first one that is not taken. */
  #first = 0
  #data: (Buffer | undefined)[] = []
  #fragments = NOTHING
  /** Of the message that comes now: segments that are missing, and bytes that are there. */
  #missing = 0
  #bytes = 0
  /** Segments behind the gap. */
  #beyond = 0

  /** @param window Segments. @param bytesMax Of a message. */
  constructor(window: number, bytesMax: number) {
    this.window = window
    this.#bytesMax = bytesMax
  }

  /** Of the message that comes now, as far as it has come. */
  get bytes(): number {
    return this.#bytes
  }

  /** Segments in order that nobody has taken. */
  get waiting(): number {
    return distance(this.next, this.#first)
  }

  /** Segments that there is room for: what the peer is told. */
  get room(): number {
    return Math.max(0, this.window - this.waiting)
  }

  /** The peer is told that there is no room. */
  get isFull(): boolean {
    return this.room === 0
  }

  /** Have all segments before that number come? They may wait for room. */
  hasAllBefore(number: number): boolean {
    return distance(number, this.next) === this.#beyond
  }

  /**
   * @param data Kept, or copied: a few bytes that have to wait must not hold on to all the memory
   * that they have come in.
   * @returns False: it was there already.
   */
  put(number: number, fragment: number, data: Buffer): boolean {
    const capacity = this.#data.length
    if (distance(number, this.#first) >= capacity) this.#grow(number, capacity)
    const slot = number & (this.#data.length - 1)
    if (this.#data[slot] !== undefined) return false
    const isMessage = number === this.next && fragment === 0 && this.#missing === 0
    this.#data[slot] = isMessage ? data : copyOf(data)
    this.#fragments[slot] = fragment
    this.#beyond++
    this.#goOn()
    return true
  }

  #grow(number: number, capacity: number): void {
    let slots = Math.max(SLOTS_MIN, capacity)
    while (distance(number, this.#first) >= slots) slots *= 2
    const data = new Array<Buffer | undefined>(slots).fill(undefined)
    const fragments = new Uint8Array(slots)
    for (let i = 0; i < capacity; i++) {
      const each = (this.#first + i) >>> 0
      data[each & (slots - 1)] = this.#data[each & (capacity - 1)]
      fragments[each & (slots - 1)] = this.#fragments[each & (capacity - 1)]!
    }
    this.#data = data
    this.#fragments = fragments
  }

  /** What is in order now, and fits into the window. */
  #goOn(): void {
    while (this.refused === undefined && this.waiting < this.window) {
      const slot = this.next & (this.#data.length - 1)
      const data = this.#data[slot]
      if (data === undefined || this.#beyond === 0) return
      this.#beyond--
      this.#look(this.#fragments[slot]!, data.length)
      this.next = (this.next + 1) >>> 0
    }
  }

  /** A message counts down its segments to 0. */
  #look(fragment: number, bytes: number): void {
    if (this.#missing === 0) this.#bytes = 0
    else if (fragment !== this.#missing - 1) this.refused = 'malformed'
    this.#missing = fragment
    this.#bytes += bytes
    if (this.#bytes > this.#bytesMax) this.refused = 'large'
    // One of more segments than the window holds would never be whole.
    else if (fragment >= this.window) this.refused = 'segments'
    if (this.refused === undefined && fragment === 0) this.whole++
  }

  /** The next message that is whole. Its bytes are the caller's. */
  take(): Buffer | undefined {
    if (this.whole === 0) return undefined
    this.whole--
    const count = this.#fragments[this.#first & (this.#data.length - 1)]! + 1
    const first = this.#shift()
    const message = count === 1 ? first : this.#joined(first, count)
    this.#goOn()
    return message
  }

  #joined(first: Buffer, count: number): Buffer {
    const parts = [first]
    for (let i = 1; i < count; i++) parts.push(this.#shift())
    return Buffer.concat(parts)
  }

  #shift(): Buffer {
    const slot = this.#first & (this.#data.length - 1)
    const data = this.#data[slot]!
    this.#data[slot] = undefined
    this.#first = (this.#first + 1) >>> 0
    return data
  }

  /** Nothing waits here. */
  get isQuiet(): boolean {
    return this.waiting === 0 && this.#beyond === 0
  }

  get isCompact(): boolean {
    return this.#fragments === NOTHING
  }

  /** Give back the memory that nothing is in. */
  compact(): void {
    if (!this.isQuiet || this.isCompact) return
    this.#data = []
    this.#fragments = NOTHING
  }

  /** Forget what came; what comes from now on is not kept. */
  clear(): void {
    this.whole = 0
    this.#first = this.next
    this.#missing = 0
    this.#beyond = 0
    this.#data = []
    this.#fragments = NOTHING
  }
}

function copyOf(data: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(data.length)
  data.copy(copy)
  return copy
}
