/** What a link has to send: who goes first, how much is under way, and who waits for answers. */
import assert from 'node:assert/strict'
import {
  LINK_CHUNKS_BYTES_MAX,
  LINK_FRAME_BYTES_MAX,
  LINK_LONG_BYTES_MAX,
  LINK_OVER_BYTES_MAX,
  LINK_QUEUE_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../../base/limits.ts'
import { spareMemory } from '../../base/spare-memory.ts'
import { Batches } from './batches.ts'
import type { Credit } from './credit.ts'
import { FRAME_KIND, type FrameKind, isAnswer, type MessageHead, SMALL_BYTES_MAX } from './frame.ts'
import { type LaneLimits, type LaneMessage, Lanes } from './lanes.ts'
import { IN_LANE, OpenRequests } from './open-requests.ts'

/** A request that gets no answer. */
export interface LostRequest {
  readonly source: number
  readonly session: number
  /** Its handler may have run. Else it never did, and never will. */
  readonly mayRun: boolean
}

/** What a session leaves behind that ends. */
export interface QueueRest {
  /** Messages that had not left. */
  readonly dropped: number
  /** Of these, what services have said and nobody is told of. */
  readonly sends: number
  readonly requests: readonly LostRequest[]
}

/**
 * Puts the header in front of a frame that is full but for that, and hands it to the transport.
 *
 * @returns False: it was not taken.
 */
export type SendNumbered = (
  kind: FrameKind,
  view: DataView,
  frame: Uint8Array,
  ticket: number,
) => boolean

/** Bytes of short messages, and of long ones, that may wait; fewer are for tests. */
export interface QueueLimits {
  readonly queueBytesMax?: number
  readonly longBytesMax?: number
}

export class LinkQueue {
  readonly #queueBytesMax: number
  readonly #longBytesMax: number
  readonly #credit: Credit
  readonly #send: SendNumbered
  readonly #batches = new Batches()
  readonly #lanes = new Lanes()
  readonly #requests = new OpenRequests()
  readonly #resumed = (message: LaneMessage): number => this.#resume(message)
  /** Of the session: what was sent before it has smaller ones. */
  #firstTicket = 1

  constructor(credit: Credit, send: SendNumbered, limits: QueueLimits = {}) {
    this.#queueBytesMax = limits.queueBytesMax ?? LINK_QUEUE_BYTES_MAX
    this.#longBytesMax = limits.longBytesMax ?? LINK_LONG_BYTES_MAX
    this.#credit = credit
    this.#send = send
  }

  get openRequests(): number {
    return this.#requests.size
  }

  get waitingBytes(): number {
    return this.#batches.bytes + this.#lanes.longBytes + this.#lanes.shortBytes
  }

  get isEmpty(): boolean {
    return this.#batches.first === undefined && this.#lanes.size === 0
  }

  /** For a message of so many bytes: short ones and long ones have room of their own. */
  isFullFor(length: number): boolean {
    if (length <= SMALL_BYTES_MAX) {
      return this.#batches.bytes + this.#lanes.shortBytes >= this.#queueBytesMax
    }
    if (length > MESSAGE_BYTES_MAX) assert.fail(`a message of ${length} bytes`)
    const { longBytes } = this.#lanes
    return longBytes > 0 && longBytes + length > this.#longBytesMax
  }

  /** More than that waits of its kind: nothing is taken any more, whatever it is. */
  isOverFor(length: number): boolean {
    const { shortBytes, longBytes } = this.#lanes
    if (length <= SMALL_BYTES_MAX) return this.#batches.bytes + shortBytes > LINK_OVER_BYTES_MAX
    return longBytes > MESSAGE_BYTES_MAX + LINK_OVER_BYTES_MAX
  }

  /** Half of what may wait has left, of either kind. */
  get hasRoom(): boolean {
    const { shortBytes, longBytes } = this.#lanes
    const isShort = this.#batches.bytes + shortBytes <= this.#queueBytesMax / 2
    return isShort && longBytes <= this.#longBytesMax / 2
  }

  /** The next short message begins another frame: those that are full may leave. */
  isFrameFullFor(length: number): boolean {
    return length <= SMALL_BYTES_MAX && this.#batches.isFullFor(length)
  }

  /**
   * @param until By the clock of the link. 0: it is no request.
   * @param isGiven The bytes need not be copied.
   */
  add(
    type: number,
    to: number,
    source: number,
    session: number,
    until: number,
    bytes: Uint8Array,
    from: number,
    length: number,
    isGiven: boolean,
  ): void {
    const lanes = this.#lanes
    const isLong = length > SMALL_BYTES_MAX
    const deadline = until === 0 ? 0 : wireTime(until)
    let batch = IN_LANE
    if (isLong || (lanes.size > 0 && lanes.isBlocked(source, to))) {
      const given = bytes.subarray(from, from + length)
      const own = isLong && isGiven ? given : copyOf(given)
      lanes.add({ type, to, source, session, deadline, bytes: own }, this.#batches.filled)
    } else {
      batch = this.#batches.add(type, to, source, session, deadline, bytes, from, length)
    }
    if (until !== 0) this.#requests.add(source, session, until, batch)
  }

  /** A request has its answer, or nobody waits any more. False: it was not open. */
  take(source: number, session: number): boolean {
    return this.#requests.take(source, session)
  }

  /**
   * Send what credit and transport let leave: short messages and chunks in turns, so that neither
   * waits for all of the other kind.
   */
  pump(limits: LaneLimits): void {
    let hasLeft = true
    while (hasLeft) {
      hasLeft = this.#sendBatch()
      if (this.#lanes.size > 0) hasLeft = this.#sendChunk(limits) || hasLeft
    }
  }

  #sendBatch(): boolean {
    const batch = this.#batches.first
    if (batch === undefined) return false
    const { length } = batch
    if (this.#credit.outstanding + length > this.#credit.windowBytes) return false
    const frame = batch.bytes.subarray(0, length)
    if (!this.#send(FRAME_KIND.DATA, batch.view, frame, this.ticket)) return false
    this.#batches.shift()
    return true
  }

  /** The number of the next batch: those from it on come after a frame that nobody got. */
  get ticket(): number {
    return this.#batches.left + 1
  }

  #sendChunk(limits: LaneLimits): boolean {
    const { outstanding, windowBytes } = this.#credit
    // Beside short messages that wait for credit themselves, chunks have half of what comes.
    const most = this.#batches.first === undefined ? LINK_CHUNKS_BYTES_MAX : windowBytes
    if (outstanding + LINK_FRAME_BYTES_MAX > Math.min(most, windowBytes)) return false
    const chunk = this.#lanes.next(this.#batches.left, limits)
    if (chunk === undefined) return false
    const frame = chunk.bytes.subarray(0, chunk.length)
    if (!this.#send(FRAME_KIND.CHUNK, chunk.view, frame, this.ticket)) return false
    const done = this.#lanes.shift(this.#resumed)
    if (done !== undefined) this.#moved(done, this.#batches.left)
    return true
  }

  /** A short message that has waited behind a long one. */
  #resume(message: LaneMessage): number {
    const { type, to, source, session, deadline, bytes } = message
    const { length } = bytes
    const batch = this.#batches.add(type, to, source, session, deadline, bytes, 0, length)
    this.#moved(message, batch)
    return batch
  }

  /** An answer has the session of a request of the peer, which may be that of one of ours. */
  #moved({ type, source, session }: MessageHead, batch: number): void {
    if (session !== 0 && !isAnswer(type)) this.#requests.move(source, session, batch)
  }

  /** Take the requests that are past their deadlines; `each` may add others. */
  expire(now: number, each: (request: LostRequest) => void): void {
    const { left } = this.#batches
    this.#requests.expire(now, (source, session, batch) => {
      each({ source, session, mayRun: batch <= left })
    })
  }

  /** Is that ticket of an earlier session, which has ended with all that was sent in it? */
  isOver(ticket: number): boolean {
    return ticket > 0 && ticket < this.#firstTicket
  }

  /**
   * The session is over: take everything away.
   *
   * @param refused Ticket from which on nobody got anything.
   */
  clear(refused: number): QueueRest {
    const { left } = this.#batches
    const dropped = this.#batches.messages + this.#lanes.messages
    const sends = this.#batches.sends + this.#lanes.sends
    const requests: LostRequest[] = []
    this.#requests.clear((source, session, batch) => {
      requests.push({ source, session, mayRun: batch <= left && batch < refused })
    })
    this.#batches.clear()
    this.#lanes.clear()
    this.#firstTicket = this.ticket
    return { dropped, sends, requests }
  }
}

/** In 32 bits, and not 0, which is none. */
const wireTime = (time: number): number => time >>> 0 || 0xffffffff

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = spareMemory.take(bytes.length)
  copy.set(bytes)
  return copy
}
