/**
 * Inflates short messages without zlib: to set that up takes ten times as long as to inflate a
 * hundred bytes, and leaves two kilobytes of garbage. Browsers compress all that they send, however
 * short it is.
 *
 * What is short has codes of its own seldom: blocks that are stored, and those with the fixed codes
 * (RFC 1951, 3.2.4 and 3.2.6) are done here. All else, also what is wrong, is left to zlib.
 */

/** What comes out may be so long. */
const OUT_BYTES_MAX = 4096
const STORED = 0
const FIXED = 1
const END_OF_BLOCK = 256
/** Bits of the longest fixed code. */
const CODE_BITS = 9
const DISTANCE_BITS = 5

let out: Buffer | undefined
let codes: Uint16Array | undefined

/** First code, its bits, first symbol, and how many follow each other. */
const FIXED_CODES = [
  [0b0011_0000, 8, 0, 144],
  [0b1_1001_0000, 9, 144, 112],
  [0b000_0000, 7, 256, 24],
  [0b1100_0000, 8, 280, 8],
] as const

/** By the next nine bits as they come: the symbol, and in the low four bits how many it takes. */
function codesByBits(): Uint16Array {
  const table = new Uint16Array(1 << CODE_BITS)
  for (const [first, bits, symbol, count] of FIXED_CODES) {
    for (let i = 0; i < count; i++) {
      const reversed = reverse(first + i, bits)
      for (let at = reversed; at < table.length; at += 1 << bits) {
        table[at] = ((symbol + i) << 4) | bits
      }
    }
  }
  return table
}

function reverse(code: number, bits: number): number {
  let reversed = 0
  for (let i = 0; i < bits; i++) reversed |= ((code >> i) & 1) << (bits - 1 - i)
  return reversed
}

interface Range {
  readonly base: number
  readonly extraBits: number
}

/** @param perStep So many ranges have the same number of extra bits. */
function rangesFrom(base: number, count: number, perStep: number): Range[] {
  const ranges: Range[] = []
  for (let i = 0, at = base; i < count; i++) {
    const extraBits = Math.max(0, Math.floor(i / perStep) - 1)
    ranges.push({ base: at, extraBits })
    at += 1 << extraBits
  }
  return ranges
}

/** By symbol - 257: the last one is the longest length alone. */
const LENGTHS: readonly Range[] = [...rangesFrom(3, 28, 4), { base: 258, extraBits: 0 }]
const DISTANCES: readonly Range[] = rangesFrom(1, 30, 2)

class Small {
  readonly #bytes: Uint8Array
  readonly #into: Buffer
  readonly #codes: Uint16Array
  readonly #endBits: number
  /** Bits that were read. Beyond the end: there were not as many. */
  #at = 0
  #length = 0

  constructor(bytes: Uint8Array, into: Buffer, table: Uint16Array) {
    this.#bytes = bytes
    this.#into = into
    this.#codes = table
    this.#endBits = bytes.length * 8
  }

  /** @returns Bytes that have come out; undefined: leave it to zlib. */
  run(): number | undefined {
    for (;;) {
      const head = this.#bits(3)
      const isLast = (head & 1) === 1
      const kind = head >> 1
      if (this.#at > this.#endBits) return undefined
      if (kind === STORED) {
        this.#at = (this.#at + 7) & ~7
        // The rest of the empty block that ends a message is not sent.
        if (this.#at === this.#endBits) return this.#length
        if (!this.#stored()) return undefined
      } else if (kind !== FIXED || !this.#fixed()) return undefined
      if (isLast) return this.#length
    }
  }

  #peek(): number {
    const bytes = this.#bytes
    const at = this.#at >> 3
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
    return word >> (this.#at & 7)
  }

  /** Up to 16. */
  #bits(count: number): number {
    const bits = this.#peek() & ((1 << count) - 1)
    this.#at += count
    return bits
  }

  #stored(): boolean {
    const length = this.#bits(16)
    const check = this.#bits(16)
    const from = this.#at >> 3
    if (length !== (check ^ 0xffff) || from + length > this.#bytes.length) return false
    if (this.#length + length > OUT_BYTES_MAX) return false
    this.#into.set(this.#bytes.subarray(from, from + length), this.#length)
    this.#length += length
    this.#at += length * 8
    return true
  }

  #fixed(): boolean {
    for (;;) {
      const code = this.#codes[this.#peek() & ((1 << CODE_BITS) - 1)]!
      this.#at += code & 15
      const symbol = code >> 4
      if (this.#at > this.#endBits) return false
      if (symbol === END_OF_BLOCK) return true
      if (symbol > END_OF_BLOCK) {
        if (!this.#copy(symbol)) return false
      } else if (this.#length === OUT_BYTES_MAX) return false
      else this.#into[this.#length++] = symbol
    }
  }

  #copy(symbol: number): boolean {
    const lengths = LENGTHS[symbol - END_OF_BLOCK - 1]
    if (lengths === undefined) return false
    const length = lengths.base + this.#bits(lengths.extraBits)
    const distances = DISTANCES[reverse(this.#bits(DISTANCE_BITS), DISTANCE_BITS)]
    if (distances === undefined) return false
    const distance = distances.base + this.#bits(distances.extraBits)
    if (this.#at > this.#endBits || distance > this.#length) return false
    if (this.#length + length > OUT_BYTES_MAX) return false
    const into = this.#into
    for (let i = 0; i < length; i++, this.#length++) {
      into[this.#length] = into[this.#length - distance]!
    }
    return true
  }
}

/**
 * @param bytes A message, without the four bytes that end each.
 * @returns Undefined: it is none of those that are done here.
 */
export function inflatedSmall(bytes: Uint8Array): Buffer | undefined {
  // What some send of a message of nothing.
  if (bytes.length === 0) return Buffer.alloc(0)
  out ??= Buffer.allocUnsafeSlow(OUT_BYTES_MAX)
  codes ??= codesByBits()
  const length = new Small(bytes, out, codes).run()
  return length === undefined ? undefined : Buffer.from(out.subarray(0, length))
}
