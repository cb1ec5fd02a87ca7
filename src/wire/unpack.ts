/** Bytes → values. Never trusts the bytes; the format is in `tags.ts`. */
import { SkynetError } from '../base/errors.ts'
import { MESSAGE_DEPTH_MAX, RING_PAYLOAD_BYTES_MAX } from '../base/limits.ts'
import { Makers } from './makers.ts'
import { expectNumber, isNumeric, NO_NUMBERS } from './numbers.ts'
import { type Binder, UNBOUND } from './service-id.ts'
import {
  HEAD,
  HEAD_MAX,
  isCode,
  isErrorShape,
  isSkynetIndex,
  makeError,
  makeView,
  PART,
  setErrorPart,
  setProto,
  stretch,
  TAG,
  VALUE_PARTS,
  VIEWS,
} from './tags.ts'

/** Strings up to this length are looked up in the cache; longer ones are made by C++. */
const CACHED_MAX = 24
/** Slots of the cache: a power of two. Keys and words of a protocol come again and again. */
const CACHE_SLOTS = 1024
/** An array is made at full length at once only when it is this short. */
const PREALLOCATED_MAX = 1024

/** `@types/node` does not know these; they cost a third of `toString(encoding)`. */
type Slices = Buffer & {
  latin1Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}

const NO_BYTES = Buffer.alloc(0) as Slices
const NO_VIEW = new DataView(NO_BYTES.buffer)

/** One reader a thread is enough: no code of a user runs while it reads. */
class Reader {
  #bytes: Slices = NO_BYTES
  #view: DataView<ArrayBufferLike> = NO_VIEW
  /** What the view is of: to ask a Buffer for its memory is a call into C++. */
  #viewed: Buffer = NO_BYTES
  #at = 0
  #end = 0
  #head = 0
  /** Objects by number; undefined in a message without references. */
  #objects: object[] | undefined
  #binder = UNBOUND
  /** The last string of each hash. Only saves an allocation: what is found is compared. */
  readonly #cache: string[] = new Array<string>(CACHE_SLOTS).fill('')

  readonly #makers = new Makers()

  read(bytes: Buffer, at: number, length: number, binder: Binder): unknown {
    if (!(at >= 0 && length >= 0 && at + length <= bytes.length))
      throw new RangeError(`Cannot unpack ${length} bytes at ${at} of ${bytes.length}`)
    if (this.#viewed !== bytes) {
      this.#viewed = bytes
      this.#view = new DataView(bytes.buffer, bytes.byteOffset)
    }
    this.#bytes = bytes as Slices
    this.#at = at
    this.#end = at + length
    this.#binder = binder
    try {
      const head = this.#byte()
      if (head > HEAD_MAX) throw this.#malformed('unknown head')
      this.#head = head
      this.#objects = (head & HEAD.REFERENCES) === 0 ? undefined : []
      const value = this.value(0)
      if (this.#at !== this.#end) throw this.#malformed('bytes after the value')
      return value
    } finally {
      this.#bytes = NO_BYTES
      this.#objects = undefined
      this.#binder = UNBOUND
      // A ring stays and so does its view; what came beside the ring must not be held.
      if (length > RING_PAYLOAD_BYTES_MAX) {
        this.#view = NO_VIEW
        this.#viewed = NO_BYTES
      }
    }
  }

  #malformed(reason: string): SkynetError {
    return new SkynetError('ERR_MESSAGE_MALFORMED', { at: this.#at, reason })
  }

  #byte(): number {
    if (this.#at >= this.#end) throw this.#malformed('ends too early')
    return this.#bytes[this.#at++]!
  }

  /** Steps over `size` bytes and returns where they start. */
  #skip(size: number): number {
    const at = this.#at
    if (size > this.#end - at) throw this.#malformed('ends too early')
    this.#at = at + size
    return at
  }

  #count(): number {
    return this.#view.getUint32(this.#skip(4), true)
  }

  value(depth: number): unknown {
    const tag = this.#byte()
    if (tag < TAG.SHORT_STRING) return tag
    if (tag < TAG.SHORT_ARRAY) return this.#latin1(tag - TAG.SHORT_STRING)
    if (tag < TAG.OBJECT) return this.#array(tag - TAG.SHORT_ARRAY, depth)
    if (tag === TAG.SHAPED) return this.#shaped(depth)
    if (tag === TAG.OBJECT) return this.#plain(depth)
    switch (tag) {
      case TAG.INT32:
        return this.#view.getInt32(this.#skip(4), true)
      case TAG.INT16:
        return this.#view.getInt16(this.#skip(2), true)
      case TAG.INT8:
        return (this.#byte() << 24) >> 24
      case TAG.DOUBLE:
        return this.#view.getFloat64(this.#skip(8), true)
      case TAG.TRUE:
        return true
      case TAG.FALSE:
        return false
      case TAG.NULL:
        return null
      case TAG.UNDEFINED:
        return undefined
      case TAG.LATIN8:
      case TAG.LATIN32:
      case TAG.WIDE8:
      case TAG.WIDE32:
        return this.#string(tag)
      case TAG.ARRAY:
        return this.#array(this.#count(), depth)
      default:
        return this.#rare(tag, depth)
    }
  }

  #rare(tag: number, depth: number): unknown {
    switch (tag) {
      case TAG.REF:
        return this.#reference()
      case TAG.BIGINT64:
        return this.#view.getBigInt64(this.#skip(8), true)
      case TAG.BIGINT:
        return this.#bigint()
      case TAG.DATE:
        return this.#met(new Date(this.#view.getFloat64(this.#skip(8), true)))
      case TAG.REGEXP:
        return this.#regexp()
      case TAG.MAP:
        return this.#mapEntries(depth)
      case TAG.SET:
        return this.#setValues(depth)
      case TAG.BUFFER:
        return this.#buffer()
      case TAG.VIEW:
        return this.#memory()
      case TAG.ERROR:
        return this.#error(depth)
      case TAG.SERVICE:
        return this.#service(this.#count())
      case TAG.NAMED:
        return this.#service(this.#text())
      default:
        throw this.#malformed(`unknown tag ${tag}`)
    }
  }

  /** One that byte 0 does not tell of would go to other nodes unseen. */
  #service(target: number | string): object {
    if ((this.#head & HEAD.SERVICES) === 0) throw this.#malformed('a service that nobody told of')
    return this.#met(this.#binder.bind(target))
  }

  /** Numbers an object as the packer did: before what is inside it. */
  #met<T extends object>(object: T): T {
    if (this.#objects !== undefined) this.#objects.push(object)
    return object
  }

  #reference(): object {
    const object = this.#objects?.[this.#count()]
    if (object === undefined) throw this.#malformed('reference to nothing')
    return object
  }

  #deeper(depth: number): number {
    if (depth >= MESSAGE_DEPTH_MAX) throw this.#malformed('nested too deep')
    return depth + 1
  }

