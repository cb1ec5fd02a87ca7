/** Are bytes one value of MessagePack, and a bounded one? Asked before a library makes it. */
import type { SkynetError } from '../base/errors.ts'
import { CODEC_DEPTH_MAX } from '../base/limits.ts'
import { codecError } from './codec.ts'
import { CROWDED, NumberKeys } from './number-keys.ts'

/** What stands behind a tag. Of all but `skip` and `fixext` the size is that of a length. */
type Kind = 'skip' | 'block' | 'items' | 'pairs' | 'ext' | 'fixext' | 'unknown'
type Row = readonly [kind: Kind, size: number]

const rows = (kind: Kind, ...sizes: number[]): Row[] => sizes.map((size) => [kind, size])

/** Tags from 0xc0 on. Those below, and from 0xe0 on, have what they need in themselves. */
const ROWS: readonly Row[] = [
  ...rows('skip', 0), // nil
  ...rows('unknown', 0),
  ...rows('skip', 0, 0), // false, true
  ...rows('block', 1, 2, 4), // bytes
  ...rows('ext', 1, 2, 4),
  ...rows('skip', 4, 8), // floats
  ...rows('skip', 1, 2, 4, 8), // integers without a sign
  ...rows('skip', 1, 2, 4, 8), // and with one
  ...rows('fixext', 1, 2, 4, 8, 16),
  ...rows('block', 1, 2, 4), // text
  ...rows('items', 2, 4),
  ...rows('pairs', 2, 4),
]

const FIRST_ROW = 0xc0
const NEGATIVE = 0xe0
const FIRST_SHORT = 0xa0
const FIRST_INTEGER = 0xcc
const FIRST_SIGNED = 0xd0
const FIRST_TEXT = 0xd9
/** A point in time, and what msgpackr sends for undefined. Others make objects of its own. */
const EXTENSIONS = [0xff, 0]
const PROTO = Buffer.from('__proto__')

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

class Walk {
  readonly #bytes: Uint8Array
  #at = 0
  #hasNumbers = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  whole(): boolean {
    this.#value(0)
    if (this.#at < this.#bytes.length) throw this.#wrong('bytes after the value')
    return this.#hasNumbers
  }

  #wrong(reason: string): SkynetError<'ERR_CODEC'> {
    return codecError('msgpack', this.#at, reason)
  }

  /** Steps over `size` bytes and returns where they start. */
  #skip(size: number): number {
    const at = this.#at
    if (size > this.#bytes.length - at) throw this.#wrong('ends too early')
    this.#at = at + size
    return at
  }

  /** A number without a sign, in so many bytes. */
  #length(size: number): number {
    let at = this.#skip(size)
    let length = 0
    for (; at < this.#at; at++) length = length * 256 + this.#bytes[at]!
    return length
  }

  /** @param depth Arrays and maps around the value. */
  #value(depth: number): void {
    const tag = this.#bytes[this.#skip(1)]!
    if (tag < 0x80 || tag >= NEGATIVE) return
    if (tag < 0x90) this.#pairs(tag & 0x0f, depth)
    else if (tag < FIRST_SHORT) this.#items(tag & 0x0f, depth)
    else if (tag < FIRST_ROW) this.#skip(tag & 0x1f)
    else this.#row(ROWS[tag - FIRST_ROW]!, depth)
  }

  #row([kind, size]: Row, depth: number): void {
    switch (kind) {
      case 'skip':
        this.#skip(size)
        return
      case 'block':
        this.#skip(this.#length(size))
        return
      case 'items':
        this.#items(this.#length(size), depth)
        return
      case 'pairs':
        this.#pairs(this.#length(size), depth)
        return
      case 'fixext':
        this.#extension(size)
        return
      case 'ext':
        this.#extension(this.#length(size))
        return
      default:
        throw this.#wrong('no such tag')
    }
  }

  #extension(size: number): void {
    const type = this.#bytes[this.#skip(1)]!
    if (!EXTENSIONS.includes(type)) throw this.#wrong(`extension ${type} is not taken`)
    this.#skip(size)
  }

  #deeper(count: number, depth: number): number {
    if (depth >= CODEC_DEPTH_MAX) {
      throw this.#wrong(`nested deeper than ${CODEC_DEPTH_MAX} levels`)
    }
    // Each value takes a byte at least: no memory for those that cannot be there.
    if (count > this.#bytes.length - this.#at) throw this.#wrong('ends too early')
    return depth + 1
  }

  #items(count: number, depth: number): void {
    const inside = this.#deeper(count, depth)
    for (let left = count; left > 0; left--) this.#value(inside)
  }

  #pairs(count: number, depth: number): void {
    const inside = this.#deeper(count * 2, depth)
    const numbers = new NumberKeys()
    for (let left = count; left > 0; left--) {
      if (!numbers.add(this.#key())) throw this.#wrong(CROWDED)
      this.#value(inside)
    }
  }

  /**
   * Text, or an integer: what else may be a key in MessagePack is none of an object.
   *
   * @returns The integer, as it is in the map that is made of it; undefined for a text.
   */
  #key(): number | bigint | undefined {
    const tag = this.#bytes[this.#skip(1)]!
    if (tag < 0x80 || tag >= NEGATIVE) return this.#number((tag << 24) >> 24)
    const isShort = tag >= FIRST_SHORT && tag < FIRST_ROW
    const [kind, size] = ROWS[tag - FIRST_ROW] ?? ['unknown', 0]
    if (kind === 'skip' && tag >= FIRST_INTEGER) return this.#number(this.#integer(tag, size))
    if (!isShort && (kind !== 'block' || tag < FIRST_TEXT)) {
      throw this.#wrong('a key is no text and no integer')
    }
    const length = isShort ? tag & 0x1f : this.#length(size)
    const at = this.#skip(length)
    if (isDigit(this.#bytes[at]!)) this.#hasNumbers = true
    if (this.#isProto(at, length)) throw this.#wrong("a key is '__proto__'")
    return undefined
  }

  #number<T>(key: T): T {
    this.#hasNumbers = true
    return key
  }

  #integer(tag: number, size: number): number | bigint {
    const half = size === 8 ? 4 : size
    const sign = 2 ** (half * 8 - 1)
    let high = this.#length(half)
    if (tag >= FIRST_SIGNED && high >= sign) high -= sign * 2
    if (half === size) return high
    const low = this.#length(half)
    const value = high * 2 ** 32 + low
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low)
  }

  #isProto(at: number, length: number): boolean {
    return length === PROTO.length && PROTO.every((byte, i) => this.#bytes[at + i] === byte)
  }
}

/**
 * Only what follows from the number of bytes is made of them: no array longer than they are,
 * nothing deeper than 64, no objects with code of their own.
 *
 * @returns True when a key of a map may be a number, of whatever kind.
 * @throws {SkynetError} `ERR_CODEC`, and nothing else.
 */
export function checkMsgpack(bytes: Uint8Array): boolean {
  return new Walk(bytes).whole()
}
