/** What a node of Skynet answers, as bytes: the session of the request, a type, and the rest. */
import { codecError } from '../codec/codec.ts'
import { LENGTH_BYTES, PART_BYTES } from './request-frames.ts'

/** Texts that Skynet has for its errors. */
export const TEXT = {
  NAME: 'Invalid name',
  UNKNOWN: 'name not found',
  LARGE: 'Invalid large req',
  DEAD: 'call to invalid address',
  FAILED: 'call failed',
} as const

export type AnswerFrame =
  | {
      readonly kind: 'error' | 'ok' | 'part' | 'last'
      readonly session: number
      readonly message: Buffer
    }
  | { readonly kind: 'begin'; readonly session: number; readonly total: number }

/** The place in this table is the type. */
const KINDS = ['error', 'ok', 'begin', 'part', 'last'] as const
type Kind = (typeof KINDS)[number]

const HEAD_BYTES = 5

const wrong = (at: number, reason: string): Error => codecError('skynet-cluster', at, reason)

/**
 * The frame with this body, which it is a part of.
 *
 * @throws {SkynetError} `ERR_CODEC`, and nothing else, for any content.
 */
export function parseAnswer(body: Buffer): AnswerFrame {
  if (body.length < HEAD_BYTES) throw wrong(body.length, 'ends too early')
  const session = body.readUInt32LE(0)
  const kind = KINDS[body[4]!]
  if (kind === undefined) throw wrong(4, `no such type: ${body[4]}`)
  if (kind !== 'begin') return { kind, session, message: body.subarray(HEAD_BYTES) }
  if (body.length !== HEAD_BYTES + 4) throw wrong(4, 'the begin of a message has another size')
  return { kind, session, total: body.readUInt32LE(HEAD_BYTES) }
}

function pack(kind: Kind, session: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + HEAD_BYTES + bytes.length)
  frame.writeUInt16BE(HEAD_BYTES + bytes.length)
  frame.writeUInt32LE(session, 2)
  frame[6] = KINDS.indexOf(kind)
  frame.set(bytes, 7)
  return frame
}

/** An answer that fits into one frame: at most `PART_BYTES`. */
export const packAnswer = (session: number, message: Uint8Array): Buffer =>
  pack('ok', session, message)

/** An error; of a text that is too long the begin. */
export function packError(session: number, text: string): Buffer {
  const bytes = Buffer.from(text)
  return pack('error', session, bytes.subarray(0, PART_BYTES))
}

/** What says that an answer of `total` bytes follows in parts. */
export function packAnswerBegin(session: number, total: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(total)
  return pack('begin', session, bytes)
}

/** A part of an answer: bytes of it. */
export const packAnswerPart = (session: number, bytes: Uint8Array, isLast: boolean): Buffer =>
  pack(isLast ? 'last' : 'part', session, bytes)
