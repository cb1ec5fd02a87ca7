/**
 * Objects → bytes. A struct is the number of its words, the words, then blocks of data for the
 * words that are 0. The words come first, so their number must be known: each struct is looked at
 * once, and what its fields held waits on a stack until it is written.
 */
import { isUint8Array } from '../../base/bytes.ts'
import { isArray, refusal } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { CODEC_DEPTH_MAX, SPROTO_BYTES_MAX } from '../../base/limits.ts'
import { memory } from './memory.ts'
import { type FieldPlan, FORM, type TypePlan, VALUE_KIND } from './plan.ts'

/** Messages are written one behind the other into slabs: they are cut out, not copied. */
const SLAB_BYTES = 16 * 1024
/** Of a slab so much may be left over. */
const SLAB_REST_MIN = 512
/** Strings up to this length are written by a loop: a call into C++ costs more. */
const LOOP_CHARS_MAX = 24
/** Integers from here on need a block of their own. */
const WORD_VALUE_END = 0x7fff
/** Bytes that the length of a block takes. */
const LENGTH = 4
const INT64_END = 2 ** 63

const owns = Object.prototype.hasOwnProperty
const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)
const long = new BigInt64Array(1)
const longBytes = new Uint8Array(long.buffer)

export class SprotoWriter {
  #bytes = memory.takeAlone(SLAB_BYTES)
  /** Where the message begins that is written now, and how far it has come. */
  #begin = 0
  #at = 0
  /** What the fields hold of the structs under way: see above. */
  readonly #values: unknown[] = []
  #top = 0

  /** Begin a message. */
  begin(): void {
    if (this.#bytes.length - this.#at < SLAB_REST_MIN) this.#renew()
    this.#begin = this.#at
  }

  #renew(): void {
    this.#bytes = memory.takeAlone(SLAB_BYTES)
    this.#begin = 0
    this.#at = 0
  }

