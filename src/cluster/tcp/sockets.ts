/** What TCP between nodes needs of the service that it runs in: `skynet` is one, a test another. */
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { Doubt } from './handshake.ts'
import type { PeerHello, Role } from './hello.ts'

/** A connection, as it is. */
export interface PeerStream extends ByteStream {
  /** Close at once: what has not left is dropped. */
  shutdown(): void
}

export interface PeerListener extends AsyncIterable<PeerStream> {
  /** `127.0.0.1:7001`; `port` is the one that is really open. */
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** What holds for each connection, whoever has made it. */
export interface StreamSettings {
  readonly host: string
  readonly port: number
  readonly sendLimitBytes: number
  readonly lingerMs: number
  readonly options: { readonly noDelay: number; readonly userTimeoutMs: number }
}

export interface PeerSockets {
  /** @throws {SkynetError} `ERR_LISTEN` and its like. */
  listen(settings: StreamSettings): Promise<PeerListener>
  /** @throws {SkynetError} `ERR_CONNECT`, `ERR_SOCKET_TIMEOUT` and their like. */
  connect(settings: StreamSettings & { readonly timeoutMs: number }): Promise<PeerStream>
}

/** A connection over TLS, of somebody who has a certificate, or none. */
export interface CertifiedPeer {
  readonly stream: ByteStream
  /** Why he is not who he says; undefined: his certificate is good, and has that name. */
  doubt(hello: PeerHello): Doubt | undefined
}

export interface PeerTls {
  /**
   * Ends with the connection, at the latest.
   *
   * @param first What has come already.
   * @throws {SkynetError} `ERR_CLUSTER_AUTH` it is no TLS; `ERR_CONNECT`, `ERR_SOCKET_FAILED`.
   */
  over(stream: PeerStream, role: Role, first?: Buffer): Promise<CertifiedPeer>
  close(): void
}

export interface TcpHost {
  readonly socket: PeerSockets
  /** Milliseconds of a clock that never goes back. */
  now(): number
  timeout(ms: number, task: () => void): { cancel(): unknown }
  /** Run it soon, never from within the call. */
  fork(task: () => unknown): void
  log(text: string): void
  error(text: string): void
}
