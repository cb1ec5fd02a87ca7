/**
 * The pushes of one session: those that wait for a connection with room, and those that have left
 * and are not acknowledged. Knows no connection.
 *
 * Why none is missing: a number is given when a push leaves, one after the other, and what has left
 * is kept until the client has acknowledged it. So what is kept is `acknowledged + 1` … `upTo`,
 * and a connection that begins behind what the client has gets all that it has not.
 */
import { encodeWire, FROM_SERVER } from '../../client/wire.ts'
import type { SessionCounters } from './session-counters.ts'
import type { SessionLimits } from './session-limits.ts'

/** Of a PUSH: its first byte, its number, the length of its name. */
const HEAD_BYTES_MAX = 1 + 8 + 4

interface Waiting {
  readonly name: string
  readonly body: Uint8Array
  /** At least what its message will have, and the key by which it is replaced. */
  readonly size: number
}

export class KeptPushes {
  /** Highest number that was given. */
  upTo = 0
  readonly #counters: SessionCounters
  readonly #max: number
  readonly #bytesMax: number
  /** In the order in which they leave: by number, those that may be replaced by name and key. */
  readonly #waiting = new Map<number | string, Waiting>()
  #nextKey = 0
  /** Messages that have left: the first one has the number `#acknowledged` + 1. */
  #kept: Uint8Array[] = []
  #acknowledged = 0
  /** Highest number that was sent on the connection of now. */
  #sent = 0
  #bytes = 0

  constructor(limits: SessionLimits, counters: SessionCounters) {
    this.#max = limits.pushesMax
    this.#bytesMax = limits.pushBytesMax
    this.#counters = counters
  }

  get count(): number {
    return this.#waiting.size + this.#kept.length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The client has them all, as it says. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /**
   * @param latest One that waits, of the same name and key, is replaced: the newer one is behind
   * all others.
   * @returns False: it was not taken, as that would be more than the limit.
   */
  add(name: string, body: Uint8Array, latest: string | undefined): boolean {
    const key = latest === undefined ? this.#nextKey++ : `${name.length} ${name}${latest}`
    const before = latest === undefined ? undefined : this.#waiting.get(key)
    const size = HEAD_BYTES_MAX + bytesOf(name) + body.length + bytesOf(latest ?? '')
    const bytes = this.#bytes + size - (before?.size ?? 0)
    if (bytes > this.#bytesMax || (before === undefined && this.count >= this.#max)) return false
    if (before !== undefined) {
      this.#waiting.delete(key)
      this.#counters.pushesReplaced++
    }
    this.#waiting.set(key, { name, body, size })
    this.#bytes = bytes
    return true
  }

  /** The next message for the connection; undefined: there is none. */
  next(): Uint8Array | undefined {
    if (this.#sent < this.upTo) return this.#kept[this.#sent++ - this.#acknowledged]
    for (const [key, { name, body, size }] of this.#waiting) {
      this.#waiting.delete(key)
      const message = encodeWire(FROM_SERVER, { kind: 'push', number: ++this.upTo, name, body })
      this.#bytes += message.length - size
      this.#kept.push(message)
      this.#sent = this.upTo
      return message
    }
    return undefined
  }

  /**
   * The client has all up to `number`.
   *
   * @returns False: it cannot have them.
   */
  acknowledge(number: number): boolean {
    if (number > this.upTo) return false
    const count = number - this.#acknowledged
    if (count <= 0) return true
    for (const message of this.#kept.splice(0, count)) this.#bytes -= message.length
    this.#acknowledged = number
    this.#sent = Math.max(this.#sent, number)
    return true
  }

  /** A connection begins: all that is not acknowledged leaves on it again. */
  rewind(): void {
    this.#sent = this.#acknowledged
  }
}

const bytesOf = (text: string): number => Buffer.byteLength(text)
