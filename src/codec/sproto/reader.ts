/**
 * Bytes of a peer → objects. Nothing that the bytes say is believed before it is compared with the
 * bytes that are left, so what is made is never much more than what came.
 */

import { CODEC_DEPTH_MAX } from '../../base/limits.ts'
import { codecError } from '../codec.ts'
import { CROWDED, NumberKeys } from '../number-keys.ts'
import { isUtf8, memory } from './memory.ts'
import { type FieldPlan, FORM, type TypePlan, VALUE_KIND } from './plan.ts'

/** Texts up to this length are read by a loop: a call into C++ costs more. */
const LOOP_BYTES_MAX = 24
/** Bytes that the length of a block takes. */
const LENGTH = 4
/** An integer is a number as long as its upper half is below this: 2^53 / 2^32. */
const SAFE_UPPER_END = 2 ** 21
/** What stands for a byte that is no UTF-8. */
const REPLACED = '\ufffd'

/** For each such length a list, to be filled and made a text: letter by letter it would be many. */
const UNITS = Array.from({ length: LOOP_BYTES_MAX + 1 }, (_, size) =>
  new Array<number>(size).fill(0),
)

const NOTHING = memory.take(0)
const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)

type Made = Record<string, unknown>

export class SprotoReader {
  readonly #isWide: boolean
  #bytes: Buffer = NOTHING
  /** Where the latest struct ended. */
  #end = 0

  /** @param isWide Integers beyond 2^53 become a bigint, and are no error. */
  constructor(isWide: boolean) {
    this.#isWide = isWide
  }

  /** Where the latest struct ended: what stands behind it is nobody's, or the next one. */
  get end(): number {
    return this.#end
  }

  /**
   * Read a struct that begins at `at`. The bytes are not kept.
   *
   * @throws {SkynetError} `ERR_CODEC`
   */
  read(plan: TypePlan, bytes: Uint8Array, at: number): Made {
    this.#bytes = memory.view(bytes)
    try {
      return this.#struct(plan, at, bytes.length, 1)
    } finally {
      this.#bytes = NOTHING
    }
  }

