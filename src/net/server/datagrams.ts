/** What a UDP socket has besides: datagrams that wait for the kernel, each with its address. */
import { Queue } from '../../base/queue.ts'

export class Datagrams {
  /** Compact address, then the bytes: as they came in the command. */
  readonly queue = new Queue<Buffer>(4)
  /** Their bytes, without the addresses. */
  bytes = 0
  /** Where a datagram without an address goes. */
  peer: Uint8Array | undefined
}
