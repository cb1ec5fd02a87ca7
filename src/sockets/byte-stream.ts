/**
 * The contract of byte streams, and of who accepts them. One suite of cases runs against each
 * stream: `byte-stream.suite.ts`.
 */
import { isObject, refusal } from '../base/check.ts'
import type { WaitOptions } from '../service/wait-options.ts'

/**
 * Bytes in order, both ways: what a connection is to who only wants to talk. A TCP or Unix
 * connection is one; whatever stands on it and carries bytes (TLS, WebSocket, KCP) is one too.
 *
 * Sizes are bytes, times milliseconds. Both sides of the stream end by themselves: `end` ends what
 * is written here, and the end of what is read comes from the peer.
 *
 * A stream that breaks (reset, timeout, a protocol that was violated) rejects the read that waits
 * and all later ones with `ERR_SOCKET_FAILED`, once what came before has been read. Its writes
 * throw `ERR_SOCKET_CLOSED`. Nothing is lost silently: who has read the end without an error has
 * everything that the peer had written.
 */
export interface ByteStream extends AsyncIterable<Buffer>, AsyncDisposable {
  /** Who the peer is, for people: `ip:port`, IPv6 in brackets. Empty: not known, or gone. */
  readonly remoteAddress: string

  /** May something be written? False once it was closed here, failed, or both sides have ended. */
  readonly isOpen: boolean

  /** Bytes that were written here and have not left. */
  readonly bufferedAmount: number

  /**
   * The next bytes as they come, at least one; null at the end, again and again.
   *
   * With `count`: exactly so many, 0 too, at most 256 MiB. What came is kept until all are there.
   * One read waits at a time. One that gives up loses no byte: the next one gets them.
   *
   * What nobody reads is bounded (128 KiB and what is under way): beyond it the peer has to wait.
   *
   * @returns A buffer that is the caller's.
   * @throws {SkynetError} `ERR_SOCKET_ENDED` the peer ended before `count` bytes, which stay
   * readable; `ERR_SOCKET_BUSY` another read waits; `ERR_SOCKET_FAILED`; `ERR_SOCKET_TIMEOUT`,
   * `ABORT_ERR` as asked for. `RangeError`, `TypeError` for another count.
   */
  read(count?: undefined, options?: WaitOptions): Promise<Buffer | null>
  read(count: number, options?: WaitOptions): Promise<Buffer>

  /**
   * Take bytes to be sent behind those written before. Never waits. `data` is the caller's again on
   * return. Strings are UTF-8; nothing is sent for an empty one.
   *
   * @returns False when much waits to be sent, 1 MiB unless said otherwise: await `drain`.
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` after `end` or `close`, or when it has failed.
   * `TypeError` for what is no string and no bytes.
   */
  write(data: string | Uint8Array): boolean

  /**
   * Resolves once all that was written by now has left here; that it arrived nobody knows.
   *
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` it was closed; `ERR_SOCKET_FAILED`;
   * `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  drain(options?: WaitOptions): Promise<void>

  /** Nothing more is written: the peer reads the end behind all bytes. Reading goes on. */
  end(): void

  /**
   * Close both ways. What was written still leaves; what came and was not read is dropped; a read
   * that waits gets the end, later ones too. Again: harmless. It closes also when nobody waits any
   * more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void>

  /**
   * From now on it stays with its service: who else wants it by its id gets `ERR_SOCKET_STATE`.
   * Called by what stands on it and knows more than its bytes, as HTTP, TLS and WebSocket do.
   * Absent: nobody comes to it by an id. What stands on another stream hands this on.
   *
   * @param isSealed Nor does anybody write to it by an id: its bytes are nobody else's to make.
   */
  hold?(isSealed?: boolean): void

  /** Chunks up to the end. Leaving the loop closes the stream, and so does its end. */
  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, void>

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Streams of those who come, one after another. `Listener` of `skynet.socket.listen` is one; what
 * stands on it and gives streams too (TLS, the PROXY protocol) is one as well.
 *
 * Iterated once. A stream that came out is whoever's took it; the loop is left when the listener is
 * closed, and leaving the loop closes it. What costs only the one who comes, a handshake that
 * fails, is dropped and does not end the loop.
 */
export interface StreamListener extends AsyncIterable<ByteStream>, AsyncDisposable {
  /** For people: `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/x.sock`. */
  readonly address: string

  /** The port that is really open; 0 of a path. */
  readonly port: number

  /**
   * Accept nobody any more. Streams that nobody took are closed; the others stay. Resolves when
   * anybody may listen there. Again: harmless.
   */
  close(): Promise<void>
}

/** @throws {TypeError} Unless it reads and writes: a promise of a stream does not. */
export function checkStream(what: string, name: string, value: ByteStream): void {
  if (isObject(value) && 'read' in value && 'write' in value) return
  throw refusal('type', what, name, 'a byte stream', value)
}

/** @throws {TypeError} Unless streams come out of it: a promise of a listener has none. */
export function checkListener(what: string, name: string, value: StreamListener): void {
  if (isObject(value) && Symbol.asyncIterator in value && 'close' in value) return
  throw refusal('type', what, name, 'a listener of streams', value)
}
