/** Somebody who waits for an answer of the peer. */
import { checkBytes, isArray } from '../base/check.ts'
import { Waiter } from '../service/wait.ts'
import type { AnswerReader } from './answers.ts'

/** What is written, piece by piece. */
export type Data = string | Uint8Array | readonly (string | Uint8Array)[]

/** @throws {TypeError} Unless it can be written. */
export function checkPieces(data: unknown): void {
  if (!isArray(data)) checkBytes('request', 'data', data)
  else for (const piece of data) checkBytes('request', 'data', piece)
}

const isMany = (data: Data): data is readonly (string | Uint8Array)[] => Array.isArray(data)

export function pieceBytes(data: Data): number {
  if (typeof data === 'string') return Buffer.byteLength(data)
  if (!isMany(data)) return data.length
  let bytes = 0
  for (const piece of data) bytes += pieceBytes(piece)
  return bytes
}

/** For later: what was given is the caller's again. */
export function copyOf(data: Data): Data {
  if (typeof data === 'string') return data
  return isMany(data)
    ? data.map((piece) => copyOf(piece) as string | Uint8Array)
    : Buffer.from(data)
}

/**
 * `request`: its answer is owed, also when nobody waits for it any more. `response`: waits for what
 * the peer sends by itself. `send`: is done once it is written.
 */
export type RequestKind = 'request' | 'response' | 'send'

/** What is asked. */
export interface Question {
  readonly kind: RequestKind
  /** None: nothing is written. */
  readonly data?: Data
  readonly reader?: AnswerReader
  readonly session?: unknown
}

export class Request extends Waiter<unknown> {
  kind: RequestKind = 'request'
  /** Of a channel in order whose requests bring their readers. */
  reader: AnswerReader | undefined
  /** Of a channel with sessions. */
  session: unknown
  /** Of a `response`: it waits no more. */
  hasLeft = false
  /** Where it waits for its answer, until that begins. */
  place: { left(request: Request): void } | undefined
  /** While there is no connection: what is to be written, and its bytes. */
  unsent: Data | undefined
  unsentBytes = 0
  /** The parts of its answer so far. */
  #parts: unknown[] | undefined
  #partCount = 0

  /**
   * @param padding As in `Answer`.
   * @returns True: that was all of its answer.
   */
  take(data: unknown, padding: boolean | undefined, partsMax: number): boolean {
    if (padding === undefined && this.#parts === undefined) {
      this.resolve(data)
      return true
    }
    this.#parts ??= []
    this.#partCount++
    if (this.#partCount > partsMax) throw new RangeError(`more than ${partsMax} parts`)
    // Who waits no more is owed nothing, but its answer has an end all the same.
    if (this.isOver) this.#parts.length = 0
    else this.#parts.push(data)
    if (padding === true) return false
    this.resolve(this.#parts)
    return true
  }
}
