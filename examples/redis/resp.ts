/**
 * RESP2, the protocol of Redis: commands to bytes, bytes to replies. The parser trusts nobody: it
 * keeps no more than has come, and has a limit for each size that the server names.
 */
import type { AnswerSink, ChunkParser, Data } from 'skynet-ts/channel'

/** What Redis answers. Bulk strings are UTF-8; an integer beyond 2^53 is a bigint. */
export type Reply = string | number | bigint | null | RedisError | Reply[]

/** An error that Redis answers: `WRONGTYPE Operation against …`. Inside of a list it is a value. */
export class RedisError extends Error {
  override readonly name = 'RedisError'

  /** `WRONGTYPE`, `NOAUTH`, `ERR`. */
  get kind(): string {
    return this.message.split(' ', 1)[0]!
  }
}

/** What no server of Redis sends. The connection is of no use then. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** Arguments of a command. Numbers go as their text. */
export type Argument = string | number | bigint | Uint8Array

/** A command as it goes out: one text, or pieces when there are bytes in it. */
export function encode(words: readonly Argument[]): Data {
  let text = `*${words.length}\r\n`
  const pieces: (string | Uint8Array)[] = []
  for (const word of words) {
    if (typeof word === 'object') {
      pieces.push(`${text}$${word.length}\r\n`, word)
      text = '\r\n'
    } else {
      const shown = typeof word === 'string' ? word : `${word}`
      text += `$${Buffer.byteLength(shown)}\r\n${shown}\r\n`
    }
  }
  return pieces.length === 0 ? text : [...pieces, text]
}

/** Lists within lists. */
export const DEPTH_MAX = 32
/** Elements of one list. */
export const ELEMENTS_MAX = 1024 * 1024
/** Of a bulk string, and of all of one reply. */
export const REPLY_BYTES_MAX = 256 * 1024 * 1024
/** Of a status or an error. */
export const LINE_BYTES_MAX = 16 * 1024
/** Of an integer or a length: more digits than 64 bits have. */
const DIGITS_MAX = 20

const CR = 13
const LF = 10
const PLUS = 43
const MINUS = 45
const ZERO = 48
const STATUS = PLUS
const ERROR = MINUS
const INTEGER = 58
const BULK = 36
const LIST = 42
const NOTHING: Buffer = Buffer.alloc(0)

/** A list whose elements are still to come. */
interface Open {
  readonly items: Reply[]
  left: number
}

export class RespParser implements ChunkParser {
  readonly #answers: AnswerSink<Reply>
  /** What is looked at; up to `#at` it was understood. */
  #bytes = NOTHING
  #at = 0
  /** Where the line ends that `#integer` has read; 0: its end has not come. */
  #lineEnd = 0
  /** A bulk string that has come in part: how many bytes it needs, and how many are in `#bytes`. */
  #needed = 0
  #have = 0
  /** The lists that the next value is in. */
  readonly #open: Open[] = []
  /** Bytes of the reply that is under way, as far as they were understood. */
  #replyBytes = 0

  constructor(answers: AnswerSink<Reply>) {
    this.#answers = answers
  }

