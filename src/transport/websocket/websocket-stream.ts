/** Messages of WebSocket on a connection, or on any stream of bytes. */
import { checkFunction } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { checkWait, type WaitOptions } from '../../service/wait-options.ts'
import { type FrameCarrier, handAll } from '../../sockets/frame-carrier.ts'
import { checkClose, MessageLoop, type MessageStream } from '../../sockets/message-stream.ts'
import type { Frame } from '../../sockets/stream-reader.ts'
import { CLOSE, closePayload, toldReason } from './close-codes.ts'
import { type Deflate, deflated } from './deflate.ts'
import { WebSocketReader } from './frame-reader.ts'
import { isTurnOver, ourTurn } from './inflate-turns.ts'
import { Pings, Pongs } from './pings.ts'
import type { Agreed, StreamRules } from './rules.ts'

type Take = (message: Frame) => unknown

/** Nothing more is inflated before what it returns is settled. */
function inTurns(take: Take): Take {
  return (message) => {
    const taken = take(message)
    return isTurnOver() ? afterOthers(taken) : taken
  }
}

async function afterOthers(taken: unknown): Promise<void> {
  await taken
  await ourTurn()
}

interface End {
  readonly code: number
  readonly reason: string
}

/**
 * Obtained from `listenWebSocket` or `connectWebSocket`. A string that is sent is a text, bytes are
 * binary; what is received likewise, unless with `binary` all are buffers.
 *
 * Control frames are seen while somebody receives: pings are answered then.
 */
