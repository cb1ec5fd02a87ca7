/** Which messages of a peer are let in: those whose shape the code that takes them relies on. */
import { NODE_NAMES } from '../kernel/names.ts'
import { RESERVED_TYPES } from '../service/message-types.ts'
import { PTYPE } from '../wire/ptype.ts'
import { TAG } from '../wire/tags.ts'
import type { PeerMethods } from './peer-methods.ts'

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

/** Where a text of at most 255 characters ends that begins at `at`; 0: there is none. */
function behindText(bytes: Uint8Array, at: number): number {
  const tag = bytes[at]!
  if (tag >= TAG.SHORT_STRING && tag < TAG.SHORT_ARRAY) return at + 1 + tag - TAG.SHORT_STRING
  if (tag === TAG.LATIN8) return at + 2 + bytes[at + 1]!
  return tag === TAG.WIDE8 ? at + 2 + 2 * bytes[at + 1]! : 0
}

/** No control character is in the text between `at` and `end`: it stands in lines of the log. */
function isPrintable(bytes: Uint8Array, at: number, end: number): boolean {
  const tag = bytes[at]!
  const first = tag >= TAG.SHORT_STRING && tag < TAG.SHORT_ARRAY ? at + 1 : at + 2
  const isWide = tag === TAG.WIDE8
  for (let i = first; i < end; i += isWide ? 2 : 1) {
    const code = isWide ? bytes[i]! | (bytes[i + 1]! << 8) : bytes[i]!
    if (code < 0x20 || code === 0x7f || code === 0x85 || code === 0x2028 || code === 0x2029)
      return false
  }
  return true
}

/** `[id, type, value]`: see service/trace.ts. Its id begins with the name of a node. */
function isTraced(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + 2 >= end || bytes[at] !== (TAG.SHORT_ARRAY | 3)) return false
  const type = behindText(bytes, at + 1)
  if (type === 0 || type >= end || !isPrintable(bytes, at + 1, type)) return false
  // A number from 0x80 up is two bytes, for types of users.
  const isByte = bytes[type]! < TAG.SHORT_STRING
  const isWord = bytes[type] === TAG.INT16
  if (!isByte && !isWord) return false
  const inner = isByte ? bytes[type]! : bytes[type + 1]! | (bytes[type + 2]! << 8)
  const value = type + (isByte ? 1 : 3)
  return (
    value < end && inner <= 0xff && inner !== PTYPE.TRACE && isRequest(inner, bytes, value, end)
  )
}

const OF_PEERS: Readonly<Record<keyof PeerMethods, true>> = {
  find: true,
  load: true,
  hasChannel: true,
  launchHere: true,
  childHere: true,
  endChildHere: true,
}

/**
 * May another node call that method of the service with that local name? What services of the node
 * itself do is for services here: no other node has this one run files, or stop.
 */
export const isOpen = (name: string, method: string): boolean =>
  !NODE_NAMES.includes(name) || (name === '.cluster' && Object.hasOwn(OF_PEERS, method))