  take(chunk: Buffer): void {
    if (this.#needed > 0) {
      const rest = this.#fill(chunk)
      if (rest === undefined) return
      this.#see(rest)
    } else {
      const { length } = this.#bytes
      const isWhole = this.#at === length
      this.#see(isWhole ? chunk : Buffer.concat([this.#bytes.subarray(this.#at), chunk]))
    }
    while (this.#next());
    if (this.#at === this.#bytes.length && this.#needed === 0) this.#see(NOTHING)
  }

  #see(bytes: Buffer): void {
    this.#bytes = bytes
    this.#at = 0
  }

  /**
   * More of a bulk string. It grows with what comes, whatever length the server has named.
   *
   * @returns What comes behind it; undefined: it is not whole.
   */
  #fill(chunk: Buffer): Buffer | undefined {
    const needed = this.#needed
    const taken = Math.min(chunk.length, needed - this.#have)
    const have = this.#have + taken
    if (have > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(needed, Math.max(have, this.#bytes.length * 2)))
      this.#bytes.copy(larger, 0, 0, this.#have)
      this.#bytes = larger
    }
    chunk.copy(this.#bytes, this.#have, 0, taken)
    this.#have = have
    if (have < needed) return undefined
    this.#needed = 0
    this.#at = 0
    this.#bulk(0, needed - 2)
    return chunk.subarray(taken)
  }

  /** Understand one more value, or the head of a list. False: it has not come whole. */
  #next(): boolean {
    const at = this.#at
    switch (this.#bytes[at]) {
      case undefined:
        return false
      case BULK:
        return this.#bulkHead(this.#integer(at + 1))
      case INTEGER:
        return this.#end(this.#integer(at + 1))
      case STATUS:
        return this.#status()
      case ERROR:
        return this.#error()
      case LIST:
        return this.#listHead(this.#integer(at + 1))
      default:
        throw new ProtocolError(`no reply begins with byte ${this.#bytes[at]}`)
    }
  }

  /** @returns 0 as well when the line has not come whole: then `#lineEnd` is 0. */
  #integer(begin: number): number | bigint {
    const bytes = this.#bytes
    const sign = bytes[begin]
    const first = sign === MINUS || sign === PLUS ? begin + 1 : begin
    let value = 0
    let at = first
    this.#lineEnd = 0
    for (; at < bytes.length && bytes[at] !== CR; at++) {
      const digit = bytes[at]! - ZERO
      if (digit < 0 || digit > 9 || at - first >= DIGITS_MAX)
        throw new ProtocolError('a bad number')
      value = value * 10 + digit
    }
    if (at + 1 >= bytes.length) return 0
    if (at === first || bytes[at + 1] !== LF) throw new ProtocolError('a bad number')
    this.#lineEnd = at + 2
    if (value > Number.MAX_SAFE_INTEGER) return BigInt(bytes.toString('latin1', begin, at))
    return sign === MINUS ? 0 - value : value
  }

  /** A value that ends with the line of a number. */
  #end(value: Reply): boolean {
    if (this.#lineEnd === 0) return false
    return this.#done(value, this.#lineEnd)
  }

  #bulkHead(length: number | bigint): boolean {
    const begin = this.#lineEnd
    if (begin === 0) return false
    if (length === -1) return this.#done(null, begin)
    if (typeof length !== 'number' || length < 0 || length > REPLY_BYTES_MAX) {
      throw new ProtocolError(`a bulk string of ${length} bytes`)
    }
    if (begin + length + 2 <= this.#bytes.length) return this.#bulk(begin, length)
    this.#needed = length + 2
    this.#have = this.#bytes.length - begin
    // A copy: it will grow, and must not hold all that came before it.
    this.#see(Buffer.from(this.#bytes.subarray(begin)))
    return false
  }

  #bulk(begin: number, length: number): boolean {
    const bytes = this.#bytes
    const end = begin + length
    if (bytes[end] !== CR || bytes[end + 1] !== LF)
      throw new ProtocolError('a bulk string without an end')
    return this.#done(bytes.toString('utf8', begin, end), end + 2)
  }

  #status(): boolean {
    const line = this.#line()
    return line !== undefined && this.#done(line, this.#lineEnd)
  }

  #error(): boolean {
    const line = this.#line()
    return line !== undefined && this.#done(new RedisError(line), this.#lineEnd)
  }

  #line(): string | undefined {
    const bytes = this.#bytes
    const begin = this.#at + 1
    const end = bytes.indexOf(CR, begin)
    if ((end < 0 ? bytes.length : end) - begin > LINE_BYTES_MAX)
      throw new ProtocolError('a line too long')
    if (end < 0 || end + 1 === bytes.length) return undefined
    if (bytes[end + 1] !== LF) throw new ProtocolError('a line without an end')
    this.#lineEnd = end + 2
    return bytes.toString('utf8', begin, end)
  }

  #listHead(count: number | bigint): boolean {
    const begin = this.#lineEnd
    if (begin === 0) return false
    if (count === -1) return this.#done(null, begin)
    if (count === 0) return this.#done([], begin)
    if (typeof count !== 'number' || count < 0 || count > ELEMENTS_MAX) {
      throw new ProtocolError(`a list of ${count} elements`)
    }
    if (this.#open.length === DEPTH_MAX) throw new ProtocolError(`lists ${DEPTH_MAX} deep`)
    this.#open.push({ items: [], left: count })
    this.#count(begin)
    return true
  }

  /** Up to `end` it is understood. */
  #count(end: number): void {
    this.#replyBytes += end - this.#at
    this.#at = end
    if (this.#replyBytes > REPLY_BYTES_MAX) throw new ProtocolError('a reply too large')
  }

  #done(value: Reply, end: number): boolean {
    this.#count(end)
    const open = this.#open
    let whole = value
    while (open.length > 0) {
      const list = open[open.length - 1]!
      list.items.push(whole)
      if (--list.left > 0) return true
      open.pop()
      whole = list.items
    }
    this.#replyBytes = 0
    if (whole instanceof RedisError) this.#answers.failure(whole)
    else this.#answers.answer(whole)
    return true
  }
}
