/** A conversation of KCP as a service has it: messages both ways, over UDP. */
import { checkBytes, checkFunction } from '../../base/check.ts'
import { SkynetError } from '../../base/errors.ts'
import { SEND_WARNING_BYTES } from '../../base/limits.ts'
import { checkWait, type WaitOptions } from '../../service/wait-options.ts'
import { checkClose, type MessageStream } from '../../sockets/message-stream.ts'
import { closedBy } from '../../sockets/socket-life.ts'
import type { Conversation } from './conversation.ts'
import { LookWaits } from './look-waits.ts'
import type { KcpPort } from './port.ts'

/**
 * Obtained from `listenKcp`, `connectKcp`. Messages arrive whole, in order and once, or the stream
 * fails. `send` never waits; what is sent is on its way at the end of the turn.
 */
export class KcpStream implements MessageStream {
  /** Of the UDP socket, which a listener has for all of its streams. */
  readonly id: number
  readonly #port: KcpPort
  readonly #conversation: Conversation
  readonly #sendLimitBytes: number
  readonly #messageBytesMax: number
  readonly #waits: LookWaits
  #isClosed = false
  #isReceiving = false

  /** Made by listen.ts and connect.ts only. */
  constructor(
    port: KcpPort,
    conversation: Conversation,
    limits: {
      readonly sendLimitBytes: number
      readonly core: { readonly messageBytesMax: number }
    },
  ) {
    this.id = port.udp.id
    this.#port = port
    this.#conversation = conversation
    this.#sendLimitBytes = limits.sendLimitBytes
    this.#messageBytesMax = Math.min(
      limits.core.messageBytesMax,
      conversation.core.outgoing.longestMessage,
    )
    this.#waits = new LookWaits(port.service, this.id)
    conversation.owner = this
  }

  /** `ip:port` from which the peer was last proven to send. */
  get remoteAddress(): string {
    return this.#conversation.route.address.toString()
  }

  get isOpen(): boolean {
    return this.#conversation.isOpen && !this.#port.service.hasEnded
  }

  /** Bytes that the peer has not acknowledged. */
  get bufferedAmount(): number {
    return this.#conversation.core.outgoing.bytes
  }

  /** How long the way there and back takes, in ms, smoothed; 0: not known. */
  get roundTripMs(): number {
    return this.#conversation.core.roundTripMs
  }

  /** Segments that were sent more than once: what was lost, or seemed so. */
  get resent(): number {
    return this.#conversation.core.resent
  }

  /** By which it was closed, here or there; 0: without one, or not closed. */
  get closeCode(): number {
    return this.#conversation.end?.code ?? 0
  }

  /** As `closeCode`; empty: none. */
  get closeReason(): string {
    return this.#conversation.end?.reason ?? ''
  }

  /**
   * Send a message. As `MessageStream.send`; beyond `sendLimitBytes` the stream fails.
   *
   * @throws {SkynetError} `ERR_FRAME_TOO_LARGE` for more than `messageBytesMax` here, or than 127
   * segments.
   */
  send(message: string | Uint8Array): boolean {
    checkBytes('send', 'message', message)
    const bytes = Buffer.from(message as Uint8Array)
    const limit = this.#messageBytesMax
    if (bytes.length > limit) {
      throw new SkynetError('ERR_FRAME_TOO_LARGE', { bytes: bytes.length, limit })
    }
    if (!this.isOpen) throw this.#closed()
    const waiting = this.bufferedAmount + bytes.length
    if (waiting > this.#sendLimitBytes) {
      const failure = `${waiting} bytes wait to be sent, the limit is ${this.#sendLimitBytes}`
      this.#conversation.fail(failure, this.#port.now)
      return false
    }
    this.#conversation.post(bytes)
    return waiting < SEND_WARNING_BYTES
  }

  /** Resolves once the peer has acknowledged all that was sent by now. */
  async drain(options?: WaitOptions): Promise<void> {
    checkWait('drain', options)
    const { core } = this.#conversation
    const mark = core.outgoing.end
    await this.#waits.until(
      'drain',
      () => {
        if (!this.isOpen) throw this.#failure() ?? this.#closed()
        return core.outgoing.hasLeft(mark) || undefined
      },
      options,
    )
  }

  async receive(options?: WaitOptions): Promise<Buffer | null> {
    checkWait('receive', options)
    this.#begin()
    try {
      const message = this.#next()
      return message !== undefined ? message : await this.#wait(options)
    } finally {
      this.#isReceiving = false
    }
  }

  async each(take: (message: Buffer) => void | Promise<void>): Promise<void> {
    checkFunction('take messages', 'take', take)
    this.#begin()
    try {
      for (;;) {
        const message = this.#next() ?? (await this.#wait(undefined))
        if (message === null) return
        const taken: unknown = take(message)
        if (typeof taken === 'object' && taken !== null) await taken
      }
    } finally {
      this.#isReceiving = false
    }
  }

  #wait(options: WaitOptions | undefined): Promise<Buffer | null> {
    return this.#waits.until('receive from', () => this.#next(), options)
  }

  /** @returns Undefined: there is nothing yet. @throws {SkynetError} Why nothing will come. */
  #next(): Buffer | null | undefined {
    if (this.#isClosed) return null
    const message = this.#conversation.take()
    if (message !== undefined) return message
    const failure = this.#failure()
    if (failure !== undefined) throw failure
    return this.#conversation.end === undefined ? undefined : null
  }

  #failure(): SkynetError | undefined {
    const { core, end } = this.#conversation
    if (core.incoming.refused === 'large') {
      const limit = this.#messageBytesMax
      return new SkynetError('ERR_FRAME_TOO_LARGE', { bytes: core.incoming.bytes, limit })
    }
    if (end?.failure === undefined) return undefined
    if (core.incoming.refused !== undefined) {
      return new SkynetError('ERR_FRAME_MALFORMED', { reason: end.failure })
    }
    return new SkynetError('ERR_SOCKET_FAILED', { id: this.id, reason: end.failure })
  }

  #closed(): SkynetError {
    return closedBy(this.id, this.#failure())
  }

  /** @throws {SkynetError} `ERR_SOCKET_BUSY`. */
  #begin(): void {
    if (this.#isReceiving) throw new SkynetError('ERR_SOCKET_BUSY', { id: this.id })
    this.#isReceiving = true
  }

  /**
   * Close both ways; the peer is told, with code and reason. What was sent has `lingerMs` to
   * arrive. Resolves when the peer knows, or does not answer.
   */
  async close(code?: number, reason?: string): Promise<void> {
    checkClose(code, reason)
    this.#isClosed = true
    const conversation = this.#conversation
    conversation.core.incoming.clear()
    conversation.close(code ?? 0, reason ?? '', this.#port.now)
    this.#port.arm()
    this.#waits.look()
    const { service } = this.#port
    if (service.hasEnded) return
    await this.#waits.until('close', () => conversation.state === 'over' || undefined)
  }

  /** @internal Called by the conversation. */
  changed(): void {
    this.#waits.look()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, undefined, void> {
    try {
      for (let next = await this.receive(); next !== null; next = await this.receive()) yield next
    } finally {
      await this.close()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
