/**
 * What was sent here and has not been acknowledged: messages that wait, then segments under way.
 *
 *      una            next
 *       ▼              ▼
 *   │ · │ 7 │ ✓ │ 9 │ 10 │ · │   numbers on a ring; ✓ is acknowledged, those before it are not
 *
 * A segment is a row of numbers and the message that it is a part of: none is an object.
 */
import { KCP_FRAGMENTS_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import { distance } from './segment.ts'

/** Cells of a row. */
export const CELL = {
  at: 0,
  length: 1,
  fragment: 2,
  time: 3,
  resendAt: 4,
  rto: 5,
  skipped: 6,
  sent: 7,
}
const CELLS = 8
const ROWS_MIN = 8
const NOTHING = new Uint32Array(0)

export class SendWindow {
  /** Of data in one segment at most. */
  readonly #segmentBytes: number
  /** The first number that is not acknowledged. */
  una = 0
  /** The number that comes next. */
  next = 0
  /** Bytes of data that are not acknowledged. */
  bytes = 0
  /** Of segments: `CELLS` numbers each. */
  cells = NOTHING
  /** The message of each segment; undefined: it is acknowledged. */
  #messages: (Buffer | undefined)[] = []
  #waiting: Queue<Buffer> | undefined
  /** Bytes of the first one that waits that are under way. */
  #begun = 0
  /** Segments that those which wait will be. */
  #waitingSegments = 0

  constructor(segmentBytes: number) {
    this.#segmentBytes = segmentBytes
  }

  /** How many segments a message of so many bytes is. */
  segmentsOf(bytes: number): number {
    return bytes === 0 ? 1 : Math.ceil(bytes / this.#segmentBytes)
  }

  /** Bytes of the longest message that can be sent. */
  get longestMessage(): number {
    return this.#segmentBytes * KCP_FRAGMENTS_MAX
  }

  /** Has the peer all before that number? */
  hasLeft(number: number): boolean {
    return distance(this.una, number) >= 0
  }

  /** The peer has everything. */
  get isEmpty(): boolean {
    return this.una === this.next && this.#waitingSegments === 0
  }

  get hasWaiting(): boolean {
    return this.#waitingSegments > 0
  }

  /** The number that will come behind all that was sent by now. */
  get end(): number {
    return (this.next + this.#waitingSegments) >>> 0
  }

  /** @param message Kept as it is until it is acknowledged. */
  push(message: Buffer): void {
    this.#waiting ??= new Queue(4)
    this.#waiting.push(message)
    this.#waitingSegments += this.segmentsOf(message.length)
    this.bytes += message.length
  }

  /** The next segment of what waits gets a number. There is one. */
  begin(): void {
    const queue = this.#waiting!
    const message = queue.peek()!
    const row = this.#newRow()
    const left = message.length - this.#begun
    const length = Math.min(left, this.#segmentBytes)
    this.cells[row + CELL.at] = this.#begun
    this.cells[row + CELL.length] = length
    this.cells[row + CELL.fragment] = this.segmentsOf(left) - 1
    this.cells[row + CELL.skipped] = 0
    this.cells[row + CELL.sent] = 0
    this.#messages[row / CELLS] = message
    this.next = (this.next + 1) >>> 0
    this.#waitingSegments--
    this.#begun += length
    if (left > length) return
    this.#begun = 0
    queue.shift()
  }

  #newRow(): number {
    const capacity = this.#messages.length
    if (distance(this.next, this.una) >= capacity) this.#grow(capacity)
    return this.rowOf(this.next)
  }

  #grow(capacity: number): void {
    const { cells } = this
    const messages = this.#messages
    const rows = Math.max(ROWS_MIN, capacity * 2)
    this.cells = new Uint32Array(rows * CELLS)
    this.#messages = new Array<Buffer | undefined>(rows).fill(undefined)
    for (let number = this.una; number !== this.next; number = (number + 1) >>> 0) {
      const from = number & (capacity - 1)
      const to = number & (rows - 1)
      this.cells.set(cells.subarray(from * CELLS, (from + 1) * CELLS), to * CELLS)
      this.#messages[to] = messages[from]
    }
  }

  /** Where the cells of a segment under way begin. */
  rowOf(number: number): number {
    return (number & (this.#messages.length - 1)) * CELLS
  }

  /** Undefined: it is acknowledged. */
  messageOf(row: number): Buffer | undefined {
    return this.#messages[row / CELLS]
  }

  /** The peer has all segments before `una`, or says so. */
  acknowledgeBefore(una: number): void {
    while (this.una !== this.next && distance(una, this.una) > 0) this.#drop(this.una)
  }

  /** The peer has that one. */
  acknowledge(number: number): void {
    if (this.isUnderWay(number)) this.#drop(number)
  }

  isUnderWay(number: number): boolean {
    return distance(number, this.una) >= 0 && distance(number, this.next) < 0
  }

  #drop(number: number): void {
    const row = this.rowOf(number)
    if (this.#messages[row / CELLS] !== undefined) this.bytes -= this.cells[row + CELL.length]!
    this.#messages[row / CELLS] = undefined
    while (this.una !== this.next && this.messageOf(this.rowOf(this.una)) === undefined) {
      this.una = (this.una + 1) >>> 0
    }
  }

  /** The peer has `number`, sent at `time`: what stands before it, sent no later, was passed. */
  passOver(number: number, time: number): void {
    if (!this.isUnderWay(number)) return
    for (let each = this.una; distance(number, each) > 0; each = (each + 1) >>> 0) {
      const row = this.rowOf(each)
      if (this.messageOf(row) === undefined) continue
      if (distance(time, this.cells[row + CELL.time]!) >= 0) this.cells[row + CELL.skipped]!++
    }
  }

  /** Give back the memory that nothing is in. */
  compact(): void {
    if (!this.isEmpty || this.cells === NOTHING) return
    this.cells = NOTHING
    this.#messages = []
    this.#waiting = undefined
  }

  /** Nothing of it will leave. */
  clear(): void {
    this.una = this.next
    this.bytes = 0
    this.#begun = 0
    this.#waitingSegments = 0
    this.compact()
  }
}
