/** A packed message between a link and the services here. */

/** Its value is `bytes[at .. at + length)`. Valid during the call only, unless it is given. */
export interface Packed {
  readonly type: number
  /** Of what leaves, the number of a service of the peer, 0 by name; else that of one here. */
  readonly to: number
  /** The other one of the two. 0: nobody. */
  readonly source: number
  readonly session: number
  /** Of a request, how long its answer is wanted; 0: nobody has said. */
  readonly ms: number
  readonly bytes: Buffer
  readonly at: number
  readonly length: number
  /** The bytes may be kept. */
  readonly isGiven?: boolean
}

/** One object for all messages. */
export class PackedSlot implements Packed {
  type = 0
  to = 0
  source = 0
  session = 0
  ms = 0
  bytes: Buffer = NO_BYTES
  at = 0
  length = 0
  isGiven = false

  set(
    type: number,
    to: number,
    source: number,
    session: number,
    ms: number,
    bytes: Buffer,
    at: number,
    length: number,
    isGiven = false,
  ): this {
    this.type = type
    this.to = to
    this.source = source
    this.session = session
    this.ms = ms
    this.bytes = bytes
    this.at = at
    this.length = length
    this.isGiven = isGiven
    return this
  }
}

const NO_BYTES = Buffer.alloc(0)
