/**
 * The contract between a gate of sessions and the ways by which clients come to it: TCP, WebSocket,
 * KCP. One suite (`client-transport.suite.ts`) runs against each. Neither side knows the other.
 */
import type { MessageStream } from '../sockets/message-stream.ts'
import type { Skynet } from './skynet.ts'

/** Lets clients of one kind in: what `tcp()`, `webSocket()` and `kcp()` make. */
export interface ClientTransport {
  /** `tcp`, `ws`, `kcp` …: for people, and for `session.transport`. */
  readonly kind: string

  /**
   * Begin to let clients in. What it opens belongs to the service of `skynet`, and ends with it.
   *
   * @throws As `skynet.socket.listen`; `TypeError`, `RangeError` for what the transport cannot do,
   * as messages that are longer than its frames can tell.
   */
  open(skynet: Skynet, door: ClientDoor): Promise<ClientEntrance>
}

/** Where clients of one transport come in. */
export interface ClientEntrance extends AsyncDisposable {
  /** `127.0.0.1:7000`, for people. */
  readonly address: string
  /** The one that is really open. */
  readonly port: number

  /**
   * Let nobody in any more. Who has entered stays; who is still at his handshake is gone, and said
   * `leave`. Resolves when others may listen there; those who have entered may hold the port on, as
   * over KCP, until the last of them is gone. Again: harmless.
   */
  close(): Promise<void>

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What a gate is to its transports. */
export interface ClientDoor {
  /**
   * Bytes of the longest message, both ways. What a client sends that is longer breaks its stream
   * with `ERR_FRAME_TOO_LARGE` before a byte of it is kept.
   */
  readonly messageBytesMax: number

  /** Bytes that may wait to be sent to one client. Beyond them its stream may fail. */
  readonly sendLimitBytes: number

  /** Does it go on letting clients in while the node stops: those who come back to a match? */
  readonly listenWhileStopping?: boolean

  /**
   * Somebody is there, and nothing was spent on him: no handshake, no stream.
   *
   * @param address Who it really is, a proxy aside: `ip:port` as `remoteAddress`, or the ip alone.
   * @returns Undefined: turn him away. The gate has counted it.
   */
  knock(address: string): ClientVisit | undefined
}

/** One client on his way in, up to `enter` or `leave`; what is called behind that is void. */
export interface ClientVisit {
  /**
   * Aborted when he has taken too long, his handshakes included, or when the gate closes: close
   * what there is of him, and say `leave`.
   */
  readonly signal: AbortSignal

  /** His handshakes are done. The stream is the gate's from now on: it reads, writes, closes it. */
  enter(stream: MessageStream): void

  /** He is gone before he has entered. */
  leave(): void
}
