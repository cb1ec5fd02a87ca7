/** Values → bytes. One Packer per thread; the format is in `tags.ts`. */
import assert from 'node:assert/strict'
import { MESSAGE_BYTES_MAX, MESSAGE_DEPTH_MAX } from '../base/limits.ts'
import {
  indexStep,
  keyStep,
  mapStep,
  passing,
  Refusal,
  refuse,
  tooDeep,
  tooLarge,
} from './refusal.ts'
import { type Shape, Shapes, shapeOf } from './shapes.ts'
import { areSimple } from './simple.ts'
import {
  bytesOf,
  errorParts,
  HEAD,
  indexesFrom,
  isContainer,
  KIND,
  kindOf,
  lengthOf,
  PART,
  patternOf,
  TAG,
  targetOf,
  VALUE_PARTS,
  type View,
} from './tags.ts'

/** Strings up to this length, SHORT_STRINGs, are written by a loop: a call into C++ costs more. */
const LOOP_MAX = 31
/** So many objects are looked up in a list, more in a Map. */
const LIST_MAX = 32
/** What every value may write without asking: a tag and a double, a short string, a header. */
const SLACK = 16
const SCRATCH_MIN = 8 * 1024
const SCRATCH_KEPT = 1024 * 1024
/** A scratch above SCRATCH_KEPT is given back after so many small messages in a row. */
const SMALL_RUN = 64

const { getPrototypeOf } = Object
const owns = Object.prototype.hasOwnProperty
const forEachInMap = Map.prototype.forEach
const forEachInSet = Set.prototype.forEach
const arrayPrototype = Array.prototype
const objectPrototype = Object.prototype
/** On a string that V8 stores with one byte per character this answers without looking. */
const WIDE = /[\u0100-\uffff]/

/** `@types/node` does not know these; they save the look at the name of an encoding. */
type Writes = Buffer<ArrayBuffer> & {
  latin1Write(text: string, at: number, size: number): number
  ucs2Write(text: string, at: number, size: number): number
}

export class Packer {
  #bytes = Buffer.alloc(0) as Writes
  #words = new Int32Array(0)
  #view = new DataView(new ArrayBuffer(0))
  #at = 0
  /** Objects of this message in the order of their first bytes, while they are few. */
  readonly #list: (object | undefined)[] = new Array<undefined>(LIST_MAX).fill(undefined)
  readonly #map = new Map<object, number>()
  #count = 0
  /** Of the message: bits of HEAD. */
  #head: number = HEAD.PLAIN
  readonly #shapes = new Shapes()
  #smallRun = 0
  #busy = false
  /** Packs what a getter sends while this packer is at work; its bytes are the latest ones. */
  #inner: Packer | undefined

  constructor() {
    this.#allocate(SCRATCH_MIN)
  }

  /** Holds the latest message until the next `pack`. Its ArrayBuffer is its own, offset 0. */
  get bytes(): Buffer {
    return this.#inner === undefined ? this.#bytes : this.#inner.bytes
  }

  /** The memory of `bytes` as 32-bit words, to copy small messages word by word. */
  get words(): Int32Array {
    return this.#inner === undefined ? this.#words : this.#inner.words
  }

