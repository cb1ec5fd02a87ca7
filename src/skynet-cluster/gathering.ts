/**
 * Messages of one connection that come in parts. A peer says how long a message will be, and may
 * lie: memory is taken for what has come, and for no more messages at a time than there may be.
 */

/** What may be unfinished on one connection. */
export interface GatheringLimits {
  /** Bytes of all messages together; so of each as well. */
  readonly bytes: number
  /** Messages, those that are broken included. */
  readonly messages: number
}

/** A message has come to its last part. */
export interface Gathered<Head> {
  /** Undefined: it had no begin. */
  readonly head: Head | undefined
  /** Undefined: it is not what its begin has said. */
  readonly message: Buffer | undefined
}

interface Begun<Head> {
  readonly head: Head | undefined
  readonly total: number
  length: number
  /** Grows with what comes; undefined: it is broken, and the rest of it is dropped. */
  bytes: Buffer | undefined
}

const NOTHING = Buffer.alloc(0)

export class Gathering<Head> {
  readonly #limits: GatheringLimits
  readonly #begun = new Map<number, Begun<Head>>()
  #bytes = 0

  constructor(limits: GatheringLimits) {
    this.#limits = limits
  }

  /** Messages that are not whole. */
  get size(): number {
    return this.#begun.size
  }

  has(session: number): boolean {
    return this.#begun.has(session)
  }

  /** False: too many are unfinished, and nothing more of this peer should be read. */
  begin(session: number, head: Head, total: number): boolean {
    const known = this.#begun.get(session)
    if (known !== undefined) {
      this.#break(known)
      return true
    }
    const bytes = total > this.#limits.bytes ? undefined : NOTHING
    return this.#add(session, { head, total, length: 0, bytes })
  }

  /** False: as `begin`. */
  part(session: number, bytes: Buffer): boolean {
    const begun = this.#begun.get(session)
    if (begun !== undefined) {
      this.#append(begun, bytes)
      return true
    }
    return this.#add(session, { head: undefined, total: 0, length: 0, bytes: undefined })
  }

  /** The last part. Undefined: nothing came before it. */
  last(session: number, bytes: Buffer): Gathered<Head> | undefined {
    const begun = this.#begun.get(session)
    if (begun === undefined) return undefined
    this.#append(begun, bytes)
    this.#begun.delete(session)
    this.#bytes -= begun.length
    const isWhole = begun.bytes !== undefined && begun.length === begun.total
    const message = isWhole ? begun.bytes!.subarray(0, begun.length) : undefined
    return { head: begun.head, message }
  }

  /** Nobody wants it any more. */
  forget(session: number): void {
    const begun = this.#begun.get(session)
    if (begun === undefined) return
    this.#begun.delete(session)
    this.#bytes -= begun.length
  }

  #add(session: number, begun: Begun<Head>): boolean {
    if (this.#begun.size >= this.#limits.messages) return false
    this.#begun.set(session, begun)
    return true
  }

  #append(begun: Begun<Head>, bytes: Buffer): void {
    if (begun.bytes === undefined || bytes.length === 0) return
    const length = begun.length + bytes.length
    if (length > begun.total || this.#bytes + bytes.length > this.#limits.bytes) {
      this.#break(begun)
      return
    }
    if (length > begun.bytes.length) begun.bytes = grown(begun, length)
    begun.bytes.set(bytes, begun.length)
    begun.length = length
    this.#bytes += bytes.length
  }

  #break(begun: Begun<Head>): void {
    this.#bytes -= begun.length
    begun.length = 0
    begun.bytes = undefined
  }
}

/** Room for `length` bytes, and as much again, if the message is to be so long. */
function grown({ bytes, total, length: kept }: Begun<unknown>, length: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.min(total, Math.max(length, kept * 2)))
  larger.set(bytes!.subarray(0, kept))
  return larger
}
