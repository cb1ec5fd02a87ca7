/**
 * The requests of one user of a message server: those under way, and the answers that were given,
 * for a client that asks again as it may have lost them with its connection.
 */
import assert from 'node:assert/strict'
import { SkynetError } from '../base/errors.ts'

/** A connection, for what is sent to it. */
export interface MsgPeer {
  /** Higher than that of the connections of the user before. */
  readonly version: number | bigint
  /** Never throws. It may be gone: then this does nothing. */
  send(frame: Buffer): void
}

/** A request, and what was answered. */
export interface MsgRequest {
  readonly session: number
  /** Who waits for the answer; undefined: it was sent. */
  to: MsgPeer | undefined
  /** Version of who has asked last, once it was answered or asked for again. */
  version: number | bigint | undefined
  answer: Buffer | undefined
  /** When it was sent, counted in answers. */
  place: number
}

export interface AnswerLimits {
  /** Answers kept are so many at least, twice as many at most: Skynet's `expired_number`. */
  readonly expiredNumber: number
  /** Bytes of the answers that are kept, all but the last one. */
  readonly bytesMax: number
}

export class MsgAnswers {
  readonly #limits: AnswerLimits
  /** By session, the oldest first. */
  readonly #requests = new Map<number, MsgRequest>()
  /** Answers sent since the oldest that may be kept. */
  #count = 0
  #bytes = 0
  /** Requests that were not answered. */
  pending = 0

  constructor(limits: AnswerLimits) {
    this.#limits = limits
  }

  /** Requests and answers that are kept. */
  get size(): number {
    return this.#requests.size
  }

  /**
   * A request has come.
   *
   * @returns What has to be run, and answered by `answer`. Undefined: it is under way, and `peer`
   * gets its answer; or it was answered, and `peer` has been sent that.
   * @throws {SkynetError} `ERR_SESSION_CONFLICT` asked a third time by one connection while it is
   * under way.
   */
  ask(session: number, peer: MsgPeer): MsgRequest | undefined {
    const known = this.#requests.get(session)
    if (known === undefined) return this.#begin(session, peer)
    if (known.version === peer.version) {
      if (known.answer === undefined) throw new SkynetError('ERR_SESSION_CONFLICT', { session })
      // The client has the answer, and uses the number again.
      this.#drop(known)
      return this.#begin(session, peer)
    }
    known.to = peer
    known.version = peer.version
    if (known.answer !== undefined) this.#deliver(known, known.answer)
    return undefined
  }

  /** Once for each that `ask` has returned. */
  answer(request: MsgRequest, answer: Buffer): void {
    assert(request.answer === undefined, `session ${request.session} has an answer`)
    request.answer = answer
    request.version ??= request.to?.version
    this.pending--
    this.#bytes += answer.length
    this.#deliver(request, answer)
    if (this.#bytes > this.#limits.bytesMax) this.#shrink(request)
  }

  #begin(session: number, peer: MsgPeer): MsgRequest {
    const request = { session, to: peer, version: undefined, answer: undefined, place: 0 }
    this.#requests.set(session, request)
    this.pending++
    return request
  }

  #deliver(request: MsgRequest, answer: Buffer): void {
    request.place = this.#count++
    request.to?.send(answer)
    request.to = undefined
    if (this.#count >= this.#limits.expiredNumber * 2) this.#retire()
  }

  /** As Skynet: the older half is forgotten, the other one becomes the older. */
  #retire(): void {
    const { expiredNumber } = this.#limits
    let last = 0
    for (const request of this.#requests.values()) {
      if (request.answer === undefined) continue
      if (request.place < expiredNumber) this.#drop(request)
      else {
        request.place -= expiredNumber
        last = Math.max(last, request.place)
      }
    }
    this.#count = last + 1
  }

  /** Forget the oldest answers, but not this one. */
  #shrink(newest: MsgRequest): void {
    for (const request of this.#requests.values()) {
      if (this.#bytes <= this.#limits.bytesMax) return
      if (request !== newest && request.answer !== undefined) this.#drop(request)
    }
  }

  #drop(request: MsgRequest): void {
    this.#requests.delete(request.session)
    this.#bytes -= request.answer?.length ?? 0
  }
}