export class WebSocketStream<In extends Frame = Frame>
  implements MessageStream<In, string | Uint8Array>
{
  /** Which of the subprotocols was agreed on; empty: none. */
  readonly subprotocol: string
  readonly #rules: StreamRules
  readonly #carrier: FrameCarrier
  readonly #reader: WebSocketReader
  readonly #deflate: Deflate | undefined
  #isReceiving = false
  /** How it has ended, once that is known. */
  #end: End | undefined
  #pings: Pings | undefined
  #pongs: Pongs | undefined

  /**
   * Made by who has done the handshake only.
   *
   * @param head What came behind the handshake. It is the stream's.
   */
  constructor(carrier: FrameCarrier, rules: StreamRules, agreed: Agreed, head?: Buffer) {
    const { subprotocol, deflate } = agreed
    this.subprotocol = subprotocol
    this.#rules = rules
    this.#carrier = carrier
    this.#deflate = deflate
    this.#reader = new WebSocketReader(rules.reading, this, deflate && rules.newInflate())
    if (head !== undefined) this.#reader.push(head)
    carrier.startFrames(this.#reader)
    // A connection says itself what there is to say.
    if (this.id === 0) rules.leavers.add(this)
  }

  /** Of the connection below, for `skynet.socket.broadcast`; 0: it stands on something else. */
  get id(): number {
    return this.#carrier.id
  }

  get remoteAddress(): string {
    return this.#carrier.remoteAddress
  }

  get isOpen(): boolean {
    return this.#end === undefined && this.#carrier.isOpen
  }

  get bufferedAmount(): number {
    return this.#carrier.bufferedAmount
  }

  /**
   * How it has ended: what was told to the peer, or what the peer has told first. 1005: it was
   * closed without a code; 1006: it ended without a word. Undefined while it is open.
   */
  get closeCode(): number | undefined {
    if (this.#end !== undefined) return this.#end.code
    if (this.#reader.isAway) return CLOSE.away
    return this.#carrier.isOpen ? undefined : CLOSE.abnormal
  }

  /** What was said with `closeCode`; often empty. */
  get closeReason(): string {
    return this.#end?.reason ?? ''
  }

  /**
   * Send a message: a string as a text, bytes as binary. What one turn sends leaves in one system
   * call at its end, in order. As `MessageStream.send`.
   */
  send(message: string | Uint8Array): boolean {
    this.#checkOpen()
    const { sending } = this.#rules
    const deflate = this.#deflate
    if (deflate !== undefined) {
      sending.message.lengthOf(message)
      const bytes = deflated(deflate, message)
      if (bytes !== undefined) {
        const isText = typeof message === 'string'
        const format = isText ? sending.deflatedText : sending.deflatedBytes
        return this.#carrier.writeFrame(format, bytes)
      }
    }
    return this.#carrier.writeFrame(sending.message, message)
  }

  /** Resolves once everything sent so far has left. As `MessageStream.drain`. */
  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    this.#checkOpen()
    await this.#carrier.drain(options)
  }

  /** The next message; null at the end, see `closeCode`. As `MessageStream.receive`. */
  async receive(options?: WaitOptions): Promise<In | null> {
    checkWait('receive', options)
    this.#begin()
    const carrier = this.#carrier
    try {
      const message = carrier.nextFrame() ?? (await carrier.readFrame(options))
      if (message === null) this.over()
      else if (this.#mustLetOthers) await ourTurn()
      return message as In | null
    } catch (error) {
      this.broke(error)
      throw error
    } finally {
      this.#isReceiving = false
    }
  }

  /** Hand every message to `take`, up to the end. As `MessageStream.each`. */
  each(take: (message: In) => void | Promise<void>): Promise<void> {
    try {
      checkFunction('take messages', 'take', take)
      this.#begin()
    } catch (error) {
      return Promise.reject(error)
    }
    const handed = this.#deflate === undefined ? (take as Take) : inTurns(take as Take)
    return handAll(this.#carrier, handed, this)
  }

  /**
   * Ask the peer whether it is there. Somebody has to receive: pongs come between messages.
   *
   * @returns Milliseconds until its answer has come.
   * @throws {SkynetError} `ERR_SOCKET_CLOSED`; `ERR_SOCKET_BUSY` 64 are unanswered;
   * `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  async ping(options?: WaitOptions): Promise<number> {
    checkWait('ping', options)
    this.#checkOpen()
    this.#pings ??= new Pings(this.#rules.service, this.id)
    return this.#pings.ask(options, (payload) => {
      this.#carrier.writeFrame(this.#rules.sending.ping, payload)
    })
  }

  /**
   * Close both ways: the peer is told `code` and `reason` behind what was sent. Default: 1000.
   * Resolves when it is closed here. As `MessageStream.close`.
   */
  async close(code: number = CLOSE.normal, reason = ''): Promise<void> {
    checkClose(code, reason)
    const { isOpen } = this.#carrier
    const end = isOpen ? { code, reason } : { code: this.closeCode!, reason: '' }
    await this.#finish(end, closePayload(code, reason))
  }

  /** Messages up to the end. A failed receive does not close: there may be something to say. */
  [Symbol.asyncIterator](): AsyncIterator<In, undefined, void> {
    return new MessageLoop(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- control frames, as the reader sees them ---------------------------------------------------

  /** @internal */
  pinged(payload: Buffer): void {
    this.#pongs ??= new Pongs(this.#carrier, this.#rules.sending.pong)
    this.#pongs.answer(payload)
  }

  /** @internal */
  ponged(payload: Buffer): void {
    this.#pings?.answered(payload)
  }

  /** @internal The service ends. */
  leave(): boolean {
    if (this.#end !== undefined || !this.#carrier.isOpen) return false
    this.#reader.isAway = true
    this.#say(closePayload(CLOSE.away))
    return false
  }

  // --- turns -------------------------------------------------------------------------------------

  get #mustLetOthers(): boolean {
    return this.#deflate !== undefined && isTurnOver()
  }

  // --- its end -----------------------------------------------------------------------------------

  /** @throws {SkynetError} `ERR_SOCKET_CLOSED`. */
  #checkOpen(): void {
    if (this.#end !== undefined) throw this.#closed()
  }

  #closed(): SkynetError {
    return new SkynetError('ERR_SOCKET_CLOSED', { id: this.id })
  }

  /** @throws {SkynetError} `ERR_SOCKET_BUSY`. */
  #begin(): void {
    if (this.#isReceiving) throw new SkynetError('ERR_SOCKET_BUSY', { id: this.id })
    this.#isReceiving = true
  }

  /** @internal Nothing more comes: the peer has closed, or it ended without a word. */
  over(): void {
    this.#isReceiving = false
    const { closed } = this.#reader
    if (closed === undefined) {
      this.#finishSoon({ code: CLOSE.abnormal, reason: '' }, undefined)
      return
    }
    const { code } = closed
    this.#finishSoon(closed, closePayload(code === CLOSE.none ? undefined : code))
  }

  /** @internal Was it the peer? It is told so where the RFC has a code for it. */
  broke(error: unknown): void {
    this.#isReceiving = false
    const { failure, violation } = this.#reader
    if (failure === undefined || failure !== error) return
    const reason = toldReason(failure.message)
    if (violation === undefined) this.#finishSoon({ code: CLOSE.abnormal, reason: '' }, undefined)
    else this.#finishSoon({ code: violation, reason }, closePayload(violation, reason))
  }

  /** Nobody waits for it. */
  #finishSoon(end: End, said: Buffer | undefined): void {
    this.#finish(end, said).catch(() => {})
  }

  /** @param said The payload of the close frame; undefined: the peer hears no more. */
  async #finish(end: End, said: Buffer | undefined): Promise<void> {
    const carrier = this.#carrier
    if (this.#end === undefined) {
      this.#end = end
      this.#rules.leavers.remove(this)
      this.#pings?.fail(this.#closed())
      if (said !== undefined && carrier.isOpen) this.#say(said)
    }
    await carrier.close()
  }

  /** It may have been closed from below at this moment: then nobody is there to hear it. */
  #say(payload: Buffer): void {
    try {
      this.#carrier.writeFrame(this.#rules.sending.close, payload)
    } catch (error) {
      if (!(error instanceof SkynetError)) throw error
    }
  }
}