  #struct(plan: TypePlan, begin: number, end: number, depth: number): Made {
    if (depth > CODEC_DEPTH_MAX) {
      throw malformed(begin, `${plan.name} is nested deeper than ${CODEC_DEPTH_MAX} levels`)
    }
    if (end - begin < 2) throw malformed(begin, `${plan.name} is cut`)
    const bytes = this.#bytes
    const { fields } = plan
    const wordsEnd = begin + 2 + (bytes[begin]! | (bytes[begin + 1]! << 8)) * 2
    if (wordsEnd > end) throw malformed(begin, `the words of ${plan.name} are cut`)
    const made: Made = {}
    let at = wordsEnd
    let tag = 0
    let next = 0
    for (let wordAt = begin + 2; wordAt < wordsEnd; wordAt += 2) {
      const word = bytes[wordAt]! | (bytes[wordAt + 1]! << 8)
      if ((word & 1) === 1) {
        tag += (word + 1) >> 1
        continue
      }
      const blockAt = at + LENGTH
      let size = 0
      if (word === 0) {
        size = this.#lengthAt(at, end)
        at = blockAt + size
      }
      while (next < fields.length && fields[next]!.tag < tag) next++
      const field = fields[next]
      // A tag that this schema does not know is of a newer one.
      if (field !== undefined && field.tag === tag) {
        const value =
          word === 0
            ? this.#block(field, blockAt, size, depth)
            : inWord(field, (word >> 1) - 1, wordAt)
        if (field.isPrototype) define(made, field.name, value)
        else made[field.name] = value
      }
      tag++
    }
    this.#end = at
    return made
  }

  /** The length that stands at `at`, of a block that must end before `end`. */
  #lengthAt(at: number, end: number): number {
    if (end - at < LENGTH) throw malformed(at, 'the length of a block is cut')
    const size = this.#int(at)
    if (size < 0 || size > end - at - LENGTH) throw malformed(at, 'a block is cut')
    return size
  }

  #block(field: FieldPlan, at: number, size: number, depth: number): unknown {
    if (field.form !== FORM.one) return this.#many(field, at, size, depth)
    return this.#one(field, at, size, depth)
  }

  #one(field: FieldPlan, at: number, size: number, depth: number): unknown {
    switch (field.kind) {
      case VALUE_KIND.integer:
        return this.#integer(field, at, size)
      case VALUE_KIND.decimal:
        return Number(this.#wideInteger(field, at, size)) / field.factor
      case VALUE_KIND.double:
        return this.#double(field, at, size)
      case VALUE_KIND.string:
        return this.#text(field, at, size)
      case VALUE_KIND.binary:
        return this.#copy(at, size)
      case VALUE_KIND.struct:
        return this.#whole(field.type!, at, size, depth)
      default:
        throw malformed(at, `${field.name} is a boolean, and has a block`)
    }
  }

  /** A struct that fills its block. */
  #whole(type: TypePlan, at: number, size: number, depth: number): Made {
    const made = this.#struct(type, at, at + size, depth + 1)
    if (this.#end !== at + size) throw malformed(this.#end, `${type.name} does not fill its block`)
    return made
  }

  #many(field: FieldPlan, at: number, size: number, depth: number): unknown {
    switch (field.form) {
      case FORM.keyed:
        return this.#keyed(field, at, size, depth)
      case FORM.dictionary:
        return this.#dictionary(field, at, size, depth)
      default:
        return this.#array(field, at, size, depth)
    }
  }

  #array(field: FieldPlan, at: number, size: number, depth: number): unknown[] {
    switch (field.kind) {
      case VALUE_KIND.integer:
      case VALUE_KIND.decimal:
      case VALUE_KIND.double:
        return this.#numbers(field, at, size)
      case VALUE_KIND.boolean: {
        const made: boolean[] = []
        for (let i = at; i < at + size; i++) made.push(this.#bytes[i] !== 0)
        return made
      }
      default: {
        const made: unknown[] = []
        for (let i = at; i < at + size; ) {
          const length = this.#lengthAt(i, at + size)
          i += LENGTH
          made.push(this.#one(field, i, length, depth))
          i += length
        }
        return made
      }
    }
  }

  /** One byte that says how wide all are, and then they. None at all: an empty array. */
  #numbers(field: FieldPlan, at: number, size: number): unknown[] {
    const made: unknown[] = []
    if (size <= 1) return made
    const width = this.#bytes[at]!
    if (width !== 4 && width !== 8) throw malformed(at, `${field.name} has items of ${width} bytes`)
    if ((size - 1) % width !== 0) throw malformed(at, `the last item of ${field.name} is cut`)
    for (let i = at + 1; i < at + size; i += width) {
      made.push(this.#one(field, i, width, 0))
    }
    return made
  }

  #keyed(field: FieldPlan, at: number, size: number, depth: number): Map<unknown, Made> {
    const made = new Map<unknown, Made>()
    const numbers = new NumberKeys()
    for (let i = at; i < at + size; ) {
      const length = this.#lengthAt(i, at + size)
      i += LENGTH
      const item = this.#whole(field.type!, i, length, depth)
      const key = this.#partOf(field, field.key!, item, i)
      if (!put(made, numbers, key, item)) throw malformed(i, CROWDED)
      i += length
    }
    return made
  }

  #dictionary(field: FieldPlan, at: number, size: number, depth: number): Map<unknown, unknown> {
    const made = new Map<unknown, unknown>()
    const numbers = new NumberKeys()
    for (let i = at; i < at + size; ) {
      const length = this.#lengthAt(i, at + size)
      i += LENGTH
      const pair = this.#whole(field.type!, i, length, depth)
      const key = this.#partOf(field, field.key!, pair, i)
      const value = this.#partOf(field, field.value!, pair, i)
      if (!put(made, numbers, key, value)) throw malformed(i, CROWDED)
      i += length
    }
    return made
  }

  /** What an item of a map must have: its key, or its value. */
  #partOf(field: FieldPlan, part: FieldPlan, item: Made, at: number): unknown {
    const value = Object.hasOwn(item, part.name) ? item[part.name] : undefined
    if (value === undefined) throw malformed(at, `an item of ${field.name} has no ${part.name}`)
    return value
  }

  #integer(field: FieldPlan, at: number, size: number): number | bigint {
    if (size === 4) return this.#int(at)
    const value = this.#wideInteger(field, at, size)
    if (typeof value === 'number' || this.#isWide) return value
    throw malformed(at, `${field.name} is ${value}, beyond 2^53: withBigInts() has it as a bigint`)
  }

  #wideInteger(field: FieldPlan, at: number, size: number): number | bigint {
    if (size === 4) return this.#int(at)
    if (size !== 8) throw malformed(at, `${field.name} is a number of ${size} bytes`)
    const upper = this.#int(at + 4)
    const lower = this.#int(at) >>> 0
    if (upper < SAFE_UPPER_END && upper >= -SAFE_UPPER_END) {
      const value = upper * 2 ** 32 + lower
      if (Number.isSafeInteger(value)) return value
    }
    return (BigInt(upper) << 32n) | BigInt(lower)
  }

  /** An integer in its place is one of the same bits, as in the original. */
  #double(field: FieldPlan, at: number, size: number): number {
    if (size !== 4 && size !== 8) throw malformed(at, `${field.name} is a number of ${size} bytes`)
    const bytes = this.#bytes
    for (let i = 0; i < size; i++) doubleBytes[i] = bytes[at + i]!
    if (size === 4) doubleBytes.fill(bytes[at + 3]! > 0x7f ? 0xff : 0, 4)
    return double[0]!
  }

  #text(field: FieldPlan, at: number, size: number): string {
    const bytes = this.#bytes
    if (size <= LOOP_BYTES_MAX) {
      const units = UNITS[size]!
      let i = 0
      for (; i < size; i++) {
        const byte = bytes[at + i]!
        if (byte > 0x7f) break
        units[i] = byte
      }
      if (i === size) return String.fromCharCode.apply(String, units)
    }
    const text = memory.text(bytes, at, at + size)
    if (text.includes(REPLACED) && !isUtf8(bytes.subarray(at, at + size))) {
      throw malformed(at, `${field.name} is no UTF-8: as 'binary' it may be any bytes`)
    }
    return text
  }

  #copy(at: number, size: number): Buffer {
    return memory.copy(this.#bytes.subarray(at, at + size))
  }

  #int(at: number): number {
    const bytes = this.#bytes
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }
}

/** @returns False: a key that is new has found too many in its place. */
function put<V>(made: Map<unknown, V>, numbers: NumberKeys, key: unknown, value: V): boolean {
  const before = made.size
  made.set(key, value)
  return made.size === before || numbers.add(key)
}

function inWord(field: FieldPlan, value: number, at: number): number | boolean {
  if (field.form === FORM.one) {
    if (field.kind === VALUE_KIND.integer) return value
    if (field.kind === VALUE_KIND.boolean) return value !== 0
    if (field.kind === VALUE_KIND.decimal) return value / field.factor
  }
  throw malformed(at, `${field.name} is in a word, where integers and booleans may be alone`)
}

function define(made: Made, name: string, value: unknown): void {
  Object.defineProperty(made, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}

const malformed = (at: number, reason: string) => codecError('sproto', at, reason)
