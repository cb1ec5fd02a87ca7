/** JSON in UTF-8. */

import { isUtf8 } from 'node:buffer'
import { bufferOf } from '../base/bytes.ts'
import { SkynetError } from '../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../base/limits.ts'
import { beginOf, SHOWN_CHARS_MAX } from '../base/text.ts'
import { indexStep, keyStep } from '../wire/refusal.ts'
import { type Codec, codecError } from './codec.ts'

const OTHER = 0
const QUOTE = 1
const BACKSLASH = 2
const OPENING = 3
const CLOSING = 4
/** What a byte is for the depth of a text. In UTF-8 none of these is a part of another letter. */
const KINDS = kindsOf({ '"': QUOTE, '\\': BACKSLASH, '[{': OPENING, ']}': CLOSING })

/** How V8 says where a text goes wrong; not each of its sentences does. */
const POSITION = /at position (\d+)/

/**
 * JSON, as `JSON.stringify` and `JSON.parse` have it, in UTF-8 without a byte order mark.
 *
 * `decode` refuses with `ERR_CODEC` what is no UTF-8, arrays and objects more than 64 deep, and a
 * key `__proto__`: copied into another object it would become its prototype. What the values are,
 * JSON does not check: `Out` is what you expect of your peer.
 *
 * `encode` throws `ERR_MESSAGE_UNSUPPORTED` for what has no JSON: a bigint; where it is all that
 * there is also `undefined`, a function, a symbol, which are left out elsewhere. What is nested
 * deeper than 64, as a cycle is, it refuses with `ERR_MESSAGE_TOO_DEEP`. What a `toJSON` or a
 * getter throws, it throws as well.
 */
export function json<In = unknown, Out = In>(): Codec<In, Out> {
  return { encode, decode: decode<Out> }
}

function encode(value: unknown): Buffer {
  const text = written(value)
  if (text === undefined) throw unsupported('message', value)
  const bytes = Buffer.from(text)
  if (opens(text) > CODEC_DEPTH_MAX && isTooDeep(bytes)) throw tooDeepToSend()
  return bytes
}

function written(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (error) {
    throw whyNot(value) ?? error
  }
}

function whyNot(value: unknown): SkynetError | undefined {
  try {
    return reasonOf(value, 'message', 0)
  } catch {
    return undefined
  }
}

/** Why a value cannot be written, in the order of writing. Undefined: code of its own threw. */
function reasonOf(value: unknown, path: string, depth: number): SkynetError | undefined {
  if (typeof value === 'bigint') return unsupported(path, value)
  if (typeof value !== 'object' || value === null) return undefined
  if (depth >= CODEC_DEPTH_MAX) return tooDeepToSend()
  for (const [key, each] of Object.entries(value)) {
    const step = Array.isArray(value) ? indexStep(Number(key)) : keyStep(key)
    const reason = reasonOf(each, path + step, depth + 1)
    if (reason !== undefined) return reason
  }
  return undefined
}

const unsupported = (path: string, value: unknown) =>
  new SkynetError('ERR_MESSAGE_UNSUPPORTED', { path, type: typeof value })

const tooDeepToSend = () =>
  new SkynetError('ERR_MESSAGE_TOO_DEEP', { path: 'message', limit: CODEC_DEPTH_MAX })

function decode<Out>(bytes: Uint8Array): Out {
  if (!isUtf8(bytes)) throw codecError('json', 'message', 'it is no UTF-8')
  const text = bufferOf(bytes).toString()
  if (opens(text) > CODEC_DEPTH_MAX && isTooDeep(bytes)) throw tooDeep()
  try {
    return JSON.parse(text, mayHaveProto(text) ? withoutProto : undefined) as Out
  } catch (error) {
    throw error instanceof SyntaxError ? notJson(error) : error
  }
}

/** It stands in the text as it is, or has an escape of one of its letters. */
const mayHaveProto = (text: string): boolean => text.includes('__proto__') || text.includes('\\u00')

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

/** How often something is opened, in strings as well: most texts need no closer look. */
function opens(text: string): number {
  let count = 0
  for (const letter of '{[') {
    let at = text.indexOf(letter)
    for (; at >= 0 && count <= CODEC_DEPTH_MAX; count++) at = text.indexOf(letter, at + 1)
  }
  return count
}

/** `JSON.parse` has no limit of its own, and who walks through what it gives would need one. */
function isTooDeep(bytes: Uint8Array): boolean {
  const { length } = bytes
  let depth = 0
  let isText = false
  for (let i = 0; i < length; i++) {
    const kind = KINDS[bytes[i]!]
    if (kind === OTHER) continue
    if (kind === QUOTE) isText = !isText
    else if (isText) {
      if (kind === BACKSLASH) i++
    } else if (kind === OPENING) {
      if (++depth > CODEC_DEPTH_MAX) return true
    } else if (kind === CLOSING) depth--
  }
  return false
}

function kindsOf(rows: Readonly<Record<string, number>>): Uint8Array {
  const kinds = new Uint8Array(256).fill(OTHER)
  for (const [letters, kind] of Object.entries(rows)) {
    for (const letter of letters) kinds[letter.charCodeAt(0)] = kind
  }
  return kinds
}
