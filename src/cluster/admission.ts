/** Which messages of a peer are let in: those whose shape the code that takes them relies on. */
import { RESERVED_TYPES } from '../service/message-types.ts'
import { PTYPE } from '../wire/ptype.ts'
import { TAG } from '../wire/tags.ts'

const isText = (tag: number): boolean =>
  (tag >= TAG.SHORT_STRING && tag < TAG.SHORT_ARRAY) || (tag >= TAG.LATIN8 && tag <= TAG.WIDE32)

/**
 * May a request of that type be handled here? Its bytes lie in `bytes[at .. end)`, first that which
 * tells what is in it. Whether all of it is a value is for who unpacks it.
 */
export function isAdmitted(type: number, bytes: Uint8Array, at: number, end: number): boolean {
  if (type === PTYPE.TRACE) return isTraced(bytes, at + 1, end)
  return isRequest(type, bytes, at + 1, end)
}

function isRequest(type: number, bytes: Uint8Array, at: number, end: number): boolean {
  if (type === PTYPE.LUA) return isMethodCall(bytes, at, end)
  return type <= 0xff && !RESERVED_TYPES.has(type)
}

/** `[method, ...args]`. */
function isMethodCall(bytes: Uint8Array, at: number, end: number): boolean {
  const tag = bytes[at]!
  const isShort = tag > TAG.SHORT_ARRAY && tag < TAG.OBJECT
  const isLong = tag === TAG.ARRAY && at + 5 < end && bytes.subarray(at + 1, at + 5).some(Boolean)
  const first = isShort ? at + 1 : at + 5
  return (isShort || isLong) && first < end && isText(bytes[first]!)
}

/** `[id, type, value]`: see service/trace.ts. Its id is short. */
function isTraced(bytes: Uint8Array, at: number, end: number): boolean {
  const id = bytes[at + 1]!
  if (at + 1 >= end || bytes[at] !== (TAG.SHORT_ARRAY | 3)) return false
  if (id < TAG.SHORT_STRING || id >= TAG.SHORT_ARRAY) return false
  const type = at + 2 + (id - TAG.SHORT_STRING)
  // A number from 0x80 up is two bytes, for types of users.
  const isByte = bytes[type]! < TAG.SHORT_STRING
  const isWord = bytes[type] === TAG.INT16
  if (type >= end || (!isByte && !isWord)) return false
  const inner = isByte ? bytes[type]! : bytes[type + 1]! | (bytes[type + 2]! << 8)
  const value = type + (isByte ? 1 : 3)
  return (
    value < end && inner <= 0xff && inner !== PTYPE.TRACE && isRequest(inner, bytes, value, end)
  )
}
