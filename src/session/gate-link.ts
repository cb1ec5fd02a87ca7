/** One connection of a client: its messages on their way into the core of sessions, and out. */
import { isSkynetError } from '../base/errors.ts'
import { CLOSE_REASON_BYTES_MAX } from '../base/limits.ts'
import { CLOSE_CODES, type CloseCode } from '../client/close-codes.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import type { SessionLink } from './core/session-link.ts'
import type { Visitor } from './core/visitor.ts'

/** What a link needs of its gate. */
export interface GateLinkHost<Owner> {
  readonly sendMarkBytes: number
  readonly sendLimitBytes: number
  /** Those whose clients are not read, as they have asked for more than is answered. */
  readonly held: Set<GateLink<Owner>>
  /** For so long they are not silent. */
  readonly heldMsMax: number
  now(): number
  /** A message was heard. Undefined: read on. Else wait for it before that. */
  heard(visitor: Visitor<Owner>): Promise<void> | undefined
  fault(what: string, error: unknown): void
}

/** Why a stream has broken, as the client is told; all else is a connection that was lost. */
const BROKEN: Readonly<Record<string, CloseCode>> = {
  ERR_FRAME_TOO_LARGE: 'size',
  ERR_FRAME_MALFORMED: 'protocol',
}

export class GateLink<Owner> implements SessionLink {
  readonly address: string
  readonly transport: string
  readonly #host: GateLinkHost<Owner>
  readonly #stream: MessageStream
  #visitor: Visitor<Owner> | undefined
  #isDraining = false
  #heldAt = 0

  constructor(
    host: GateLinkHost<Owner>,
    stream: MessageStream,
    address: string,
    transport: string,
  ) {
    this.#host = host
    this.#stream = stream
    this.address = address
    this.transport = transport
  }

  get bufferedAmount(): number {
    return this.#stream.bufferedAmount
  }

  /** Hear the client from now on. Resolves when the connection is over. */
  async hear(visitor: Visitor<Owner>): Promise<void> {
    this.#visitor = visitor
    const stream = this.#stream
    try {
      await stream.each((message) => {
        visitor.heard(message)
        const room = this.#host.heard(visitor)
        return room === undefined ? undefined : this.#hold(room)
      })
    } catch (error) {
      this.#broken(visitor, error)
    }
    visitor.lost()
  }

  /** Resolves when nothing of it is left: its client may take its time to hear the end. */
  async end(): Promise<void> {
    await this.#stream.close().catch(() => {})
  }

  async #hold(room: Promise<void>): Promise<void> {
    const { held } = this.#host
    this.#heldAt = this.#host.now()
    held.add(this)
    await room
    this.keepAlive()
    held.delete(this)
  }

  /**
   * What its client says while it is not read is not heard: that is no silence. But nor is its end
   * heard, so there is one to that.
   */
  keepAlive(): void {
    const { now, heldMsMax } = this.#host
    if (now() - this.#heldAt < heldMsMax) this.#visitor?.alive()
  }

  #broken(visitor: Visitor<Owner>, error: unknown): void {
    for (const [code, told] of Object.entries(BROKEN)) {
      if (isSkynetError(error, code as 'ERR_FRAME_TOO_LARGE')) visitor.close(told)
    }
    if (!isSkynetError(error)) this.#host.fault('messages of a client', error)
  }

  send(message: Uint8Array): void {
    const stream = this.#stream
    if (!stream.isOpen) return
    if (stream.bufferedAmount + message.length > this.#host.sendLimitBytes) {
      this.#visitor?.close('overflow')
      return
    }
    this.#write(message)
    if (stream.bufferedAmount >= this.#host.sendMarkBytes) void this.#drain()
  }

  /**
   * A stream that has failed meanwhile says so to who reads it. What this stream cannot carry, as
   * KCP with the small packets of its client, is neither lost nor waited for: the session ends.
   */
  #write(message: Uint8Array): void {
    try {
      this.#stream.send(message)
    } catch (error) {
      if (!isSkynetError(error)) throw error
      if (isSkynetError(error, 'ERR_FRAME_TOO_LARGE')) this.#visitor?.close('size')
    }
  }

  /**
   * Tell the visitor when what was sent has left. More may be sent while it leaves, as soon as
   * there is room, and nobody asks again for that: so there is room when this is over.
   */
  async #drain(): Promise<void> {
    if (this.#isDraining) return
    this.#isDraining = true
    try {
      do await this.#stream.drain()
      while (this.bufferedAmount >= this.#host.sendMarkBytes)
    } catch {
      // The connection is over.
      return
    } finally {
      this.#isDraining = false
    }
    this.#visitor?.drained()
  }

  close(message: Uint8Array, code: CloseCode, text: string): void {
    if (this.#stream.isOpen) this.#write(message)
    this.#stream.close(CLOSE_CODES[code].webSocket, closeReason(text)).catch(() => {})
  }
}

/** As much of a text as a WebSocket can tell. */
export function closeReason(text: string): string {
  let reason = text.slice(0, CLOSE_REASON_BYTES_MAX)
  while (Buffer.byteLength(reason) > CLOSE_REASON_BYTES_MAX) reason = reason.slice(0, -1)
  // Half of a character is none.
  return /[\ud800-\udbff]$/.test(reason) ? reason.slice(0, -1) : reason
}
