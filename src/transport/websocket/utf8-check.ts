/** Are bytes that come in pieces UTF-8? Known with the first byte that cannot be. */
import { isUtf8 } from 'node:buffer'

const CHARACTER_BYTES_MAX = 4

/** Bytes of the character that begins so; 0 for a byte that goes on with one. */
function bytesOf(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xc0) return 0
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

/** Some end makes a character of it. The lowest or the highest does, when any does. */
function mayBegin(begin: Buffer, wanted: number): boolean {
  const whole = Buffer.alloc(wanted, 0x80)
  begin.copy(whole)
  return isUtf8(whole) || isUtf8(whole.fill(0xbf, begin.length))
}

export class Utf8Check {
  /** The begin of a character of which not all has come: its first `#length` bytes. */
  readonly #begin = Buffer.alloc(CHARACTER_BYTES_MAX)
  #length = 0
  #wanted = 0

  /** @returns False: no text has these bytes in this place. Do not ask again then. */
  add(bytes: Buffer): boolean {
    let from = 0
    if (this.#length > 0) {
      from = Math.min(this.#wanted - this.#length, bytes.length)
      this.#length += bytes.copy(this.#begin, this.#length, 0, from)
      if (this.#length < this.#wanted) return this.#mayGoOn()
      if (!isUtf8(this.#begin.subarray(0, this.#length))) return false
      this.#length = 0
    }
    const end = this.#cutEnd(bytes, from)
    return isUtf8(bytes.subarray(from, end)) && (this.#length === 0 || this.#mayGoOn())
  }

  /** Nothing more comes. @returns False: a character is not whole. */
  end(): boolean {
    return this.#length === 0
  }

  #mayGoOn(): boolean {
    return mayBegin(this.#begin.subarray(0, this.#length), this.#wanted)
  }

  /** Keep the begin of a character at the end of `bytes`. @returns Where it begins. */
  #cutEnd(bytes: Buffer, from: number): number {
    const last = Math.max(from, bytes.length - CHARACTER_BYTES_MAX + 1)
    for (let at = bytes.length - 1; at >= last; at--) {
      const wanted = bytesOf(bytes[at]!)
      if (wanted === 0) continue
      if (wanted <= bytes.length - at) break
      this.#wanted = wanted
      this.#length = bytes.copy(this.#begin, 0, at)
      return at
    }
    return bytes.length
  }
}
