/** One connection to another node: strangers at first, then a peer that has proven the secret. */
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import {
  CLUSTER_HANDSHAKE_MS,
  CLUSTER_HELLO_BYTES_MAX,
  CLUSTER_PACKET_BYTES_MAX,
  CLUSTER_UNSENT_BYTES,
} from '../../base/limits.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { PeerAddress } from '../core/transport.ts'
import { type Identity, isRefusal, ONE_TLS, PeerHandshake, REFUSAL } from './handshake.ts'
import type { PeerHello, Role } from './hello.ts'
import { PACKET, type PacketKind, PacketReader, writePacket } from './packets.ts'
import type { CertifiedPeer, PeerStream, PeerTls, TcpHost } from './sockets.ts'

/** What a peer needs of who has it. */
export interface PeerOwner {
  readonly identity: Identity
  readonly host: TcpHost
  readonly tls: PeerTls | undefined
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

/**
 * First bytes of who talks TLS: a handshake, of version 3. Ours begin with the length of a hello,
 * which is at most `CLUSTER_HELLO_BYTES_MAX`.
 */
const TLS_BEGIN = Buffer.of(0x16, 3)
/** To who talks TLS: the alert `unexpected_message`. */
const TLS_REFUSAL = Buffer.of(0x15, 3, 3, 0, 2, 2, 10)

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
  readonly #socket: PeerStream
  /** The socket, or TLS on it. */
  #stream: ByteStream
  /** Of a connection over TLS. */
  #secure: CertifiedPeer | undefined
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
    this.#socket = stream
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
    const { host, tls } = this.#owner
    host.fork(() => this.#run())
    this.#deadline = host.timeout(CLUSTER_HANDSHAKE_MS, () => {
      const info = { kind: 'handshake', what: this.remoteAddress, timeoutMs: CLUSTER_HANDSHAKE_MS }
      this.cut(new SkynetError('ERR_WAIT_TIMEOUT', info))
    })
    if (tls === undefined) this.#greet()
  }

  #greet(): void {
    this.#handshake = new PeerHandshake(this.role, this.#owner.identity, {
      address: this.remoteAddress,
      say: (kind, body) => this.say(kind, body),
      isConnected: (hello) => this.#owner.isConnected(hello),
      doubt: (hello) => this.#secure?.doubt(hello),
    })
  }

  async #run(): Promise<void> {
    try {
      let chunk = await this.#begin()
      for (const stream = this.#stream; chunk !== null; chunk = await stream.read()) {
        this.#reader.push(chunk)
      }
      this.#reader.end()
      const reason = 'it has ended the connection'
      this.#leave(new SkynetError('ERR_CONNECT', { address: this.remoteAddress, reason }))
    } catch (error) {
      this.#leave(error)
    }
  }

  /** Who has connected says by his first bytes whether he talks TLS: then both do, or neither. */
  async #begin(): Promise<Buffer | null> {
    const { tls } = this.#owner
    if (this.role === 'accept') {
      const first = await this.#firstBytes()
      if (first === null) return null
      const isTls = first.subarray(0, TLS_BEGIN.length).equals(TLS_BEGIN)
      if (isTls !== (tls !== undefined)) throw this.#mismatch(isTls)
      if (tls === undefined) return first
      await this.#goSecure(tls, first)
    } else if (tls !== undefined) await this.#goSecure(tls)
    return this.#stream.read()
  }

  async #firstBytes(): Promise<Buffer | null> {
    const first = await this.#stream.read()
    if (first?.length !== 1 || first[0] !== TLS_BEGIN[0]) return first
    const more = await this.#stream.read()
    return more === null ? first : Buffer.concat([first, more])
  }

  async #goSecure(tls: PeerTls, first?: Buffer): Promise<void> {
    this.#secure = await tls.over(this.#socket, this.role, first)
    this.#stream = this.#secure.stream
    if (!this.hasLeft) this.#greet()
  }

  /** Of the two ends one talks TLS: the other one is told so in its own words. */
  #mismatch(isTls: boolean): SkynetError {
    if (isTls) this.#socket.write(TLS_REFUSAL)
    else this.say(PACKET.refusal, Buffer.of(REFUSAL.tls))
    const reason = isTls ? ONE_TLS.theirs : ONE_TLS.ours
    return new SkynetError('ERR_CLUSTER_AUTH', { address: this.remoteAddress, reason })
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
    else this.#socket.shutdown()
  }
}
