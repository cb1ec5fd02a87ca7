/** JSON in UTF-8. */
import { isUtf8 } from 'node:buffer'
import { SkynetError } from '../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../base/limits.ts'
import { beginOf, SHOWN_CHARS_MAX } from '../base/text.ts'
import { type Codec, codecError } from './codec.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** `[` and `{` differ in one bit, and so do `]` and `}`. */
const CASE_BIT = 0x20
const OPENING = 0x7b
const CLOSING = 0x7d

/** How V8 says where a text goes wrong; not each of its sentences does. */
const POSITION = /at position (\d+)/
/** A key `__proto__` stands in the text as it is, or has an escape of one of its letters. */
const MAY_BE_PROTO = /__proto__|\\u00(?:5f|6f|7[024])/i

/**
 * JSON, as `JSON.stringify` and `JSON.parse` have it, in UTF-8 without a byte order mark.
 *
 * `decode` refuses with `ERR_CODEC` what is no UTF-8, arrays and objects more than 64 deep, and a
 * key `__proto__`: copied into another object it would become its prototype. What the values are,
 * JSON does not check: `Out` is what you expect of your peer.
 *
 * `encode` throws what `JSON.stringify` throws (`TypeError` for a bigint or a cycle), and
 * `ERR_MESSAGE_UNSUPPORTED` for what has no JSON: `undefined`, a function, a symbol.
 */
export function json<In = unknown, Out = In>(): Codec<In, Out> {
  return { encode, decode: decode<Out> }
}

function encode(value: unknown): Buffer {
  const text: string | undefined = JSON.stringify(value)
  if (text !== undefined) return Buffer.from(text)
  throw new SkynetError('ERR_MESSAGE_UNSUPPORTED', { path: 'message', type: typeof value })
}

function decode<Out>(bytes: Uint8Array): Out {
  if (!isUtf8(bytes)) throw codecError('json', 'message', 'it is no UTF-8')
  if (isTooDeep(bytes)) throw tooDeep()
  const text = textOf(bytes)
  try {
    return JSON.parse(text, MAY_BE_PROTO.test(text) ? withoutProto : undefined) as Out
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(error) : error
  }
}

const textOf = (bytes: Uint8Array): string =>
  (Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  ).toString()

function withoutProto(key: string, value: unknown): unknown {
  if (key !== '__proto__') return value
  throw codecError('json', 'a key', "it is '__proto__'")
}

/** V8 quotes a few letters of the text in its sentence, never all of it. */
function notJson({ message }: SyntaxError): SkynetError<'ERR_CODEC'> {
  const position = POSITION.exec(message)?.[1]
  const at = position === undefined ? 'message' : `character ${position}`
  return codecError('json', at, beginOf(message, SHOWN_CHARS_MAX))
}

const tooDeep = (): SkynetError<'ERR_CODEC'> =>
  codecError('json', 'message', `nested deeper than ${CODEC_DEPTH_MAX} levels`)

/** `JSON.parse` has no limit of its own, and who walks through what it gives would need one. */
function isTooDeep(bytes: Uint8Array): boolean {
  const { length } = bytes
  // What is opened has to be closed as well.
  if (length <= CODEC_DEPTH_MAX * 2) return false
  let depth = 0
  let isText = false
  for (let i = 0; i < length; i++) {
    const byte = bytes[i]!
    if (byte === QUOTE) isText = !isText
    else if (isText) {
      if (byte === BACKSLASH) i++
    } else if ((byte | CASE_BIT) === OPENING) {
      if (++depth > CODEC_DEPTH_MAX) return true
    } else if ((byte | CASE_BIT) === CLOSING) depth--
  }
  return false
}
