/** Where the packets of a conversation go, and what stands in front of them. */
import type { PacketOut } from './core.ts'
import { DATA_HEAD_BYTES, PACKET_KIND, type Token, writeFront } from './packets.ts'

/** Where a peer is. */
export interface DatagramAddress {
  readonly bytes: Uint8Array
  toString(): string
}

/** By what both sides know each other. */
export interface TokenPair {
  /** In what we send. */
  readonly out: Token
  /** In what comes. */
  readonly in: Token
}

/** What was touched in a turn. */
export interface Flushable {
  flush(now: number): void
}

/** Who carries packets. */
export interface Carrier {
  /** Flush it when this turn ends. */
  isTouched(item: Flushable): void
  /** Packets are written here. */
  readonly scratch: Uint8Array
  /** Called with one that is overwritten when this returns. */
  send(packet: Uint8Array, to: DatagramAddress): void
  /** The same in memory of its own: that of a packet is part of much. */
  kept(address: DatagramAddress): DatagramAddress
}

export class PacketRoute implements PacketOut {
  address: DatagramAddress
  /** Absent: bare KCP. */
  readonly tokens: TokenPair | undefined
  /** When it was last asked to prove another address. */
  askedAt = Number.NEGATIVE_INFINITY
  readonly #carrier: Carrier

  constructor(carrier: Carrier, address: DatagramAddress, tokens: TokenPair | undefined) {
    this.#carrier = carrier
    this.address = address
    this.tokens = tokens
  }

  get bytes(): Uint8Array {
    return this.#carrier.scratch
  }

  get begin(): number {
    return this.tokens === undefined ? 0 : DATA_HEAD_BYTES
  }

  /** Segments up to `end`. */
  send(end: number): void {
    const { bytes, tokens } = this
    if (tokens !== undefined) writeFront(bytes, PACKET_KIND.data, tokens.out)
    this.#carrier.send(bytes.subarray(0, end), this.address)
  }

  /** Something besides segments. Bare KCP has nothing of the kind. */
  say(bytesOf: (token: Token) => Uint8Array): void {
    const { tokens } = this
    if (tokens !== undefined) this.#carrier.send(bytesOf(tokens.out), this.address)
  }
}
