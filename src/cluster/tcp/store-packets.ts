/** The store over a connection: what is asked of its host, answered, and told of entries. */
import { STORE_KEY_BYTES_MAX } from '../../base/limits.ts'
import { malformed } from '../../frames/framing.ts'
import type { StoreEntry } from '../core/store.ts'

/** What is asked: a byte. */
export const ASK = { open: 1, cas: 2, get: 3, watch: 4, unwatch: 5 } as const
export type AskKind = (typeof ASK)[keyof typeof ASK]

/** How it went: a byte. */
export const STATUS = { done: 0, conflict: 1, full: 2, lost: 3 } as const
export type Status = (typeof STATUS)[keyof typeof STATUS]

export interface StoreAsk {
  /** Of the asker: what is answered with it. Of a watch: each entry has it, too. */
  readonly id: number
  readonly kind: number
  /** Of which memory the asker knows: what is asked of another one is not done. */
  readonly era: number
  readonly entry: StoreEntry
}

export interface StoreAnswer {
  readonly id: number
  readonly status: number
  /** Era, or revision. */
  readonly number: number
  /** How long the memory has been there, in milliseconds. */
  readonly ageMs: number
  /** Of a `get`. */
  readonly entry: StoreEntry | undefined
  /** Why not. */
  readonly reason: string
}

/** id u32, kind u8, era f64, entry. */
const ASK_BYTES = 4 + 1 + 8
/** id u32, status u8, number f64, ageMs f64; then an entry or a reason. */
const ANSWER_BYTES = 4 + 1 + 8 + 8
/** revision f64, is there a value u8, bytes of the key u16; then key and value. */
const ENTRY_BYTES = 8 + 1 + 2

const lengthOf = ({ key, value }: StoreEntry): number =>
  ENTRY_BYTES + Buffer.byteLength(key) + (value?.length ?? 0)

function putEntry(bytes: Buffer, at: number, { key, revision, value }: StoreEntry): void {
  bytes.writeDoubleLE(revision, at)
  bytes[at + 8] = value === undefined ? 0 : 1
  const from = at + ENTRY_BYTES
  const keyBytes = bytes.write(key, from)
  bytes.writeUInt16LE(keyBytes, at + 9)
  if (value !== undefined) bytes.set(value, from + keyBytes)
}

/** Its value is a copy. */
function entryAt(bytes: Buffer, at: number, end: number): StoreEntry {
  if (end - at < ENTRY_BYTES) throw malformed('an entry of the store that is cut off')
  const from = at + ENTRY_BYTES
  const keyBytes = bytes.readUInt16LE(at + 9)
  if (keyBytes > STORE_KEY_BYTES_MAX || keyBytes > end - from) {
    throw malformed(`an entry of the store with a key of ${keyBytes} bytes`)
  }
  const value = Buffer.from(bytes.subarray(from + keyBytes, end))
  return {
    key: bytes.toString('utf8', from, from + keyBytes),
    revision: countAt(bytes, at),
    value: bytes[at + 8] === 0 ? undefined : value,
  }
}

function countAt(bytes: Buffer, at: number): number {
  const count = bytes.readDoubleLE(at)
  if (Number.isSafeInteger(count) && count >= 0) return count
  throw malformed('a number of the store that is none')
}

export function askBytes({ id, kind, era, entry }: StoreAsk): Buffer {
  const bytes = Buffer.allocUnsafe(ASK_BYTES + lengthOf(entry))
  bytes.writeUInt32LE(id, 0)
  bytes[4] = kind
  bytes.writeDoubleLE(era, 5)
  putEntry(bytes, ASK_BYTES, entry)
  return bytes
}

/** @throws {SkynetError} `ERR_FRAME_MALFORMED`. */
export function readAsk(bytes: Buffer, at: number, end: number): StoreAsk {
  if (end - at < ASK_BYTES) throw malformed('a request to the store that is cut off')
  return {
    id: bytes.readUInt32LE(at),
    kind: bytes[at + 4]!,
    era: countAt(bytes, at + 5),
    entry: entryAt(bytes, at + ASK_BYTES, end),
  }
}

export function answerBytes({ id, status, number, ageMs, entry, reason }: StoreAnswer): Buffer {
  const textBytes = Buffer.byteLength(reason)
  const bytes = Buffer.allocUnsafe(ANSWER_BYTES + (entry ? lengthOf(entry) : textBytes))
  bytes.writeUInt32LE(id, 0)
  bytes[4] = status
  bytes.writeDoubleLE(number, 5)
  bytes.writeDoubleLE(ageMs, 13)
  if (entry === undefined) bytes.write(reason, ANSWER_BYTES)
  else putEntry(bytes, ANSWER_BYTES, entry)
  return bytes
}

/** @throws {SkynetError} `ERR_FRAME_MALFORMED`. */
export function readStoreAnswer(bytes: Buffer, at: number, end: number): StoreAnswer {
  if (end - at < ANSWER_BYTES) throw malformed('an answer of the store that is cut off')
  const status = bytes[at + 4]!
  const from = at + ANSWER_BYTES
  const hasEntry = status === STATUS.done && end > from
  return {
    id: bytes.readUInt32LE(at),
    status,
    number: countAt(bytes, at + 5),
    ageMs: countAt(bytes, at + 13),
    entry: hasEntry ? entryAt(bytes, from, end) : undefined,
    reason: hasEntry ? '' : bytes.toString('utf8', from, end),
  }
}

/** @param watch The id of the request that has begun it. */
export function entryBytes(watch: number, entry: StoreEntry): Buffer {
  const bytes = Buffer.allocUnsafe(4 + lengthOf(entry))
  bytes.writeUInt32LE(watch, 0)
  putEntry(bytes, 4, entry)
  return bytes
}

/** @throws {SkynetError} `ERR_FRAME_MALFORMED`. */
export function readEntry(bytes: Buffer, at: number, end: number): [number, StoreEntry] {
  if (end - at < 4) throw malformed('an entry of the store without its watch')
  return [bytes.readUInt32LE(at), entryAt(bytes, at + 4, end)]
}
