/** One connection to another node: strangers at first, then a peer that has proven the secret. */
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import {
  CLUSTER_HANDSHAKE_MS,
  CLUSTER_HELLO_BYTES_MAX,
  CLUSTER_PACKET_BYTES_MAX,
  CLUSTER_UNSENT_BYTES,
} from '../../base/limits.ts'
import type { PeerAddress } from '../core/transport.ts'
import { type Identity, isRefusal, PeerHandshake } from './handshake.ts'
import type { PeerHello, Role } from './hello.ts'
import { type PacketKind, PacketReader, writePacket } from './packets.ts'
import type { PeerStream, TcpHost } from './sockets.ts'

/** What a peer needs of who has it. */
export interface PeerOwner {
  readonly identity: Identity
  readonly host: TcpHost
  isConnected(hello: PeerHello): boolean
  /** From now on it is believed what it says. Called before its first packet. */
  entered(peer: TcpPeer): void
  /** A packet of a peer that has entered. `bytes[at..end)` is its body, valid during the call. */
  took(peer: TcpPeer, kind: number, bytes: Buffer, at: number, end: number): void
  /** What `send` has refused may be tried again. */
  drained(peer: TcpPeer): void
  /** It is over, whether it had entered or not. No reason: somebody here wanted it. */
  left(peer: TcpPeer, reason: unknown): void
}

/** How a handshake ended: `known` means that there is a connection to that process already. */
export type PeerEntry = 'entered' | 'known'

export class TcpPeer {
  readonly role: Role
  /** Of its first bytes until it has entered; then it is who it says. */
  hello: PeerHello | undefined
  /** Under which epoch it is a node. Undefined: it has not said so, or nothing of it is wanted. */
  address: PeerAddress | undefined
  hasEntered = false
  hasLeft = false
  /** Settles at the end of the handshake: rejects with why there is none. */
  readonly entry: Promise<PeerEntry>
  /** Resolves when it is over. */
  readonly over: Promise<void>
  /** `127.0.0.1:5000`, for people: also when it is gone. */
  readonly remoteAddress: string
  readonly #owner: PeerOwner
  readonly #stream: PeerStream
  readonly #reader: PacketReader
  #handshake: PeerHandshake | undefined
  /** So much waits to be sent that frames have to wait too. */
  #isFull = false
  /** Who was refused a frame. */
  #isAwaited = false
  #deadline: { cancel(): unknown } | undefined
  #enter!: (how: PeerEntry) => void
  #refuse!: (reason: unknown) => void
  #end!: () => void

  constructor(owner: PeerOwner, stream: PeerStream, role: Role) {
    this.#owner = owner
    this.#stream = stream
    this.remoteAddress = stream.remoteAddress
    this.role = role
    this.#reader = new PacketReader(CLUSTER_HELLO_BYTES_MAX, (...packet) => this.#take(...packet))
    this.entry = new Promise((resolve, reject) => {
      this.#enter = resolve
      this.#refuse = reject
    })
    this.over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Shake hands, and read until it is over. */
  start(): void {
    const { identity, host } = this.#owner
    host.fork(() => this.#run())
    this.#deadline = host.timeout(CLUSTER_HANDSHAKE_MS, () => {
      const info = { kind: 'handshake', what: this.remoteAddress, timeoutMs: CLUSTER_HANDSHAKE_MS }
      this.cut(new SkynetError('ERR_WAIT_TIMEOUT', info))
    })
    this.#handshake = new PeerHandshake(this.role, identity, {
      address: this.remoteAddress,
      say: (kind, body) => this.say(kind, body),
      isConnected: (hello) => this.#owner.isConnected(hello),
    })
  }

  async #run(): Promise<void> {
    try {
      const stream = this.#stream
      for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) {
        this.#reader.push(chunk)
      }
      this.#reader.end()
      const reason = 'it has ended the connection'
      this.#leave(new SkynetError('ERR_CONNECT', { address: this.remoteAddress, reason }))
    } catch (error) {
      this.#leave(error)
    }
  }

  #take(kind: number, bytes: Buffer, at: number, end: number): void {
    if (this.hasEntered) this.#owner.took(this, kind, bytes, at, end)
    else this.#shakeHands(this.#handshake!, kind, bytes, at, end)
  }

  #shakeHands(
    handshake: PeerHandshake,
    kind: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): void {
    const progress = handshake.take(kind, bytes, at, end)
    if (progress === 'more') return
    this.hello = handshake.peer
    if (progress === 'known') {
      this.#enter('known')
      this.close()
      return
    }
    this.#deadline?.cancel()
    this.#handshake = undefined
    this.hasEntered = true
    this.#reader.limit = CLUSTER_PACKET_BYTES_MAX
    this.#owner.entered(this)
    this.#enter('entered')
  }

  /** Send a packet that is not to be refused: there are few of them. False: it is gone. */
  say(kind: PacketKind, body: Uint8Array): boolean {
    if (this.hasLeft) return false
    try {
      writePacket(this.#stream, kind, body)
      return true
    } catch (error) {
      // It has ended, and whoever reads it is about to hear of that.
      if (isSkynetError(error, 'ERR_SOCKET_CLOSED')) return false
      throw error
    }
  }

  /** Send a packet unless much waits: then `drained` follows. */
  send(kind: PacketKind, body: Uint8Array): boolean {
    if (this.#isFull) {
      this.#isAwaited = true
      return false
    }
    if (!this.say(kind, body)) return false
    if (this.#stream.bufferedAmount > CLUSTER_UNSENT_BYTES) this.#fill()
    return true
  }

  #fill(): void {
    this.#isFull = true
    const emptied = (): void => {
      this.#isFull = false
      if (!this.#isAwaited || this.hasLeft) return
      this.#isAwaited = false
      this.#owner.drained(this)
    }
    // When it fails its end is told by who reads.
    this.#stream.drain().then(emptied, () => {})
  }

  /** End it at once. */
  cut(reason: unknown): void {
    this.#leave(reason)
  }

  /** End it behind what was written. Its reason is that somebody here wanted it. */
  close(): Promise<void> {
    const closed = this.#stream.close()
    this.#leave(undefined)
    return closed
  }

  #leave(reason: unknown): void {
    if (this.hasLeft) return
    this.hasLeft = true
    this.#deadline?.cancel()
    this.#reader.close()
    this.#refuse(reason)
    if (this.#stream.isOpen) this.#endStream(reason)
    this.#owner.left(this, reason)
    this.#end()
  }

  /** A refusal still has to leave; from who broke the rules nothing more is wanted. */
  #endStream(reason: unknown): void {
    if (isRefusal(reason)) void this.#stream.close()
    else this.#stream.shutdown()
  }
}
