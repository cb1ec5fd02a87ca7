/** Bytes of lua-seri → values. Never trusts the bytes. */

import { isUtf8 } from 'node:buffer'
import { bufferOf } from '../../base/bytes.ts'
import type { SkynetError } from '../../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../../base/limits.ts'
import { codecError } from '../codec.ts'
import { CROWDED, NumberKeys } from '../number-keys.ts'
import { setKey } from '../plain-object.ts'
import { LuaFloat } from './lua-float.ts'
import { LuaPointer } from './lua-pointer.ts'
import { COOKIE_MAX, NUMBER, TYPE, TYPE_BITS, TYPE_MASK } from './tags.ts'

/** What a value of Lua is in JavaScript: see docs/codec.md. */
export type LuaValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | LuaFloat
  | LuaPointer
  | LuaValue[]
  | { [key: string]: LuaValue }
  | Map<LuaValue, LuaValue>

/** Strings up to this length are looked up in the cache; longer ones are made by C++. */
const CACHED_MAX = 24
/** Slots of the cache: a power of two. */
const CACHE_SLOTS = 512
const U32 = 2 ** 32
/** Integers of Lua are below. */
const I64_END = 2 ** 63

/** `@types/node` does not know these; they cost a third of `toString(encoding)`. */
type Slices = Buffer & {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
}

const NO_BYTES = Buffer.alloc(0) as Slices
const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** One is enough: no code of a user runs while it reads. */
class Reader {
  #bytes = NO_BYTES
  #at = 0
  #keepsFloats = false
  /** The last string of each hash. Only saves an allocation: what is found is compared. */
  readonly #cache: string[] = new Array<string>(CACHE_SLOTS).fill('')