  #text(): string {
    const tag = this.#byte()
    if (tag >= TAG.SHORT_STRING && tag < TAG.SHORT_ARRAY)
      return this.#latin1(tag - TAG.SHORT_STRING)
    return this.#string(tag)
  }

  #string(tag: number): string {
    if (tag === TAG.LATIN8) return this.#latin1(this.#byte())
    if (tag === TAG.LATIN32) return this.#latin1(this.#count())
    if (tag !== TAG.WIDE8 && tag !== TAG.WIDE32) throw this.#malformed('not a string')
    const size = (tag === TAG.WIDE8 ? this.#byte() : this.#count()) * 2
    const at = this.#skip(size)
    return this.#bytes.ucs2Slice(at, at + size)
  }

  #latin1(length: number): string {
    const at = this.#skip(length)
    const bytes = this.#bytes
    if (length > CACHED_MAX) return bytes.latin1Slice(at, at + length)
    if (length === 0) return ''
    // Keys differ at the ends, mostly: four bytes spread them as well as all would. The byte before
    // a string of one is its tag.
    const end = at + length
    const ends = bytes[end - 1]! * 31 + bytes[end - 2]! * 961
    const hash = ends + bytes[at]! * 127 + bytes[at + (length >> 1)]! * 8191 + length
    const slot = (hash ^ (hash >>> 10)) & (CACHE_SLOTS - 1)
    const found = this.#cache[slot]!
    if (found.length === length) {
      let i = 0
      while (i < length && found.charCodeAt(i) === bytes[at + i]) i++
      if (i === length) return found
    }
    const text = bytes.latin1Slice(at, end)
    this.#cache[slot] = text
    return text
  }

  #plain(depth: number): object {
    const inside = this.#deeper(depth)
    const object: Record<string, unknown> = this.#met({})
    let numbers = 0
    for (;;) {
      if (this.#at >= this.#end) throw this.#malformed('ends too early')
      if (this.#bytes[this.#at] === TAG.END) break
      const key = this.#text()
      if (numbers !== NO_NUMBERS)
        numbers = isNumeric(key) ? expectNumber(object, key, numbers) : NO_NUMBERS
      const value = this.value(inside)
      if (key === '__proto__') setProto(object, value)
      else object[key] = value
    }
    this.#at++
    return object
  }

  #shaped(depth: number): object {
    const inside = this.#deeper(depth)
    const size = this.#byte()
    const at = this.#skip(size)
    const known = this.#makers.find(this.#bytes, this.#view, at, size)
    if (known?.make !== undefined && this.#objects === undefined) return known.make(this, inside)
    const keys = known?.keys ?? this.#keys(at, size)
    const object: Record<string, unknown> = this.#met({})
    let numbers = 0
    for (const key of keys) {
      if (numbers !== NO_NUMBERS)
        numbers = isNumeric(key) ? expectNumber(object, key, numbers) : NO_NUMBERS
      const value = this.value(inside)
      if (key === '__proto__') setProto(object, value)
      else object[key] = value
    }
    return object
  }

  /** The keys in a block that was stepped over. */
  #keys(at: number, size: number): string[] {
    const keys: string[] = []
    this.#at = at
    while (this.#at < at + size) keys.push(this.#text())
    if (this.#at !== at + size) throw this.#malformed('keys beyond their size')
    this.#makers.add(this.#bytes, at, size, keys)
    return keys
  }

  #array(length: number, depth: number): unknown[] {
    const inside = this.#deeper(depth)
    const known = length <= PREALLOCATED_MAX && length <= this.#end - this.#at
    const array: unknown[] = this.#met(known ? new Array(length) : [])
    for (let i = 0; i < length; i++) {
      if (this.#at < this.#end && this.#bytes[this.#at] === TAG.HOLES) {
        i = this.#holes(i, length) - 1
      } else array[i] = this.value(inside)
    }
    if (array.length < length) stretch(array, length)
    return array
  }

  /** Returns the index after a run of holes. */
  #holes(from: number, length: number): number {
    this.#at++
    const count = this.#count()
    if (count === 0 || count > length - from) throw this.#malformed('too many holes')
    return from + count
  }

  #bigint(): bigint {
    const text = this.#text()
    const hex = text.startsWith('-') ? text.slice(1) : text
    if (!/^[0-9a-f]+$/.test(hex)) throw this.#malformed('not a bigint')
    try {
      const value = BigInt(`0x${hex}`)
      return hex === text ? value : -value
    } catch {
      throw this.#malformed('bigint too large')
    }
  }

  #regexp(): RegExp {
    const source = this.#text()
    const flags = this.#text()
    try {
      return this.#met(new RegExp(source, flags))
    } catch {
      throw this.#malformed('not a regular expression')
    }
  }

  #mapEntries(depth: number): Map<unknown, unknown> {
    const inside = this.#deeper(depth)
    const map = this.#met(new Map<unknown, unknown>())
    for (let left = this.#count(); left > 0; left--) {
      const key = this.value(inside)
      map.set(key, this.value(inside))
    }
    return map
  }

  #setValues(depth: number): Set<unknown> {
    const inside = this.#deeper(depth)
    const set = this.#met(new Set<unknown>())
    for (let left = this.#count(); left > 0; left--) set.add(this.value(inside))
    return set
  }

  #buffer(): ArrayBuffer {
    const length = this.#count()
    const at = this.#skip(length)
    const buffer = this.#met(new ArrayBuffer(length))
    new Uint8Array(buffer).set(this.#bytes.subarray(at, at + length))
    return buffer
  }

  #memory(): object {
    const index = this.#byte()
    const length = this.#count()
    const at = this.#skip(length)
    if (index >= VIEWS.length || length % (VIEWS[index]!.BYTES_PER_ELEMENT ?? 1) !== 0)
      throw this.#malformed('no such view')
    return this.#met(makeView(index, this.#bytes.subarray(at, at + length)))
  }

  #error(depth: number): Error {
    const inside = this.#deeper(depth)
    const index = this.#byte()
    const parts = this.#byte()
    if (!isErrorShape(index, parts)) throw this.#malformed('no such error')
    const name = parts & PART.name ? this.#text() : ''
    const message = parts & PART.message ? this.#text() : ''
    const stack = parts & PART.stack ? this.#text() : ''
    const error = this.#met(makeError({ index, parts, name, message, stack }))
    for (const part of VALUE_PARTS) {
      if ((parts & PART[part]) === 0) continue
      const value = this.value(inside)
      if (part === 'code' && isSkynetIndex(index) && !isCode(value))
        throw this.#malformed('unknown error code')
      setErrorPart(error, part, value)
    }
    return error
  }
}

const reader = new Reader()

/**
 * Read the message in `bytes[at .. at + length)`, which may be shared memory: the result owns its
 * memory, nothing of it depends on `bytes` afterwards.
 *
 * @param binder Whom it is for.
 * @throws {SkynetError} `ERR_MESSAGE_MALFORMED`, and nothing else, for any content of that range.
 * @throws {RangeError} When the range is not inside `bytes`.
 */
export function unpack(
  bytes: Buffer,
  at: number,
  length: number,
  binder: Binder = UNBOUND,
): unknown {
  return reader.read(bytes, at, length, binder)
}

/** What `unpack` has thrown, for who waits for that answer: what was asked may have run. */
export function unreadAnswer(error: unknown): SkynetError {
  const { info } = error as SkynetError<'ERR_MESSAGE_MALFORMED'>
  return new SkynetError('ERR_MESSAGE_MALFORMED', { ...info, sent: 'maybe' })
}
