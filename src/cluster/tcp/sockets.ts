/** What TCP between nodes needs of the service that it runs in: `skynet` is one, a test another. */
import type { ByteStream } from '../../sockets/byte-stream.ts'

/** A connection. TLS over one is one too. */
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
