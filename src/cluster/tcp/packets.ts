/**
 * What goes over a connection between two nodes: packets, each a length (u32le, of what follows),
 * a kind and a body. They are read straight out of the chunks in which they came.
 */
import { SkynetError } from '../../base/errors.ts'
import { CLUSTER_PACKET_BYTES_MAX } from '../../base/limits.ts'
import { frameTooLarge } from '../../frames/frame-format.ts'
import { malformed } from '../../frames/framing.ts'

/** Kinds: the byte behind the length. They never change; new ones are added at the end. */
export const PACKET = {
  /** Who somebody says he is: hello.ts. */
  hello: 1,
  /** That he knows the secret. */
  proof: 2,
  /** Why there will be no connection: `REFUSAL`. */
  refusal: 3,
  /** Under which epoch the process at the other end is a node from now on. */
  self: 4,
  /** A frame of a link. */
  frame: 5,
  /** A beat of who sends it. */
  beat: 6,
  /** A beat that has come to the host of the store, passed on to all, and back. */
  echo: 7,
  /** A request to the store, its answer, and an entry that somebody watches. */
  ask: 8,
  answer: 9,
  entry: 10,
} as const
export type PacketKind = (typeof PACKET)[keyof typeof PACKET]

const LENGTH_BYTES = 4
/** In front of a body. */
export const PACKET_HEADER_BYTES = LENGTH_BYTES + 1
const CARRY_BYTES_MIN = 256
/** A body that is longer is copied once more, so that it leaves with its header in one call. */
const JOINED_BYTES_MIN = 8 * 1024

/** Gets the packets. `bytes[at..end)` is a body; it is the reader's again when the call returns. */
export type TakePacket = (kind: number, bytes: Buffer, at: number, end: number) => void

export class PacketReader {
  readonly #take: TakePacket
  /** Longest packet, its length not counted. Strangers get few bytes, see peer.ts. */
  limit: number
  /** Begin of a packet that came in pieces. */
  #carry: Buffer = Buffer.alloc(0)
  #carried = 0
  #isClosed = false

  constructor(limit: number, take: TakePacket) {
    this.limit = limit
    this.#take = take
  }

  /** Take no more: also what is behind the packet that is just handed out. */
  close(): void {
    this.#isClosed = true
    this.#carry = Buffer.alloc(0)
    this.#carried = 0
  }

  /** @throws {SkynetError} `ERR_FRAME_TOO_LARGE`, `ERR_FRAME_MALFORMED`; and what `take` throws. */
  push(chunk: Buffer): void {
    let at = this.#carried > 0 ? this.#goOn(chunk) : 0
    while (!this.#isClosed && chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + this.#lengthAt(chunk, at)
      if (end > chunk.length) break
      this.#take(chunk[at + LENGTH_BYTES]!, chunk, at + PACKET_HEADER_BYTES, end)
      at = end
    }
    if (at < chunk.length && !this.#isClosed) this.#keep(chunk, at, chunk.length)
  }

  /** The end of the stream. @throws {SkynetError} `ERR_FRAME_CUT` in the middle of a packet. */
  end(): void {
    if (this.#carried > 0) throw new SkynetError('ERR_FRAME_CUT', { received: this.#carried })
  }

  #lengthAt(bytes: Buffer, at: number): number {
    const length =
      (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
    if (length > this.limit) throw frameTooLarge(length, this.limit)
    if (length === 0) throw malformed('a packet without a kind')
    return length
  }

  /** The packet that had begun, with what has come of it. Returns where the next one begins. */
  #goOn(chunk: Buffer): number {
    let at = 0
    if (this.#carried < LENGTH_BYTES) {
      at = Math.min(LENGTH_BYTES - this.#carried, chunk.length)
      this.#keep(chunk, 0, at)
      if (this.#carried < LENGTH_BYTES) return at
    }
    const length = LENGTH_BYTES + this.#lengthAt(this.#carry, 0)
    const end = Math.min(at + length - this.#carried, chunk.length)
    this.#keep(chunk, at, end)
    if (this.#carried === length) {
      this.#carried = 0
      this.#take(this.#carry[LENGTH_BYTES]!, this.#carry, PACKET_HEADER_BYTES, length)
    }
    return end
  }

  /** Memory follows what has come, not what a length promises: it at most doubles. */
  #keep(chunk: Buffer, from: number, to: number): void {
    const length = this.#carried + to - from
    if (length > this.#carry.length) {
      const larger = Buffer.allocUnsafe(Math.max(CARRY_BYTES_MIN, this.#carry.length * 2, length))
      this.#carry.copy(larger, 0, 0, this.#carried)
      this.#carry = larger
    }
    chunk.copy(this.#carry, this.#carried, from, to)
    this.#carried = length
  }
}

/** Of a peer that has entered, and should know better. */
export const unknownPacket = (kind: number): SkynetError => malformed(`a packet of kind ${kind}`)

/** What packets are written to. Its bytes are the caller's again on return. */
export interface PacketSink {
  write(data: Uint8Array): unknown
}

/** Of this thread: each is copied by `write` before the next one is made. */
const header = Buffer.alloc(PACKET_HEADER_BYTES)
let joined: Buffer | undefined

/** Write one packet. `body` is the caller's again on return. */
export function writePacket(to: PacketSink, kind: PacketKind, body: Uint8Array): void {
  if (body.length < JOINED_BYTES_MIN) {
    putHeader(header, kind, body.length)
    to.write(header)
    if (body.length > 0) to.write(body)
    return
  }
  joined ??= Buffer.allocUnsafeSlow(PACKET_HEADER_BYTES + CLUSTER_PACKET_BYTES_MAX)
  putHeader(joined, kind, body.length)
  joined.set(body, PACKET_HEADER_BYTES)
  to.write(joined.subarray(0, PACKET_HEADER_BYTES + body.length))
}

/** @throws {SkynetError} `ERR_FRAME_TOO_LARGE`: the other side would cut the connection. */
function putHeader(into: Buffer, kind: PacketKind, bodyBytes: number): void {
  const length = bodyBytes + 1
  if (length > CLUSTER_PACKET_BYTES_MAX) throw frameTooLarge(length, CLUSTER_PACKET_BYTES_MAX)
  into[0] = length
  into[1] = length >>> 8
  into[2] = length >>> 16
  into[3] = length >>> 24
  into[LENGTH_BYTES] = kind
}
