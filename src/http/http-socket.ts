/** A connection as `node:http` has it, with what its server counts of it. */
import type { ServerResponse } from 'node:http'
import type { Skynet } from '../skynet/skynet.ts'
import type { ByteStream } from '../sockets/byte-stream.ts'
import { type SecurePeer, securePeerOf } from '../sockets/secure-peer.ts'
import { StreamDuplex } from './duplex.ts'

/** Who is asked before a server spends anything on a connection: a gate that counts its clients. */
export interface HttpGuard {
  /** @returns Undefined: turn it away. */
  came(stream: ByteStream): HttpGuest | undefined
}

/** A connection that was let in, as its guard knows it; up to its upgrade, if there is one. */
export interface HttpGuest {
  /** Aborted: cut the connection. */
  readonly signal: AbortSignal | undefined
  /** It has made a request that is no upgrade. */
  asked(): void
  /** It is over, or upgraded. */
  gone(): void
}

export class HttpSocket extends StreamDuplex {
  /**
   * Responses that have not ended. They are gone with their connection: `node:http` tells of its
   * end only the one that was on the way out.
   */
  readonly underWay = new Set<ServerResponse>()
  /** What a guard of the server knows of it. */
  guest: HttpGuest | undefined
  /** What TLS knows of the peer, also when it is upgraded. */
  readonly secure: SecurePeer | undefined

  constructor(skynet: Skynet, stream: ByteStream, writeTimeoutMs: number) {
    super(skynet, stream, { writeTimeoutMs })
    this.secure = securePeerOf(stream)
    // That of node:http goes with its parser: what fails behind it concerns nobody.
    this.on('error', () => {})
  }

  // --- as frameworks ask for it, who take it for a socket of node:tls ---------------------------

  /** As `TLSSocket` has it; undefined: it is not over TLS, as for what follows. */
  get authorized(): boolean | undefined {
    return this.secure?.authorized
  }

  get authorizationError(): string | null | undefined {
    return this.secure && (this.secure.authorizationError ?? null)
  }

  get alpnProtocol(): string | false | undefined {
    return this.secure && (this.secure.alpnProtocol ?? false)
  }

  get servername(): string | false | undefined {
    return this.secure && (this.secure.servername ?? false)
  }

  /** `TLSv1.3`, `TLSv1.2`; null: it is not over TLS. */
  getProtocol(): string | null {
    return this.secure?.protocol ?? null
  }

  /** As that of `TLSSocket`: without properties when the peer has shown none. */
  getPeerCertificate(isDetailed = false): object {
    return this.secure?.peerCertificate(isDetailed) ?? {}
  }
}
