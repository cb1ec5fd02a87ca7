/** One socket as the socket thread sees it: what is not shared. */
import { READ_BYTES_MIN } from '../base/limits.ts'
import type { AnyAddress, SocketOption } from '../os/os.ts'
import type { SocketSettings } from './settings.ts'
import type { Datagrams } from './udp.ts'
import { WriteQueue } from './write-queue.ts'

/** What a connect order says. */
export interface ConnectPayload {
  readonly addresses: AnyAddress[]
  /** Set before the connection is made. */
  readonly options?: Partial<Record<SocketOption, number>> | undefined
}

export class Socket {
  readonly id: number
  /** First cell of its slot. */
  readonly at: number
  fd = -1
  owner: number
  settings: SocketSettings
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
  /** `drain` orders to be answered when all has left. */
  drainsWanted = 0
  /** The kernel had no memory for a write, which is tried again at the deadline. */
  starved = false
  /** The owner after the handover that is under way; 0: none is. */
  heir = 0
  /** What a connect has not tried yet. */
  connecting: ConnectPayload | undefined
  /** Only of a UDP socket. */
  udp: Datagrams | undefined
  /** The descriptor is somebody else's: it stays open, and blocking when it was so before. */
  borrowed: 'blocking' | 'as it was' | undefined

  constructor(id: number, at: number, owner: number, settings: SocketSettings) {
    this.id = id
    this.at = at
    this.owner = owner
    this.settings = settings
  }

  /** Sends that wait here. */
  get unsent(): number {
    return this.queue.length + (this.udp?.queue.length ?? 0)
  }
}
