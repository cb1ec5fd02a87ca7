/** One socket as the socket thread sees it: what is not shared. */
import { READ_BYTES_MIN } from '../base/limits.ts'
import type { AnyAddress } from '../os/os.ts'
import { WriteQueue } from './write-queue.ts'

export class Socket {
  readonly id: number
  /** First cell of its slot. */
  readonly at: number
  fd = -1
  owner: number
  readonly queue = new WriteQueue()
  /** What the poller watches (bits of INTEREST), and whether it knows the descriptor at all. */
  interest = 0
  polled = false
  /** Guess for the next read: doubles when filled, halves when less than half was used. */
  readBytes = READ_BYTES_MIN
  /** False: paused by the owner. */
  reading = false
  /** Waits for room in its owner's ring. */
  stalled = false
  /** The owner was told CLOSE, or never will be. */
  closeTold = false
  peerEnded = false
  /** `close` was ordered; what was written before still leaves. */
  closing = false
  finSent = false
  /** `end` was ordered: FIN follows what was written, and nothing is written after it. */
  ending = false
  /** Next queue length that is worth a WARNING; 0: none was sent since it was empty. */
  warnBytes = 0
  drainWanted = false
  /** The owner after the handover that is under way; 0: none is. */
  heir = 0
  /** Addresses that a connect has not tried yet. */
  addresses: AnyAddress[] | undefined

  constructor(id: number, at: number, owner: number) {
    this.id = id
    this.at = at
    this.owner = owner
  }
}
