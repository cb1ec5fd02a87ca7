/**
 * TLS by `node:tls`, which calls JavaScript back: for names, protocols, and sessions to be kept,
 * and where the functions of OpenSSL cannot be reached.
 */
import type { DetailedPeerCertificate, PeerCertificate, TLSSocket } from 'node:tls'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { EmptyRecords, TOO_MANY_EMPTY } from './empty-records.ts'
import type { ServerTrust, TlsEngine, TlsEngineHost, TlsFacts } from './tls-engine.ts'
import { TlsWire } from './tls-wire.ts'

/** What OpenSSL thinks of the certificate of the peer: Node.js says it to its own server only. */
interface Verifying {
  readonly ssl: { verifyError(): NodeJS.ErrnoException | null | undefined }
}

export interface NodeEngineOptions {
  /** What was read of `below` already. */
  readonly first?: Buffer | undefined
  /** Its handshake begins with that. */
  secure(wire: TlsWire): TLSSocket
  /** Undefined: it is a client. */
  readonly server?: ServerTrust
  readonly onSession?: ((session: Buffer) => void) | undefined
}

export class NodeEngine implements TlsEngine {
  readonly #wire: TlsWire
  readonly #socket: TLSSocket
  readonly #options: NodeEngineOptions
  readonly #records = new EmptyRecords()
  #fullRecords = 0
  #isCounting = false

  constructor(below: ByteStream, host: TlsEngineHost, options: NodeEngineOptions) {
    const { first, secure, server, onSession } = options
    this.#options = options
    const broke = (error: Error): void => host.broke(error)
    const handedOn = (chunk: Buffer): void => {
      if (this.#areTooManyEmpty(chunk)) broke(TOO_MANY_EMPTY)
    }
    this.#wire = new TlsWire(below, { ended: () => host.wireEnded(), handedOn, broke }, first)
    const socket = secure(this.#wire)
    this.#socket = socket
    // A peer could have us compute without end.
    socket.disableRenegotiation()
    // What is decrypted goes into our buffer: that of node:stream is not used.
    socket.push = (chunk: Buffer | null) => {
      this.#fullRecords++
      host.received(chunk)
      return true
    }
    socket.on('_tlsError', broke)
    socket.on('error', broke)
    socket.on('finish', () => host.over())
    socket.on('close', () => host.over())
    if (onSession !== undefined) socket.on('session', onSession)
    const shaken = (problem?: Error): void => {
      this.#isCounting = socket.getProtocol() === 'TLSv1.3'
      host.shaken(problem)
    }
    if (server === undefined) socket.once('secureConnect', () => shaken())
    else {
      const refused = (): Error | undefined =>
        server.rejectUnauthorized ? this.#verifyError : undefined
      socket.once('secure', () => shaken(refused()))
    }
  }

  start(): void {}

  /** Node.js hands on what each record has by itself. */
  #areTooManyEmpty(chunk: Buffer): boolean {
    const empty = this.#records.ends(chunk) - this.#fullRecords
    this.#fullRecords = 0
    return this.#isCounting && this.#records.areTooMany(empty)
  }

  get #verifyError(): NodeJS.ErrnoException | undefined {
    if (this.#options.server?.requestCert !== true) return undefined
    return (this.#socket as never as Verifying).ssl.verifyError() ?? undefined
  }

  get isEndSent(): boolean {
    return this.#socket.writableFinished
  }

  facts(): TlsFacts {
    const socket = this.#socket
    return {
      alpnProtocol: socket.alpnProtocol || undefined,
      // Of a server it is false when there is none.
      servername: (socket as { servername?: string | false }).servername || undefined,
      protocol: socket.getProtocol() ?? '',
      isResumed: socket.isSessionReused(),
      ...this.#trust(),
    }
  }

  #trust(): Pick<TlsFacts, 'authorized' | 'authorizationError'> {
    const { server } = this.#options
    if (server === undefined) {
      const { authorized, authorizationError } = this.#socket
      return {
        authorized,
        authorizationError: authorized ? undefined : String(authorizationError),
      }
    }
    const problem = this.#verifyError
    return {
      authorized: server.requestCert && problem === undefined,
      authorizationError: problem?.code,
    }
  }

  peerCertificate(isDetailed: boolean): PeerCertificate | DetailedPeerCertificate | undefined {
    const certificate = this.#socket.getPeerCertificate(isDetailed) as PeerCertificate | null
    return certificate !== null && 'subject' in certificate ? certificate : undefined
  }

  write(bytes: Uint8Array, done: () => void): void {
    this.#socket.write(bytes, (error) => {
      if (!error) done()
    })
  }

  end(): void {
    this.#socket.end()
  }

  pause(): void {
    this.#wire.pause()
  }

  resume(): void {
    this.#wire.resume()
  }

  destroy(): void {
    this.#socket.destroy()
    this.#wire.destroy()
  }
}
