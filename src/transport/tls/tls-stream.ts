/** Bytes over TLS: a stream on a stream. */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { checkWait, limitsFrom, type WaitOptions } from '../../service/wait-options.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { LineOptions } from '../../sockets/read-options.ts'
import type { SecurePeer } from '../../sockets/secure-peer.ts'
import type { TlsFacts } from './tls-engine.ts'
import type { TlsLife } from './tls-life.ts'

/**
 * Obtained from `listenTls` or `connectTls`: its handshake is done. What it stands on is its own.
 *
 * The end of the peer is one only when the peer has said so, within TLS (`close_notify`). A
 * connection that is cut, by whoever is in between or by a peer that does not say goodbye, rejects
 * reads with `ERR_SOCKET_FAILED`, once what came before was read.
 */
export class TlsStream implements ByteStream, SecurePeer, TlsFacts {
  /** Nobody on the way reads along. */
  readonly encrypted = true
  /** What both sides speak within, of `ALPNProtocols`; undefined: they have agreed on nothing. */
  readonly alpnProtocol: string | undefined
  /** The name that the client has asked for; undefined: none. */
  readonly servername: string | undefined
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly protocol: string
  /** A session of before goes on: nobody has shown a certificate anew. */
  readonly isResumed: boolean
  /** The peer has shown a certificate that is trusted. Of a client: when it was asked for. */
  readonly authorized: boolean
  /** Why not, as OpenSSL calls it: `SELF_SIGNED_CERT_IN_CHAIN`; undefined: it was not asked. */
  readonly authorizationError: string | undefined
  readonly #life: TlsLife

  /** Made by handshake.ts only. */
  constructor(life: TlsLife) {
    this.#life = life
    const facts = life.engine.facts()
    this.alpnProtocol = facts.alpnProtocol
    this.servername = facts.servername
    this.protocol = facts.protocol
    this.isResumed = facts.isResumed
    this.authorized = facts.authorized
    this.authorizationError = facts.authorizationError
  }

  get remoteAddress(): string {
    return this.#life.address
  }

  get isOpen(): boolean {
    return this.#life.isOpen
  }

  /** Bytes that were written here and have not left, some of them encrypted. */
  get bufferedAmount(): number {
    return this.#life.writer.bufferedAmount
  }

  /**
   * Of the peer, as `node:tls` has it; undefined: it has shown none, or the stream is closed.
   *
   * @param isDetailed With those that have signed it: `issuerCertificate`.
   */
  peerCertificate(isDetailed: true): DetailedPeerCertificate | undefined
  peerCertificate(isDetailed?: boolean): PeerCertificate | undefined
  peerCertificate(isDetailed = false): PeerCertificate | undefined {
    return this.#life.engine.peerCertificate(isDetailed)
  }

  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>
  read(count?: number, options?: WaitOptions): Promise<Buffer | null> {
    return this.#life.reader.read(count, options)
  }

  /** As `Connection.readLine`. */
  readLine(options?: LineOptions): Promise<string | null> {
    return this.#life.reader.readLine(options)
  }

  /** As `Connection.lines`. */
  lines(options?: LineOptions): AsyncGenerator<string, void, void> {
    return this.#life.reader.lines(options)
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, void> {
    return this.#life.reader
  }

  /**
   * As of any byte stream. What one turn writes is encrypted together, at its end. Beyond
   * `sendLimitBytes`, 16 MiB if not told otherwise, the stream fails.
   */
  write(data: string | Uint8Array): boolean {
    return this.#life.writer.write(data)
  }

  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    const { pool, writer, below } = this.#life
    const left = limitsFrom(pool.clock, options ?? {})
    await writer.emptied(left())
    await below.drain(left())
  }

  end(): void {
    if (this.#life.stage !== 'closed') this.#life.writer.end()
  }

  /** As of any byte stream; the peer is told (`close_notify`) behind what was written. */
  close(options?: WaitOptions): Promise<void> {
    return this.#life.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
