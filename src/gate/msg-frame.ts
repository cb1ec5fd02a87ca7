/**
 * Requests and answers of a message server, as their frames hold them.
 *
 *     request   body, session (u32be)
 *     answer    body, 1 or 0 (u8), session (u32be)
 */
import { checkInteger, isA, refusal } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { MSG_BODY_BYTES_MAX, MSG_SESSION_MAX } from '../base/limits.ts'
import { type Bytes, dataOf } from './crypt/bytes.ts'

const SESSION_BYTES = 4
/** What an answer has besides its body. */
export const ANSWER_HEAD_BYTES = SESSION_BYTES + 1
/** The answer is there; the request has failed, and there is no body. */
const OK = 1
const FAILED = 0

/** What is taken of a frame; its body is a part of the frame. */
export interface MsgFrame {
  readonly body: Buffer
  readonly session: number
}

/** @throws {SkynetError} `ERR_MESSAGE_TOO_LARGE` Its answer would not fit into a frame. */
function checkBody(body: Buffer, limit: number): Buffer {
  if (body.length <= limit) return body
  const info = { bytes: body.length, limit }
  throw new SkynetError('ERR_MESSAGE_TOO_LARGE', info)
}

/**
 * What a client sends in a frame.
 *
 * @param body At most 65,530 bytes.
 * @param session Of the client's choice, 0 to 2^32-1.
 * @throws {SkynetError} `ERR_MESSAGE_TOO_LARGE`. `RangeError` for another session.
 */
export function requestFrame(body: Bytes, session: number): Buffer {
  checkInteger('make a request', 'session', session, 0, MSG_SESSION_MAX)
  const bytes = checkBody(dataOf('make a request', 'body', body), MSG_BODY_BYTES_MAX)
  const frame = Buffer.allocUnsafe(bytes.length + SESSION_BYTES)
  bytes.copy(frame)
  frame.writeUInt32BE(session, bytes.length)
  return frame
}

/** Undefined: it is too short to be one. */
export function readRequest(frame: Buffer): MsgFrame | undefined {
  const end = frame.length - SESSION_BYTES
  if (end < 0) return undefined
  return { body: frame.subarray(0, end), session: frame.readUInt32BE(end) }
}

/**
 * @param body Undefined: the request has failed.
 * @param bytesMax Of the body. Throws as `requestFrame`.
 */
export function answerFrame(
  body: Bytes | undefined,
  session: number,
  bytesMax = MSG_BODY_BYTES_MAX,
): Buffer {
  const bytes = checkBody(dataOf('answer a request', 'answer', body ?? ''), bytesMax)
  // It is kept: a part of Node's pool would keep all of that.
  const frame = Buffer.allocUnsafeSlow(bytes.length + 1 + SESSION_BYTES)
  bytes.copy(frame)
  frame[bytes.length] = body === undefined ? FAILED : OK
  frame.writeUInt32BE(session, bytes.length + 1)
  return frame
}

/** What a server has answered. Undefined: it is too short to be an answer. */
export function readAnswer(frame: Buffer): (MsgFrame & { readonly isOk: boolean }) | undefined {
  if (!isA(frame, Buffer)) throw refusal('type', 'read an answer', 'frame', 'a Buffer', frame)
  const request = readRequest(frame)
  if (request === undefined || request.body.length === 0) return undefined
  const { body, session } = request
  return { body: body.subarray(0, -1), session, isOk: body.at(-1) !== FAILED }
}