  /**
   * Pack `value` into `bytes[0 .. returned length)`. Nothing of it is kept.
   *
   * @param root Names the value in the paths of errors.
   * @throws {SkynetError} `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP`,
   * `ERR_MESSAGE_TOO_LARGE`; what a getter of the value throws. The packer stays usable.
   */
  pack(value: unknown, root = 'message'): number {
    if (this.#busy) {
      this.#inner ??= new Packer()
      return this.#inner.pack(value, root)
    }
    this.#busy = true
    this.#at = 1
    this.#head = HEAD.PLAIN
    try {
      this.#value(value, 0)
      if (this.#at > MESSAGE_BYTES_MAX) throw tooLarge(this.#at)
      this.#bytes[0] = this.#head
    } catch (error) {
      throw error instanceof Refusal ? error.toError(root) : error
    } finally {
      this.#busy = false
      this.#inner = undefined
      this.#forget()
    }
    if (this.#bytes.length > SCRATCH_KEPT) this.#shrink()
    return this.#at
  }

  /**
   * As `pack`, of an array that was made for it: when all in it is simple there is no object that
   * may come again, and nothing that throws.
   *
   * @param array An array itself, without holes.
   */
  packMade(array: readonly unknown[], root: string): number {
    const isKept = this.#bytes.length <= SCRATCH_KEPT
    if (this.#busy || !isKept || !areSimple(array)) return this.pack(array, root)
    this.#bytes[0] = HEAD.PLAIN
    this.#at = 1
    this.#arrayHead(array.length)
    for (let i = 0; i < array.length; i++) this.#value(array[i], 1)
    return this.#at
  }

  #value(value: unknown, depth: number): void {
    if (this.#at + SLACK > this.#bytes.length) this.#grow(SLACK)
    switch (typeof value) {
      case 'string':
        this.#string(value)
        return
      case 'number':
        this.#number(value)
        return
      case 'object':
        if (value === null) this.#bytes[this.#at++] = TAG.NULL
        else this.#object(value, depth)
        return
      case 'boolean':
        this.#bytes[this.#at++] = value ? TAG.TRUE : TAG.FALSE
        return
      case 'undefined':
        this.#bytes[this.#at++] = TAG.UNDEFINED
        return
      case 'bigint':
        this.#bigint(value)
        return
      default:
        throw refuse(value)
    }
  }

  #number(value: number): void {
    const bytes = this.#bytes
    const at = this.#at
    const int = value | 0
    if (int !== value || (int === 0 && Object.is(value, -0))) {
      bytes[at] = TAG.DOUBLE
      this.#double(value)
    } else if (int >= 0 && int < 0x80) {
      bytes[at] = int
      this.#at = at + 1
    } else if (int >= -0x80 && int < 0x80) {
      bytes[at] = TAG.INT8
      bytes[at + 1] = int
      this.#at = at + 2
    } else if (int >= -0x8000 && int < 0x8000) {
      bytes[at] = TAG.INT16
      bytes[at + 1] = int
      bytes[at + 2] = int >> 8
      this.#at = at + 3
    } else this.#tagged(TAG.INT32, int)
  }

  #double(value: number): void {
    this.#view.setFloat64(this.#at + 1, value, true)
    this.#at += 9
  }

  /** A tag and 32 bits. */
  #tagged(tag: number, bits: number): void {
    const at = this.#at
    this.#bytes[at] = tag
    this.#view.setInt32(at + 1, bits, true)
    this.#at = at + 5
  }

