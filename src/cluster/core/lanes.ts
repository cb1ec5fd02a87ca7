/**
 * Messages that are too long for a frame: they leave in chunks, a chunk of each in turn, and short
 * messages of others between them. What goes from the same service to the same other one waits
 * behind its long message, in its lane: so the order of each pair holds.
 */
import { LINK_FRAME_BYTES_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import { spareMemory } from '../../base/spare-memory.ts'
import {
  CHUNK_BYTES_MAX,
  CHUNK_HEADER_BYTES,
  HEADER_BYTES,
  isSend,
  type MessageHead,
  putChunkHead,
  SMALL_BYTES_MAX,
} from './frame.ts'

/** One that waits, long or not. */
export interface LaneMessage extends MessageHead {
  readonly bytes: Uint8Array
}

/** From one service to another one. */
interface Lane {
  readonly key: number
  readonly number: number
  /** The first is long, and leaves now; what waits behind it may be short. */
  readonly waiting: Queue<LaneMessage>
  /** The next byte of the first. */
  offset: number
  /** The batch that must have left before: what was posted earlier is in there. */
  after: number
}

/** Memory of a frame. */
interface Scratch {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** A chunk that is ready but for the header of its frame; valid until the next one is. */
export interface Chunk extends Scratch {
  readonly length: number
}

/** What the peer takes in chunks at a time. */
export interface LaneLimits {
  readonly lanes: number
  readonly assemblyBytes: number
}

/** Ids have 24 bits. */
const ID_SPAN = 2 ** 24

function newScratch(): Scratch {
  const bytes = new Uint8Array(LINK_FRAME_BYTES_MAX)
  return { bytes, view: new DataView(bytes.buffer) }
}

const isLong = ({ bytes }: LaneMessage): boolean => bytes.length > SMALL_BYTES_MAX

export class Lanes {
  /** Of one chunk after the other, once there was one. */
  #scratch: Scratch | undefined
  readonly #lanes = new Map<number, Lane>()
  /** Those that send chunks now, in the order of their turns. */
  #running = new Queue<Lane>()
  #runningBytes = 0
  /** Those that will. */
  #standing = new Queue<Lane>()
  #numbers = 0
  #longBytes = 0
  #shortBytes = 0
  #messages = 0
  #sends = 0

  /** Pairs of services with something here. */
  get size(): number {
    return this.#lanes.size
  }

  /** Bytes of long messages that have not left. */
  get longBytes(): number {
    return this.#longBytes
  }

  /** Bytes of short messages behind them. */
  get shortBytes(): number {
    return this.#shortBytes
  }

  get messages(): number {
    return this.#messages
  }

  get sends(): number {
    return this.#sends
  }

  /** Whatever goes from `source` to `to` must wait here. */
  isBlocked(source: number, to: number): boolean {
    return this.#lanes.has(source * ID_SPAN + to)
  }

  /**
   * @param message A long one, or one whose pair is blocked. Its bytes are ours.
   * @param filled Number of the last batch with something in it.
   */
  add(message: LaneMessage, filled: number): void {
    const { source, to, bytes } = message
    const key = source * ID_SPAN + to
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      this.#numbers = (this.#numbers + 1) >>> 0
      lane = { key, number: this.#numbers, waiting: new Queue(2), offset: 0, after: filled }
      this.#lanes.set(key, lane)
      this.#standing.push(lane)
    }
    lane.waiting.push(message)
    this.#messages++
    if (isSendOf(message)) this.#sends++
    if (isLong(message)) this.#longBytes += bytes.length
    else this.#shortBytes += bytes.length
  }

  /**
   * Make the chunk that leaves next.
   *
   * @param left Number of the last batch that has left.
   * @returns Undefined: no chunk may leave now.
   */
  next(left: number, limits: LaneLimits): Chunk | undefined {
    this.#start(left, limits)
    const lane = this.#running.peek()
    if (lane === undefined) return undefined
    this.#scratch ??= newScratch()
    const { bytes, view } = this.#scratch
    const message = lane.waiting.peek()!
    const { offset, number } = lane
    const total = message.bytes.length
    const end = Math.min(offset + CHUNK_BYTES_MAX, total)
    putChunkHead(view, HEADER_BYTES, message, { lane: number, total, offset })
    const at = HEADER_BYTES + CHUNK_HEADER_BYTES
    bytes.set(message.bytes.subarray(offset, end), at)
    return { bytes, view, length: at + end - offset }
  }

  /**
   * The chunk of `next` has left.
   *
   * @param resume Gets the short messages that waited behind it, in order; returns their batch.
   * @returns The message whose last chunk that was, without its bytes, or undefined.
   */
  shift(resume: (message: LaneMessage) => number): MessageHead | undefined {
    const lane = this.#running.shift()!
    const message = lane.waiting.peek()!
    const total = message.bytes.length
    const size = Math.min(CHUNK_BYTES_MAX, total - lane.offset)
    lane.offset += size
    this.#longBytes -= size
    if (lane.offset < total) {
      this.#running.push(lane)
      return undefined
    }
    this.#runningBytes -= total
    this.#take(lane)
    spareMemory.give(message.bytes)
    this.#goOn(lane, resume)
    return message
  }

  #take(lane: Lane): LaneMessage {
    const message = lane.waiting.shift()!
    this.#messages--
    if (isSendOf(message)) this.#sends--
    return message
  }

  /** Behind a long message: short ones are free, the next long one waits for its turn. */
  #goOn(lane: Lane, resume: (message: LaneMessage) => number): void {
    let next = lane.waiting.peek()
    for (; next !== undefined && !isLong(next); next = lane.waiting.peek()) {
      this.#shortBytes -= next.bytes.length
      this.#take(lane)
      lane.after = resume(next)
    }
    lane.offset = 0
    if (next === undefined) this.#lanes.delete(lane.key)
    else this.#standing.push(lane)
  }

  /** Let lanes run, as many as the peer takes. */
  #start(left: number, limits: LaneLimits): void {
    for (let lane = this.#standing.peek(); lane !== undefined; lane = this.#standing.peek()) {
      if (lane.after > left || this.#running.length >= limits.lanes) return
      const total = lane.waiting.peek()!.bytes.length
      if (this.#running.length > 0 && this.#runningBytes + total > limits.assemblyBytes) return
      this.#standing.shift()
      this.#running.push(lane)
      this.#runningBytes += total
    }
  }

  clear(): void {
    this.#lanes.clear()
    this.#running = new Queue()
    this.#standing = new Queue()
    this.#runningBytes = this.#longBytes = this.#shortBytes = this.#messages = this.#sends = 0
  }
}

const isSendOf = ({ type, source, deadline }: LaneMessage): boolean =>
  isSend(type, source, deadline)
