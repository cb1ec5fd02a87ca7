/** The contract of message streams; one suite (`message-stream.suite.ts`) runs against each. */
import { checkInteger, checkString, refusal } from '../base/check.ts'
import { CLOSE_REASON_BYTES_MAX } from '../base/limits.ts'
import type { WaitOptions } from '../service/wait-options.ts'

/**
 * Messages in order, both ways, each whole: what a client is to a gate. Frames on a byte stream are
 * one; WebSocket, TLS and KCP are others.
 *
 * A message may be empty. Nothing is lost silently: who has received the end without an error has
 * every message that the peer sent before it. A stream that breaks rejects the receive that waits,
 * and all later ones, once what came before has been received: `ERR_SOCKET_FAILED`; `ERR_FRAME_CUT`
 * when the end came in the middle of a message; `ERR_FRAME_TOO_LARGE` for one that is longer than
 * was agreed, before a byte of it is kept; `ERR_FRAME_MALFORMED` for what is none.
 */
export interface MessageStream<In = Buffer, Out = string | Uint8Array>
  extends AsyncIterable<In>,
    AsyncDisposable {
  /** Who the peer is, for people: `ip:port`, IPv6 in brackets. Empty: not known, or gone. */
  readonly remoteAddress: string

  /** May something be sent? False once it was closed here, failed, or both sides have ended. */
  readonly isOpen: boolean

  /** Bytes that were sent here and have not left. */
  readonly bufferedAmount: number

  /**
   * Send a message behind those sent before, whole. Never waits. Its bytes are the caller's again
   * on return.
   *
   * @returns False when much waits to be sent, 1 MiB unless said otherwise: await `drain`. Also
   * when it was dropped by a policy that drops.
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` after `close`, or when it has failed;
   * `ERR_FRAME_TOO_LARGE`: nothing was sent. What the codec throws. `TypeError` for what is no
   * message.
   */
  send(message: Out): boolean

  /**
   * Resolves once all that was sent by now has left here; that it arrived nobody knows.
   *
   * @throws {SkynetError} `ERR_SOCKET_CLOSED` it was closed; `ERR_SOCKET_FAILED`;
   * `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  drain(options?: WaitOptions): Promise<void>

  /**
   * The next message; null at the end, again and again. One receive waits at a time. One that gives
   * up loses nothing: the next one gets the message.
   *
   * What nobody receives is bounded: beyond that the peer has to wait.
   *
   * @returns What the codec has decoded; without one, a buffer that is the caller's.
   * @throws {SkynetError} Why the stream broke, as above. `ERR_SOCKET_BUSY` another receive waits;
   * `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for. What the codec throws: that message is gone,
   * the next receive gets the one behind it.
   */
  receive(options?: WaitOptions): Promise<In | null>

  /**
   * Hand every message to `take`, in order, up to the end: the fast way to receive. While a promise
   * that it has returned is pending nothing more is handed out, and the peer has to wait.
   *
   * When `take` throws, or such a promise rejects, so does this. The stream stays open: the message
   * that was handed out is gone, those behind it are there for the next receive. After `close`
   * nothing is handed out, and this resolves.
   *
   * @returns Resolves at the end. Rejects as `receive` does.
   */
  each(take: (message: In) => void | Promise<void>): Promise<void>

  /**
   * Close both ways. What was sent still leaves; what came and was not received is dropped; a
   * receive that waits gets the end, later ones too. Again: harmless.
   *
   * @param code Told to the peer where there is a way to (WebSocket): 1000 to 4999.
   * @param reason As the code: at most 123 bytes.
   * @throws `TypeError`, `RangeError` for another code or reason.
   */
  close(code?: number, reason?: string): Promise<void>

  /** Messages up to the end. Leaving the loop closes the stream, and so does its end. */
  [Symbol.asyncIterator](): AsyncIterator<In, undefined, void>

  /** As `close`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The codes that WebSocket knows: whoever closes is understood by any peer. */
const CLOSE_CODE = { min: 1000, max: 4999 }

/** What `close` was given. @throws `TypeError`, `RangeError`. */
export function checkClose(code: number | undefined, reason: string | undefined): void {
  if (code !== undefined) checkInteger('close', 'code', code, CLOSE_CODE.min, CLOSE_CODE.max)
  if (reason === undefined) return
  checkString('close', 'reason', reason)
  const bytes = Buffer.byteLength(reason)
  if (bytes <= CLOSE_REASON_BYTES_MAX) return
  throw refusal('range', 'close', 'reason', `at most ${CLOSE_REASON_BYTES_MAX} bytes`, reason)
}

/** A `for await` over the messages of any stream. */
export class MessageLoop<In> implements AsyncIterator<In, undefined, void> {
  readonly #stream: MessageStream<In, never>

  constructor(stream: MessageStream<In, never>) {
    this.#stream = stream
  }

  async next(): Promise<IteratorResult<In, undefined>> {
    const value = await this.#stream.receive()
    return value === null ? this.return() : { done: false, value }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    await this.#stream.close()
    return { done: true, value: undefined }
  }
}