  #string(text: string): void {
    const { length } = text
    if (length > LOOP_MAX) {
      this.#longString(text)
      return
    }
    if (this.#at + LOOP_MAX + SLACK > this.#bytes.length) this.#grow(LOOP_MAX + SLACK)
    const bytes = this.#bytes
    const at = this.#at + 1
    bytes[at - 1] = TAG.SHORT_STRING | length
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0xff) {
        this.#longString(text)
        return
      }
      bytes[at + i] = unit
    }
    this.#at = at + length
  }

  #longString(text: string): void {
    const { length } = text
    if (this.#at + length > MESSAGE_BYTES_MAX) throw tooLarge(this.#at + length)
    const wide = WIDE.test(text)
    const size = wide ? length * 2 : length
    this.#reserve(size + 5)
    if (length > 0xff) this.#tagged(wide ? TAG.WIDE32 : TAG.LATIN32, length)
    else {
      this.#bytes[this.#at] = wide ? TAG.WIDE8 : TAG.LATIN8
      this.#bytes[this.#at + 1] = length
      this.#at += 2
    }
    if (!wide) this.#bytes.latin1Write(text, this.#at, size)
    else if (length > LOOP_MAX) this.#bytes.ucs2Write(text, this.#at, size)
    else
      for (let i = 0; i < length; i++)
        this.#view.setUint16(this.#at + i * 2, text.charCodeAt(i), true)
    this.#at += size
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.#bytes[this.#at] = TAG.BIGINT64
      this.#view.setBigInt64(this.#at + 1, value, true)
      this.#at += 9
    } else {
      this.#bytes[this.#at++] = TAG.BIGINT
      this.#longString(value.toString(16))
    }
  }

  #object(object: object, depth: number): void {
    if (this.#isKnown(object)) return
    const prototype = getPrototypeOf(object)
    if (prototype === objectPrototype || prototype === null) {
      if (depth === MESSAGE_DEPTH_MAX) throw tooDeep()
      this.#plain(object as Record<string, unknown>, depth + 1)
    } else if (prototype === arrayPrototype && Array.isArray(object)) {
      if (depth === MESSAGE_DEPTH_MAX) throw tooDeep()
      this.#array(object, depth + 1)
    } else this.#builtIn(object, kindOf(object, prototype), depth)
  }

  #plain(object: Record<string, unknown>, depth: number): void {
    const shape = this.#shapes.of(object)
    if (shape !== undefined) {
      this.#shaped(object, shape, depth)
      return
    }
    this.#bytes[this.#at++] = TAG.OBJECT
    let key = ''
    try {
      for (key in object) {
        if (!owns.call(object, key)) continue
        this.#string(key)
        this.#value(object[key], depth)
      }
    } catch (error) {
      throw passing(error, keyStep(key))
    }
    if (this.#at === this.#bytes.length) this.#grow(SLACK)
    this.#bytes[this.#at++] = TAG.END
  }

  #shaped(object: Record<string, unknown>, shape: Shape, depth: number): void {
    const start = this.#at
    this.#header(shape)
    let { keys } = shape
    let count = 0
    let key = ''
    try {
      for (key in object) {
        if (!owns.call(object, key)) continue
        if (key !== keys[count]) {
          const left = keys.indexOf(key, count)
          if (left < 0) continue // a Proxy that changes its mind: keys are taken once
          keys = [...keys.slice(0, count), ...keys.slice(left)]
        }
        this.#value(object[key], depth)
        count++
      }
    } catch (error) {
      throw passing(error, keyStep(key))
    }
    if (count < keys.length) keys = keys.slice(0, count)
    if (keys !== shape.keys) this.#rename(start, shape, keys)
  }

  #header({ words, length }: Shape): void {
    const at = this.#at
    if (at + length + SLACK > this.#bytes.length) this.#grow(length + SLACK)
    const view = this.#view
    for (let i = 0; i < words.length; i++) view.setInt32(at + i * 4, words[i]!, true)
    this.#at = at + length
  }

  /** A getter took keys away: they are left out, as structured clone does. */
  #rename(start: number, shape: Shape, keys: readonly string[]): void {
    const values = Buffer.from(this.#bytes.subarray(start + shape.length, this.#at))
    this.#at = start
    this.#header(shapeOf(keys)!)
    this.#bytes.set(values, this.#at)
    this.#at += values.length
  }

  #array(array: readonly unknown[], depth: number): void {
    const length = lengthOf(array)
    if (length < 0) throw refuse(array)
    this.#arrayHead(length)
    let i = 0
    try {
      for (; i < length; i++) {
        const value = array[i]
        if (value === undefined && !owns.call(array, i)) break
        this.#value(value, depth)
      }
    } catch (error) {
      throw passing(error, indexStep(i))
    }
    if (i < length) this.#sparse(array, i, length, depth)
  }

  #arrayHead(length: number): void {
    if (length < 16) this.#bytes[this.#at++] = TAG.SHORT_ARRAY | length
    else this.#tagged(TAG.ARRAY, length)
  }

  /** The rest of an array from its first hole on. */
  #sparse(array: readonly unknown[], from: number, length: number, depth: number): void {
    let next = from
    for (const index of indexesFrom(array, from, length)) {
      if (!owns.call(array, index)) continue
      if (index > next) this.#holes(index - next)
      next = index + 1
      try {
        this.#value(array[index], depth)
      } catch (error) {
        throw passing(error, indexStep(index))
      }
    }
    if (length > next) this.#holes(length - next)
  }

  #holes(count: number): void {
    this.#reserve(5)
    this.#tagged(TAG.HOLES, count)
  }

  #builtIn(object: object, kind: number, depth: number): void {
    if (isContainer(kind) && depth === MESSAGE_DEPTH_MAX) throw tooDeep()
    if (kind === KIND.NONE) throw refuse(object)
    if (kind === KIND.PLAIN) this.#plain(object as Record<string, unknown>, depth + 1)
    else if (kind === KIND.ARRAY) this.#array(object as unknown[], depth + 1)
    else if (kind === KIND.DATE) {
      this.#bytes[this.#at] = TAG.DATE
      this.#double(Date.prototype.getTime.call(object))
    } else if (kind === KIND.REGEXP) {
      this.#bytes[this.#at++] = TAG.REGEXP
      const { source, flags } = patternOf(object)
      this.#string(source)
      this.#string(flags)
    } else if (kind === KIND.MAP) this.#mapEntries(object as Map<unknown, unknown>, depth + 1)
    else if (kind === KIND.SET) this.#setValues(object as Set<unknown>, depth + 1)
    else if (kind === KIND.ERROR) this.#error(object as Error, depth + 1)
    else if (kind === KIND.SERVICE) this.#service(object)
    else this.#memory(object as ArrayBuffer | View, kind)
  }

  #mapEntries(map: Map<unknown, unknown>, depth: number): void {
    // A snapshot, as structured clone takes: a getter inside may change the map.
    const entries: unknown[] = []
    forEachInMap.call(map, (value, key) => entries.push(key, value))
    this.#tagged(TAG.MAP, entries.length / 2)
    let i = 0
    try {
      for (; i < entries.length; i++) this.#value(entries[i], depth)
    } catch (error) {
      const step = i & 1 ? mapStep(entries[i - 1], i >> 1) : `.keys()[${i >> 1}]`
      throw passing(error, step)
    }
  }

  #setValues(set: Set<unknown>, depth: number): void {
    const values: unknown[] = []
    forEachInSet.call(set, (value) => values.push(value))
    this.#tagged(TAG.SET, values.length)
    let i = 0
    try {
      for (; i < values.length; i++) this.#value(values[i], depth)
    } catch (error) {
      throw passing(error, `.values()[${i}]`)
    }
  }

  #error(error: Error, depth: number): void {
    const given = errorParts(error)
    this.#bytes[this.#at] = TAG.ERROR
    this.#bytes[this.#at + 1] = given.index
    this.#bytes[this.#at + 2] = given.parts
    this.#at += 3
    if (given.parts & PART.name) this.#string(given.name)
    if (given.parts & PART.message) this.#string(given.message)
    if (given.parts & PART.stack) this.#string(given.stack)
    for (const part of VALUE_PARTS) {
      if ((given.parts & PART[part]) === 0) continue
      try {
        this.#value(given[part], depth)
      } catch (error) {
        throw passing(error, `.${part}`)
      }
    }
  }

  #service(id: object): void {
    this.#head |= HEAD.SERVICES
    const target = targetOf(id)
    if (target === undefined) throw refuse(id)
    if (typeof target === 'number') this.#tagged(TAG.SERVICE, target)
    else {
      this.#bytes[this.#at++] = TAG.NAMED
      this.#string(target)
    }
  }

  #memory(source: ArrayBuffer | View, kind: number): void {
    const bytes = bytesOf(source, kind)
    if (bytes === undefined) throw refuse(source)
    this.#reserve(bytes.byteLength + 6)
    if (kind >= KIND.VIEW) {
      this.#bytes[this.#at++] = TAG.VIEW
      this.#tagged(kind - KIND.VIEW, bytes.byteLength)
    } else this.#tagged(TAG.BUFFER, bytes.byteLength)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.byteLength
  }

  /** Writes a reference to an object met before; otherwise remembers it. */
  #isKnown(object: object): boolean {
    const count = this.#count
    const list = this.#list
    let id = -1
    if (count > LIST_MAX) id = this.#map.get(object) ?? -1
    else
      for (let i = 0; i < count; i++)
        if (list[i] === object) {
          id = i
          break
        }
    if (id >= 0) {
      this.#head |= HEAD.REFERENCES
      this.#tagged(TAG.REF, id)
      return true
    }
    if (count < LIST_MAX) list[count] = object
    else {
      if (count === LIST_MAX) for (let i = 0; i < LIST_MAX; i++) this.#map.set(list[i]!, i)
      this.#map.set(object, count)
    }
    this.#count = count + 1
    return false
  }

  /** Lets go of the objects of the message. */
  #forget(): void {
    const few = Math.min(this.#count, LIST_MAX)
    for (let i = 0; i < few; i++) this.#list[i] = undefined
    if (this.#count > LIST_MAX) this.#map.clear()
    this.#count = 0
  }

  /** Room for `size` bytes and the slack after them. Refuses before anything is copied. */
  #reserve(size: number): void {
    if (this.#at + size > MESSAGE_BYTES_MAX) throw tooLarge(this.#at + size)
    if (this.#at + size + SLACK > this.#bytes.length) this.#grow(size + SLACK)
  }

  #grow(room: number): void {
    const wanted = this.#at + room
    if (this.#at > MESSAGE_BYTES_MAX) throw tooLarge(this.#at)
    let size = this.#bytes.length
    while (size < wanted) size *= 2
    const { length } = this.#bytes
    const old = this.#bytes
    this.#allocate(Math.min(size, MESSAGE_BYTES_MAX + 1024))
    assert.ok(this.#bytes.length >= wanted && this.#bytes.length > length)
    this.#bytes.set(old.subarray(0, this.#at))
  }

  #shrink(): void {
    this.#smallRun = this.#at < SCRATCH_MIN ? this.#smallRun + 1 : 0
    if (this.#smallRun < SMALL_RUN) return
    const old = this.#bytes
    this.#allocate(SCRATCH_MIN)
    this.#bytes.set(old.subarray(0, this.#at))
    this.#smallRun = 0
  }

  #allocate(size: number): void {
    this.#bytes = Buffer.allocUnsafeSlow(size) as Writes
    this.#words = new Int32Array(this.#bytes.buffer)
    this.#view = new DataView(this.#bytes.buffer)
  }
}