  read(bytes: Buffer, keepsFloats: boolean): LuaValue[] {
    this.#bytes = bytes as Slices
    this.#at = 0
    this.#keepsFloats = keepsFloats
    try {
      const values: LuaValue[] = []
      while (this.#at < bytes.length) values.push(this.#value(0))
      return values
    } finally {
      this.#bytes = NO_BYTES
    }
  }

  #wrong(reason: string): SkynetError<'ERR_CODEC'> {
    return codecError('seri', this.#at, reason)
  }

  /** Steps over `size` bytes and returns where they start. */
  #skip(size: number): number {
    const at = this.#at
    if (size > this.#bytes.length - at) throw this.#wrong('ends too early')
    this.#at = at + size
    return at
  }

  /** @param depth Tables around the value. */
  #value(depth: number): LuaValue {
    const at = this.#at
    if (at >= this.#bytes.length) throw this.#wrong('ends too early')
    this.#at = at + 1
    const byte = this.#bytes[at]!
    const cookie = byte >> TYPE_BITS
    switch (byte & TYPE_MASK) {
      case TYPE.NIL:
        return undefined
      case TYPE.BOOLEAN:
        return cookie !== 0
      case TYPE.NUMBER:
        if (cookie !== NUMBER.DOUBLE) return this.#integer(cookie)
        return this.#keepsFloats ? this.#float() : this.#double()
      case TYPE.POINTER:
        return this.#pointer()
      case TYPE.SHORT_STRING:
        return this.#string(cookie)
      case TYPE.LONG_STRING:
        return this.#string(this.#length(cookie))
      case TYPE.TABLE:
        return this.#table(cookie, depth)
      default:
        throw this.#wrong('no such type')
    }
  }

  #integer(cookie: number): number | bigint {
    switch (cookie) {
      case NUMBER.ZERO:
        return 0
      case NUMBER.U8:
        return this.#bytes[this.#skip(1)]!
      case NUMBER.U16:
        return this.#u16()
      case NUMBER.I32:
        return this.#i32()
      case NUMBER.I64: {
        const low = this.#i32() >>> 0
        const high = this.#i32()
        const value = high * U32 + low
        return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low)
      }
      default:
        throw this.#wrong('no such kind of number')
    }
  }

  #u16(): number {
    const at = this.#skip(2)
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8)
  }

  #i32(): number {
    const bytes = this.#bytes
    const at = this.#skip(4)
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }

  #double(): number {
    const at = this.#skip(8)
    for (let i = 0; i < 8; i++) doubleBytes[isLittleEndian ? i : 7 - i] = this.#bytes[at + i]!
    return double[0]!
  }

  /** A float that would be taken for an integer is kept apart. */
  #float(): number | LuaFloat {
    const value = this.#double()
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? new LuaFloat(value) : value
  }

  /** One that leads nowhere is nothing: `cjson.null` is one. */
  #pointer(): LuaPointer | null {
    const low = this.#i32() >>> 0
    const high = this.#i32() >>> 0
    if (low === 0 && high === 0) return null
    return new LuaPointer((BigInt(high) << 32n) | BigInt(low))
  }

  #length(cookie: number): number {
    if (cookie === 2) return this.#u16()
    if (cookie === 4) return this.#i32() >>> 0
    throw this.#wrong('no such kind of string')
  }

  /** What is no text is bytes: a string of Lua may be either. */
  #string(length: number): string | Buffer {
    const at = this.#skip(length)
    const end = at + length
    if (length === 0) return ''
    if (length <= CACHED_MAX) {
      const text = this.#short(at, end)
      if (text !== undefined) return text
    }
    const part = this.#bytes.subarray(at, end)
    return isUtf8(part) ? this.#bytes.utf8Slice(at, end) : Buffer.from(part)
  }

  /** A short string, unless it has more than ASCII in it. */
  #short(at: number, end: number): string | undefined {
    const bytes = this.#bytes
    const length = end - at
    // Keys differ at the ends, mostly. The byte before a string of one is its tag.
    const ends = bytes[end - 1]! * 31 + bytes[end - 2]! * 961
    const hash = ends + bytes[at]! * 127 + bytes[at + (length >> 1)]! * 8191 + length
    const slot = (hash ^ (hash >>> 10)) & (CACHE_SLOTS - 1)
    const found = this.#cache[slot]!
    if (found.length === length) {
      let i = 0
      while (i < length && found.charCodeAt(i) === bytes[at + i]) i++
      if (i === length) return found
    }
    for (let i = at; i < end; i++) if (bytes[i]! > 0x7f) return undefined
    const text = bytes.latin1Slice(at, end)
    this.#cache[slot] = text
    return text
  }

  #table(cookie: number, depth: number): LuaValue {
    if (depth >= CODEC_DEPTH_MAX) {
      throw this.#wrong(`nested deeper than ${CODEC_DEPTH_MAX} levels`)
    }
    const length = cookie < COOKIE_MAX ? cookie : this.#arrayLength()
    // Each value takes a byte at least: no memory for those that cannot be there.
    if (length > this.#bytes.length - this.#at) throw this.#wrong('ends too early')
    const array: LuaValue[] = []
    for (let i = 0; i < length; i++) array.push(this.#value(depth + 1))
    if (this.#isEnd()) return array
    return length === 0
      ? this.#pairs(depth + 1)
      : this.#mixed(mapOf(array), this.#key(depth + 1), depth + 1)
  }

  /** As in the original, a wider one is cut to 32 bits, and a negative one is none. */
  #arrayLength(): number {
    const byte = this.#bytes[this.#skip(1)]!
    if ((byte & TYPE_MASK) !== TYPE.NUMBER) throw this.#wrong('no length of a table')
    return Math.max(Number(BigInt.asIntN(32, BigInt(this.#integer(byte >> TYPE_BITS)))), 0)
  }

  /** Is here a nil in the place of a key? */
  #isEnd(): boolean {
    const at = this.#skip(1)
    if ((this.#bytes[at]! & TYPE_MASK) === TYPE.NIL) return true
    this.#at = at
    return false
  }

  /** An object, as long as all keys are text. */
  #pairs(depth: number): LuaValue {
    const object: { [key: string]: LuaValue } = {}
    let count = 0
    do {
      const key = this.#key(depth)
      if (typeof key !== 'string') {
        const map = new Map<LuaValue, LuaValue>(Object.entries(object))
        return this.#mixed(map, key, depth)
      }
      const value = this.#value(depth)
      if (value === undefined) {
        if (Object.hasOwn(object, key)) count--
        delete object[key]
        continue
      }
      count++
      setKey(object, key, value)
    } while (!this.#isEnd())
    return count === 0 ? [] : object
  }

  /** @param first The key that comes next; it was read. */
  #mixed(map: Map<LuaValue, LuaValue>, first: LuaValue, depth: number): LuaValue {
    const numbers = new NumberKeys()
    for (let key = first; ; key = this.#key(depth)) {
      if (!numbers.add(key)) throw this.#wrong(CROWDED)
      const value = this.#value(depth)
      if (value === undefined) map.delete(key)
      else map.set(key, value)
      if (this.#isEnd()) return settled(map)
    }
  }

  /** A key that is a whole float is the integer of its value, if 64 bits have that. */
  #key(depth: number): LuaValue {
    const key = this.#value(depth)
    if (key instanceof LuaFloat) return key.value
    if (typeof key !== 'number' || Number.isSafeInteger(key)) return key
    if (Number.isNaN(key)) throw this.#wrong('a key is NaN')
    return Number.isInteger(key) && key < I64_END && key >= -I64_END ? BigInt(key) : key
  }
}

function mapOf(array: readonly LuaValue[]): Map<LuaValue, LuaValue> {
  const map = new Map<LuaValue, LuaValue>()
  for (const [i, value] of array.entries()) if (value !== undefined) map.set(i + 1, value)
  return map
}

/** What a table is follows from its keys, and not from the order in which they came. */
function settled(map: Map<LuaValue, LuaValue>): LuaValue {
  const keys = [...map.keys()]
  if (keys.every((_, i) => map.has(i + 1))) return keys.map((_, i) => map.get(i + 1))
  return keys.every((key) => typeof key === 'string') ? objectOf(map) : map
}

function objectOf(map: ReadonlyMap<LuaValue, LuaValue>): { [key: string]: LuaValue } {
  const object: { [key: string]: LuaValue } = {}
  for (const [key, value] of map as ReadonlyMap<string, LuaValue>) setKey(object, key, value)
  return object
}

const reader = new Reader()

/**
 * The values in these bytes, as `skynet.unpack` of the original gives them. Nothing of `bytes` is
 * kept.
 *
 * @param keepsFloats Whole floats come as {@link LuaFloat}, and not as the number that they are.
 * @throws {SkynetError} `ERR_CODEC`, and nothing else, for any content.
 */
export function unpackValues(bytes: Uint8Array, keepsFloats = false): LuaValue[] {
  return reader.read(bufferOf(bytes), keepsFloats)
}