  /** Write a struct behind what the message has already. */
  put(plan: TypePlan, value: unknown): void {
    try {
      this.#struct(plan, value, 1)
      // A buffer that has grown has room for more.
      const size = this.#at - this.#begin
      if (size > SPROTO_BYTES_MAX) throw tooLarge(size)
    } catch (error) {
      this.#at = this.#begin
      this.#top = 0
      if (this.#bytes.length > SLAB_BYTES) this.#renew()
      this.#values.fill(undefined)
      throw error
    }
  }

  /** The message. Its bytes are the caller's; other messages lie beside them in the same memory. */
  end(): Buffer {
    const message = this.#bytes.subarray(this.#begin, this.#at)
    // A large one has memory of its own, and takes it along.
    if (this.#bytes.length > SLAB_BYTES) this.#renew()
    return message
  }

  #struct(plan: TypePlan, from: unknown, depth: number): void {
    if (typeof from !== 'object' || from === null || Array.isArray(from)) {
      throw refusal('type', `encode ${plan.name}`, 'value', 'an object', from)
    }
    const { fields } = plan
    const values = this.#values
    const base = this.#top
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i]!
      const isTheirs = !field.isInherited || owns.call(from, field.name)
      values[base + i] = isTheirs ? (from as Record<string, unknown>)[field.name] : undefined
    }
    this.#write(plan, depth)
  }

  /** Write a struct whose fields are on the stack, above `#top`. */
  #write(plan: TypePlan, depth: number): void {
    if (depth > CODEC_DEPTH_MAX) {
      throw new SkynetError('ERR_MESSAGE_TOO_DEEP', { path: plan.name, limit: CODEC_DEPTH_MAX })
    }
    const { fields } = plan
    const values = this.#values
    const base = this.#top
    let words = 0
    let last = -1
    for (let i = 0; i < fields.length; i++) {
      if (values[base + i] === undefined) continue
      const { tag } = fields[i]!
      words += tag - last > 1 ? 2 : 1
      last = tag
    }
    this.#top = base + fields.length
    let at = this.#at
    this.#reserve(2 + words * 2)
    this.#word(at, words)
    at += 2
    this.#at = at + words * 2
    last = -1
    for (let i = 0; i < fields.length; i++) {
      const value = values[base + i]
      if (value === undefined) continue
      values[base + i] = undefined
      const field = fields[i]!
      const gap = field.tag - last - 1
      if (gap > 0) {
        this.#word(at, gap * 2 - 1)
        at += 2
      }
      this.#word(at, this.#field(plan, field, value, depth))
      at += 2
      last = field.tag
    }
    this.#top = base
  }

  #word(at: number, word: number): void {
    const bytes = this.#bytes
    bytes[at] = word
    bytes[at + 1] = word >> 8
  }

  /** @returns What goes into the word of the field: 0 when it has got a block. */
  #field(plan: TypePlan, field: FieldPlan, value: unknown, depth: number): number {
    if (field.form !== FORM.one) {
      const begin = this.#open()
      this.#many(plan, field, value, depth)
      this.#close(begin)
      return 0
    }
    switch (field.kind) {
      case VALUE_KIND.integer:
        return this.#integer(integerOf(plan, field, value, 0))
      case VALUE_KIND.boolean:
        return booleanOf(plan, field, value, 0) ? 4 : 2
      case VALUE_KIND.decimal:
        return this.#integer(decimalOf(plan, field, value, 0))
      case VALUE_KIND.double:
        this.#reserve(LENGTH + 8)
        this.#length(8)
        this.#double(numberOf(plan, field, value, 0))
        return 0
      case VALUE_KIND.struct: {
        const begin = this.#open()
        this.#struct(field.type!, value, depth + 1)
        this.#close(begin)
        return 0
      }
      default:
        this.#text(plan, field, value, 0)
        return 0
    }
  }

  #integer(value: number | bigint): number {
    if (isInt32(value)) {
      if (value >= 0 && value < WORD_VALUE_END) return (value + 1) * 2
      this.#reserve(LENGTH + 4)
      this.#length(4)
      this.#int(value)
      return 0
    }
    this.#reserve(LENGTH + 8)
    this.#length(8)
    this.#long(value)
    return 0
  }

  #many(plan: TypePlan, field: FieldPlan, value: unknown, depth: number): void {
    if (field.form === FORM.dictionary) {
      this.#pairs(plan, field, value, depth)
      return
    }
    if (field.form === FORM.keyed && isMap(value)) {
      for (const item of value.values()) this.#item(field.type!, item, depth)
      return
    }
    if (!isArray(value)) {
      const expected = field.form === FORM.keyed ? 'a Map or an array' : 'an array'
      throw wrong(plan, field, value, 0, expected)
    }
    switch (field.kind) {
      case VALUE_KIND.integer:
      case VALUE_KIND.decimal:
        this.#integers(plan, field, value)
        return
      case VALUE_KIND.double:
        this.#doubles(plan, field, value)
        return
      case VALUE_KIND.boolean:
        this.#reserve(value.length)
        for (let i = 0; i < value.length; i++) {
          this.#bytes[this.#at++] = booleanOf(plan, field, value[i], i + 1) ? 1 : 0
        }
        return
      case VALUE_KIND.struct:
        for (let i = 0; i < value.length; i++) this.#item(field.type!, value[i], depth)
        return
      default:
        for (let i = 0; i < value.length; i++) this.#text(plan, field, value[i], i + 1)
    }
  }

  #item(type: TypePlan, item: unknown, depth: number): void {
    const begin = this.#open()
    this.#struct(type, item, depth + 1)
    this.#close(begin)
  }

  #pairs(plan: TypePlan, field: FieldPlan, value: unknown, depth: number): void {
    if (!isMap(value)) throw wrong(plan, field, value, 0, 'a Map')
    const type = field.type!
    const keyAt = type.fields[0] === field.key ? 0 : 1
    for (const [key, item] of value) {
      if (key === undefined || item === undefined) {
        throw wrong(plan, field, undefined, 0, 'a Map without undefined')
      }
      const begin = this.#open()
      this.#values[this.#top + keyAt] = key
      this.#values[this.#top + 1 - keyAt] = item
      this.#write(type, depth + 1)
      this.#close(begin)
    }
  }

  /** All have the width of the widest. An empty array has no width. */
  #integers(plan: TypePlan, field: FieldPlan, value: readonly unknown[]): void {
    if (value.length === 0) return
    const of = field.kind === VALUE_KIND.decimal ? decimalOf : integerOf
    let width = 4
    for (let i = 0; i < value.length && width === 4; i++) {
      if (!isInt32(of(plan, field, value[i], i + 1))) width = 8
    }
    this.#reserve(1 + value.length * width)
    this.#bytes[this.#at++] = width
    for (let i = 0; i < value.length; i++) {
      const each = of(plan, field, value[i], i + 1)
      if (width === 4) this.#int(each as number)
      else this.#long(each)
    }
  }

  #doubles(plan: TypePlan, field: FieldPlan, value: readonly unknown[]): void {
    if (value.length === 0) return
    this.#reserve(1 + value.length * 8)
    this.#bytes[this.#at++] = 8
    for (let i = 0; i < value.length; i++) {
      this.#double(numberOf(plan, field, value[i], i + 1))
    }
  }

  #text(plan: TypePlan, field: FieldPlan, value: unknown, index: number): void {
    if (field.kind === VALUE_KIND.binary) {
      if (!isUint8Array(value)) {
        throw wrong(plan, field, value, index, 'a Uint8Array')
      }
      this.#reserve(LENGTH + value.length)
      this.#length(value.length)
      this.#bytes.set(value, this.#at)
      this.#at += value.length
      return
    }
    if (typeof value !== 'string') throw wrong(plan, field, value, index, 'a string')
    if (value.length <= LOOP_CHARS_MAX && this.#ascii(value)) return
    if (!value.isWellFormed()) {
      throw wrong(plan, field, value, index, 'a string without half a surrogate pair')
    }
    const size = memory.sizeOf(value)
    this.#reserve(LENGTH + size)
    this.#length(size)
    memory.write(this.#bytes, value, this.#at, size)
    this.#at += size
  }

  /** @returns False: it is another text, and nothing is written. */
  #ascii(text: string): boolean {
    this.#reserve(LENGTH + LOOP_CHARS_MAX)
    const bytes = this.#bytes
    const at = this.#at + LENGTH
    const { length } = text
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      bytes[at + i] = unit
    }
    this.#length(length)
    this.#at += length
    return true
  }

  /** Leave room for the length of a block. */
  #open(): number {
    this.#reserve(LENGTH)
    this.#at += LENGTH
    return this.#at
  }

  #close(begin: number): void {
    const end = this.#at
    this.#at = begin - LENGTH
    this.#length(end - begin)
    this.#at = end
  }

  #length(length: number): void {
    this.#int(length)
  }

  #int(value: number): void {
    const bytes = this.#bytes
    const at = this.#at
    bytes[at] = value
    bytes[at + 1] = value >> 8
    bytes[at + 2] = value >> 16
    bytes[at + 3] = value >> 24
    this.#at = at + 4
  }

  #long(value: number | bigint): void {
    long[0] = BigInt(value)
    this.#eight(longBytes)
  }

  #double(value: number): void {
    double[0] = value
    this.#eight(doubleBytes)
  }

  #eight(from: Uint8Array): void {
    const bytes = this.#bytes
    const at = this.#at
    for (let i = 0; i < 8; i++) bytes[at + i] = from[i]!
    this.#at = at + 8
  }

  #reserve(count: number): void {
    if (this.#at + count > this.#bytes.length) this.#grow(count)
  }

  /** What is written stays where it is, so that nobody's positions change. */
  #grow(count: number): void {
    const size = this.#at - this.#begin + count
    if (size > SPROTO_BYTES_MAX) throw tooLarge(size)
    const grown = memory.takeAlone(Math.max(this.#bytes.length * 2, this.#at + count))
    grown.set(this.#bytes.subarray(this.#begin, this.#at), this.#begin)
    this.#bytes = grown
  }
}

const tooLarge = (bytes: number): SkynetError =>
  new SkynetError('ERR_MESSAGE_TOO_LARGE', { bytes, limit: SPROTO_BYTES_MAX })

const isMap = (value: unknown): value is ReadonlyMap<unknown, unknown> => value instanceof Map

/** -0 is 0 then. */
const isInt32 = (value: number | bigint): value is number =>
  typeof value === 'number' && (value | 0) === value

function integerOf(
  plan: TypePlan,
  field: FieldPlan,
  value: unknown,
  index: number,
): number | bigint {
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= -INT64_END && value < INT64_END) return value
  } else if (typeof value === 'bigint') {
    const number = Number(value)
    if (Number.isSafeInteger(number)) return number
    if (BigInt.asIntN(64, value) === value) return value
  }
  throw wrong(plan, field, value, index, 'a whole number of 64 bits')
}

/** Halves are rounded away from 0. */
function decimalOf(plan: TypePlan, field: FieldPlan, value: unknown, index: number): number {
  const scaled = numberOf(plan, field, value, index) * field.factor
  const whole = Math.trunc(scaled)
  const rest = scaled - whole
  const rounded = Math.abs(rest) < 0.5 ? whole : whole + Math.sign(rest)
  if (Math.abs(rounded) < INT64_END) return rounded
  throw wrong(plan, field, value, index, 'a number of 64 bits with its decimals')
}

function numberOf(plan: TypePlan, field: FieldPlan, value: unknown, index: number): number {
  if (typeof value === 'number') return value
  throw wrong(plan, field, value, index, 'a number')
}

function booleanOf(plan: TypePlan, field: FieldPlan, value: unknown, index: number): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(plan, field, value, index, 'true or false')
}

/** @param index Of an array, from 1 as Skynet's errors have it; 0: it is none. */
function wrong(
  plan: TypePlan,
  field: FieldPlan,
  value: unknown,
  index: number,
  expected: string,
): TypeError | RangeError {
  const name = index === 0 ? field.name : `${field.name}[${index - 1}]`
  return refusal('type', `encode ${plan.name}`, name, expected, value)
}
