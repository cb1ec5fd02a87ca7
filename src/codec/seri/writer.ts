/** Values → bytes of lua-seri. */
import { types } from 'node:util'
import { checkArray } from '../../base/check.ts'
import { MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX } from '../../base/limits.ts'
import {
  indexStep,
  keyStep,
  mapStep,
  passing,
  Refusal,
  refuse,
  tooDeep,
  tooLarge,
} from '../../wire/refusal.ts'
import { LuaFloat } from './lua-float.ts'
import { LuaPointer } from './lua-pointer.ts'
import { COOKIE_MAX, NUMBER, TYPE, tagOf } from './tags.ts'

/** What every value may write without asking: a tag and eight bytes, the end of a table. */
const SLACK = 16
const SCRATCH_MIN = 4096
/** A writer that has grown beyond this is not used again. */
const SCRATCH_KEPT = 1024 * 1024
const U16_MAX = 0xffff
const U32 = 2 ** 32

const NIL = tagOf(TYPE.NIL, 0)
const DOUBLE = tagOf(TYPE.NUMBER, NUMBER.DOUBLE)

const { getPrototypeOf } = Object
const objectPrototype = Object.prototype
const owns = Object.prototype.hasOwnProperty

class Writer {
  #bytes = Buffer.alloc(0)
  #view = new DataView(new ArrayBuffer(0))
  #at = 0

  constructor() {
    this.#allocate(SCRATCH_MIN)
  }

  get isLarge(): boolean {
    return this.#bytes.length > SCRATCH_KEPT
  }

  pack(values: readonly unknown[]): Buffer {
    this.#at = 0
    for (let i = 0; i < values.length; i++) {
      try {
        this.#value(values[i], 0)
      } catch (error) {
        throw error instanceof Refusal ? error.toError(`values[${i}]`) : error
      }
    }
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  #value(value: unknown, depth: number): void {
    if (depth > MESSAGE_DEPTH_MAX) throw tooDeep()
    if (this.#at + SLACK > this.#bytes.length) this.#grow(SLACK)
    switch (typeof value) {
      case 'string':
        this.#string(value)
        return
      case 'number':
        if (Number.isSafeInteger(value) && !Object.is(value, -0)) this.#integer(value)
        else this.#double(value)
        return
      case 'object':
        if (value === null) this.#bytes[this.#at++] = NIL
        else this.#object(value, depth)
        return
      case 'boolean':
        this.#bytes[this.#at++] = tagOf(TYPE.BOOLEAN, value ? 1 : 0)
        return
      case 'undefined':
        this.#bytes[this.#at++] = NIL
        return
      case 'bigint':
        this.#bigint(value)
        return
      default:
        throw refuse(value)
    }
  }

  /** In as few bytes as Skynet takes, which has a form of two bytes for positive ones only. */
  #integer(value: number): void {
    const bytes = this.#bytes
    const at = this.#at
    if ((value | 0) !== value) {
      bytes[at] = tagOf(TYPE.NUMBER, NUMBER.I64)
      this.#view.setUint32(at + 1, value >>> 0, true)
      this.#view.setInt32(at + 5, Math.floor(value / U32), true)
      this.#at = at + 9
    } else if (value < 0 || value > U16_MAX) {
      bytes[at] = tagOf(TYPE.NUMBER, NUMBER.I32)
      this.#view.setInt32(at + 1, value, true)
      this.#at = at + 5
    } else if (value > 0xff) {
      bytes[at] = tagOf(TYPE.NUMBER, NUMBER.U16)
      bytes[at + 1] = value
      bytes[at + 2] = value >> 8
      this.#at = at + 3
    } else if (value > 0) {
      bytes[at] = tagOf(TYPE.NUMBER, NUMBER.U8)
      bytes[at + 1] = value
      this.#at = at + 2
    } else {
      bytes[at] = tagOf(TYPE.NUMBER, NUMBER.ZERO)
      this.#at = at + 1
    }
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw refuse(value)
    if (BigInt.asIntN(53, value) === value) {
      this.#integer(Number(value))
      return
    }
    this.#bytes[this.#at] = tagOf(TYPE.NUMBER, NUMBER.I64)
    this.#view.setBigInt64(this.#at + 1, value, true)
    this.#at += 9
  }

