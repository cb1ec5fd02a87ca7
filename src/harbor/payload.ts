/** What services say, as the bytes that other harbors understand, and back: by type of message. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { MESSAGE_DEPTH_MAX } from '../base/limits.ts'
import { bytesOfValues, type LuaValues } from '../codec/seri/lua-values.ts'
import { unpackValues } from '../codec/seri/reader.ts'
import { packValues } from '../codec/seri/writer.ts'
import { renamed } from '../service/sendable.ts'
import { PTYPE } from '../wire/ptype.ts'
import { ServiceId } from '../wire/service-id.ts'
import { PAYLOAD_BYTES_MAX } from './remote-message.ts'

/** Of a local name: its handle, or 0. */
export type HandleOf = (name: string) => number

const NOTHING = Buffer.alloc(0)

/**
 * Of a request: `[method, ...args]` of a method call, bytes or text of any other type.
 *
 * @throws {SkynetError} What cannot be sent: `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP`,
 * `ERR_MESSAGE_TOO_LARGE`.
 */
export function requestPayload(type: number, value: unknown, handleOf: HandleOf): Uint8Array {
  if (type !== PTYPE.LUA) return limited(bytesOf(value))
  return named(() => limited(packed(value as readonly unknown[], handleOf)), 1)
}

/**
 * Of an answer: one value, or none, or those of `luaValues`; of other types than method calls bytes
 * or text. Throws so.
 */
export function answerPayload(type: number, value: unknown, handleOf: HandleOf): Uint8Array {
  if (value === undefined) return NOTHING
  if (type !== PTYPE.LUA) return limited(bytesOf(value))
  const values = bytesOfValues(value)
  return named(() => limited(values ?? packed([value], handleOf)), 0)
}

/** Of a request. Undefined: it is no method call. @throws {SkynetError} `ERR_CODEC`. */
export function readRequestPayload(type: number, payload: Uint8Array): unknown {
  if (type !== PTYPE.LUA) return payload
  const values = unpackValues(payload)
  return typeof values[0] === 'string' ? values : undefined
}

/** Of an answer: one value is that, several are `LuaValues`. @throws {SkynetError} `ERR_CODEC`. */
export function readAnswerPayload(type: number, payload: Uint8Array): unknown {
  if (type !== PTYPE.LUA) return payload.length === 0 ? undefined : payload
  const values = unpackValues(payload)
  if (values.length < 2) return values[0]
  return { luaValues: Buffer.from(payload) } satisfies LuaValues
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (value === undefined || value === null) return NOTHING
  throw new SkynetError('ERR_MESSAGE_UNSUPPORTED', { path: 'value', type: typeof value })
}

function limited(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= PAYLOAD_BYTES_MAX) return bytes
  const info = { bytes: bytes.length, limit: PAYLOAD_BYTES_MAX }
  throw new SkynetError('ERR_MESSAGE_TOO_LARGE', info)
}

/** References of services travel as handles: these mean the same in all harbors. */
function packed(values: readonly unknown[], handleOf: HandleOf): Uint8Array {
  try {
    return packValues(values)
  } catch (error) {
    // Most messages have none: to look for some first would cost each of them.
    const plain = isSkynetError(error, 'ERR_MESSAGE_UNSUPPORTED')
      ? values.map((value) => withHandles(value, handleOf, 0))
      : values
    if (plain.every((value, i) => value === values[i])) throw error
    return packValues(plain)
  }
}

/** The same value when there is no reference in it. */
function withHandles(value: unknown, handleOf: HandleOf, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MESSAGE_DEPTH_MAX) return value
  if (ServiceId.is(value)) {
    const { target } = value
    const handle = typeof target === 'number' ? target : handleOf(target)
    return handle === 0 ? value : handle
  }
  const inside = (each: unknown): unknown => withHandles(each, handleOf, depth + 1)
  if (Array.isArray(value)) {
    const items = value.map(inside)
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (value instanceof Map) {
    const pairs = [...value].map(([key, item]) => [key, inside(item)] as const)
    return pairs.some(([key, item]) => item !== value.get(key)) ? new Map(pairs) : value
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return value
  const entries = Object.entries(value)
  const plain = entries.map(([key, item]) => [key, inside(item)] as const)
  return plain.some(([, item], i) => item !== entries[i]![1]) ? Object.fromEntries(plain) : value
}

/** What cannot be sent is named as its author wrote it. @param before Values before the args. */
function named<T>(pack: () => T, before: 0 | 1): T {
  try {
    return pack()
  } catch (error) {
    throw renamed(error, (path) =>
      path.replace(/^values\[(\d+)\]/, (_, index) =>
        before === 0 ? 'value' : index === '0' ? 'method' : `args[${index - 1}]`,
      ),
    )
  }
}
