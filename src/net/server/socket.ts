/** One socket as the socket thread sees it: what is not shared. */
import { READ_BYTES_MIN } from '../../base/limits.ts'
import type { ConnectPayload } from '../commands.ts'
import type { SocketSettings } from '../settings.ts'
import type { Datagrams } from './datagrams.ts'
import { WriteQueue } from './write-queue.ts'

/** Bits, since most of what there is of a socket that is silent would be flags. */
const FLAG = {
  polled: 1,
  reading: 2,
  stalled: 4,
  closeTold: 8,
  peerEnded: 16,
  closing: 32,
  finSent: 64,
  ending: 128,
  starved: 256,
  cut: 512,
  held: 1024,
} as const

/** Of every socket that has nothing to send; nothing is ever pushed to it. */
const NOTHING = new WriteQueue()

export class Socket {
  readonly id: number
  /** First cell of its slot. */
  readonly at: number
  fd = -1
  owner: number
  settings: SocketSettings
  /** To look at, and to take from. */
  queue = NOTHING
  /** What the poller watches: bits of INTEREST. */
  interest = 0
  /** Guess for the next read: doubles when filled, halves when less than half was used. */
  readBytes = READ_BYTES_MIN
  #flags = 0
  /** The owner after the handover that is under way; 0: none is. */
  heir = 0
  /** Number of the last YIELD: an answer to an earlier one is not the one waited for. */
  yields = 0
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

  /** Neither UDP nor somebody else's: a listener, or a connection that we made. */
  get isStream(): boolean {
    return this.udp === undefined && this.borrowed === undefined
  }

  /** Sends that wait here. */
  get unsent(): number {
    return this.queue.length + (this.udp?.queue.length ?? 0)
  }

  get unsentBytes(): number {
    return this.queue.bytes + (this.udp?.bytes ?? 0)
  }

  /** The queue to push to: made when something has to wait, which most sockets never need. */
  get ownQueue(): WriteQueue {
    if (this.queue === NOTHING) this.queue = new WriteQueue()
    return this.queue
  }

  /** The poller knows the descriptor. */
  get polled(): boolean {
    return (this.#flags & FLAG.polled) !== 0
  }

  set polled(value: boolean) {
    this.#set(FLAG.polled, value)
  }

  /** False: paused by the owner. */
  get reading(): boolean {
    return (this.#flags & FLAG.reading) !== 0
  }

  set reading(value: boolean) {
    this.#set(FLAG.reading, value)
  }

  /** Waits for room in its owner's ring. */
  get stalled(): boolean {
    return (this.#flags & FLAG.stalled) !== 0
  }

  set stalled(value: boolean) {
    this.#set(FLAG.stalled, value)
  }

  /** The owner was told CLOSE, or never will be. */
  get closeTold(): boolean {
    return (this.#flags & FLAG.closeTold) !== 0
  }

  set closeTold(value: boolean) {
    this.#set(FLAG.closeTold, value)
  }

  get peerEnded(): boolean {
    return (this.#flags & FLAG.peerEnded) !== 0
  }

  set peerEnded(value: boolean) {
    this.#set(FLAG.peerEnded, value)
  }

  /** `close` was ordered; what was written before still leaves. */
  get closing(): boolean {
    return (this.#flags & FLAG.closing) !== 0
  }

  set closing(value: boolean) {
    this.#set(FLAG.closing, value)
  }

  get finSent(): boolean {
    return (this.#flags & FLAG.finSent) !== 0
  }

  set finSent(value: boolean) {
    this.#set(FLAG.finSent, value)
  }

  /** `end` was ordered: FIN follows what was written, and nothing is written after it. */
  get ending(): boolean {
    return (this.#flags & FLAG.ending) !== 0
  }

  set ending(value: boolean) {
    this.#set(FLAG.ending, value)
  }

  /** The kernel had no memory for a write, which is tried again at the deadline. */
  get starved(): boolean {
    return (this.#flags & FLAG.starved) !== 0
  }

  set starved(value: boolean) {
    this.#set(FLAG.starved, value)
  }

  /** A write failed, so the stream has lost bytes. */
  get cut(): boolean {
    return (this.#flags & FLAG.cut) !== 0
  }

  set cut(value: boolean) {
    this.#set(FLAG.cut, value)
  }

  /** It stays with its owner. */
  get held(): boolean {
    return (this.#flags & FLAG.held) !== 0
  }

  set held(value: boolean) {
    this.#set(FLAG.held, value)
  }

  #set(flag: number, value: boolean): void {
    this.#flags = value ? this.#flags | flag : this.#flags & ~flag
  }
}