  #double(value: number): void {
    this.#bytes[this.#at] = DOUBLE
    this.#view.setFloat64(this.#at + 1, value, true)
    this.#at += 9
  }

  #pointer(address: bigint): void {
    this.#bytes[this.#at] = tagOf(TYPE.POINTER, 0)
    this.#view.setBigUint64(this.#at + 1, address, true)
    this.#at += 9
  }

  #string(text: string): void {
    const { length } = text
    if (length <= COOKIE_MAX && this.#ascii(text, length)) return
    const size = Buffer.byteLength(text)
    this.#head(size)
    this.#bytes.write(text, this.#at, 'utf8')
    this.#at += size
  }

  /** Most strings are short keys and words: a call into C++ costs more than a loop. */
  #ascii(text: string, length: number): boolean {
    if (this.#at + COOKIE_MAX + SLACK > this.#bytes.length) this.#grow(COOKIE_MAX + SLACK)
    const bytes = this.#bytes
    const at = this.#at + 1
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      bytes[at + i] = unit
    }
    bytes[at - 1] = tagOf(TYPE.SHORT_STRING, length)
    this.#at = at + length
    return true
  }

  /** The tag of a string of `size` bytes, and room for them. */
  #head(size: number): void {
    this.#reserve(size + SLACK)
    const at = this.#at
    if (size <= COOKIE_MAX) {
      this.#bytes[at] = tagOf(TYPE.SHORT_STRING, size)
      this.#at = at + 1
    } else if (size <= U16_MAX) {
      this.#bytes[at] = tagOf(TYPE.LONG_STRING, 2)
      this.#view.setUint16(at + 1, size, true)
      this.#at = at + 3
    } else {
      this.#bytes[at] = tagOf(TYPE.LONG_STRING, 4)
      this.#view.setUint32(at + 1, size, true)
      this.#at = at + 5
    }
  }

  #object(object: object, depth: number): void {
    // Most are: the other questions take longer.
    if (getPrototypeOf(object) === objectPrototype) {
      this.#plain(object as Record<string, unknown>, depth + 1)
    } else if (Array.isArray(object)) this.#array(object, depth + 1)
    else if (object instanceof LuaFloat) this.#double(object.value)
    else if (types.isUint8Array(object)) this.#binary(object)
    else if (types.isMap(object)) this.#map(object, depth + 1)
    else if (object instanceof LuaPointer) this.#pointer(object.address)
    else if (isPlain(object)) this.#plain(object as Record<string, unknown>, depth + 1)
    else throw refuse(object)
  }

  #binary(data: Uint8Array): void {
    this.#head(data.length)
    this.#bytes.set(data, this.#at)
    this.#at += data.length
  }

  /** The tag of a table with so many values in its array part. */
  #table(length: number): void {
    this.#bytes[this.#at++] = tagOf(TYPE.TABLE, Math.min(length, COOKIE_MAX))
    if (length >= COOKIE_MAX) this.#integer(length)
  }

  #end(): void {
    if (this.#at === this.#bytes.length) this.#grow(SLACK)
    this.#bytes[this.#at++] = NIL
  }

  #array(array: readonly unknown[], depth: number): void {
    const { length } = array
    this.#table(length)
    let i = 0
    try {
      for (; i < length; i++) this.#value(array[i], depth)
    } catch (error) {
      throw passing(error, indexStep(i))
    }
    this.#end()
  }

  #plain(object: Record<string, unknown>, depth: number): void {
    this.#table(0)
    let key = ''
    try {
      for (key in object) {
        if (!owns.call(object, key)) continue
        const value = object[key]
        // A table has no nils.
        if (value === undefined || value === null) continue
        this.#string(key)
        this.#value(value, depth)
      }
    } catch (error) {
      throw passing(error, keyStep(key))
    }
    this.#end()
  }

  /** Keys from 1 on are the array part, as far as there is none missing. */
  #map(map: ReadonlyMap<unknown, unknown>, depth: number): void {
    let length = 0
    while ((map.get(length + 1) ?? null) !== null) length++
    this.#table(length)
    let key: unknown = 1
    let index = 0
    try {
      for (let n = 1; n <= length; n++) {
        key = n
        this.#value(map.get(n), depth)
      }
      for (const entry of map) {
        key = entry[0]
        const value = entry[1]
        if (value !== undefined && value !== null && !isPlaced(key, length)) {
          this.#value(asKey(key), depth)
          this.#value(value, depth)
        }
        index++
      }
    } catch (error) {
      throw passing(error, mapStep(key, index))
    }
    this.#end()
  }

  #reserve(size: number): void {
    if (this.#at + size > this.#bytes.length) this.#grow(size)
  }

  #grow(size: number): void {
    const wanted = this.#at + size
    if (wanted > MESSAGE_BYTES_MAX) throw tooLarge(wanted)
    const old = this.#bytes
    let length = old.length * 2
    while (length < wanted) length *= 2
    this.#allocate(length)
    this.#bytes.set(old.subarray(0, this.#at))
  }

  #allocate(size: number): void {
    const memory = new ArrayBuffer(size)
    this.#bytes = Buffer.from(memory)
    this.#view = new DataView(memory)
  }
}

/** One of another realm is as good. */
function isPlain(object: object): boolean {
  const prototype: unknown = getPrototypeOf(object)
  return prototype === null || getPrototypeOf(prototype) === null
}

/** Is it the key of a value in an array part of that length? */
const isPlaced = (key: unknown, length: number): boolean =>
  Number.isInteger(key) && (key as number) > 0 && (key as number) <= length

/** Lua has no key that is nil or NaN, and a whole float is the integer of its value. */
function asKey(key: unknown): unknown {
  if (key === undefined || key === null || Number.isNaN(key)) throw refuse(key)
  return key instanceof LuaFloat ? asKey(key.value) : key
}

let spare: Writer | undefined

/**
 * The bytes of these values, one after the other, as `skynet.pack` of the original makes them.
 *
 * @throws {SkynetError} `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP` (32 tables, as there),
 * `ERR_MESSAGE_TOO_LARGE`; what a getter of a value throws.
 */
export function packValues(values: readonly unknown[]): Buffer {
  checkArray('pack', 'values', values)
  // A getter of a value may pack something itself: then there is none to spare.
  const writer = spare ?? new Writer()
  spare = undefined
  try {
    return writer.pack(values)
  } finally {
    if (!writer.isLarge) spare = writer
  }
}
