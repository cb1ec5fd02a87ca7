/** How messages become frames of WebSocket: whole, masked by clients. */
import { checkBytes } from '../../base/check.ts'
import { MESSAGE_BYTES_MAX } from '../../base/limits.ts'
import { frameTooLarge } from '../../frames/frame-format.ts'
import { frameOf } from '../../sockets/frame-carrier.ts'
import { mask, newMask } from './mask.ts'
import { CONTROL_BYTES_MAX, FIN, MASKED, OPCODE, RSV1 } from './opcodes.ts'

/** Frames of one kind, as a `FrameCarrier` writes them. Nothing in it changes. */
export class WebSocketFrames {
  /** First byte of the frame of a string, and of bytes. */
  readonly #text: number
  readonly #bytes: number
  readonly #isMasked: boolean
  readonly #bytesMax: number

  constructor(text: number, bytes: number, isMasked: boolean, bytesMax: number) {
    this.#text = FIN | text
    this.#bytes = FIN | bytes
    this.#isMasked = isMasked
    this.#bytesMax = bytesMax
  }

  /** @throws {SkynetError} `ERR_FRAME_TOO_LARGE`. `TypeError` for what is no message. */
  lengthOf(body: string | Uint8Array): number {
    checkBytes('send', 'message', body)
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
    if (length > this.#bytesMax) throw frameTooLarge(length, this.#bytesMax)
    return length
  }

  overhead(length: number): number {
    const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
    return this.#isMasked ? head + 4 : head
  }

  put(into: Buffer, at: number, body: string | Uint8Array, length: number, overhead: number): void {
    const isMasked = this.#isMasked
    into[at] = typeof body === 'string' ? this.#text : this.#bytes
    const bit = isMasked ? MASKED : 0
    if (length < 126) into[at + 1] = bit | length
    else if (length < 65_536) {
      into[at + 1] = bit | 126
      into[at + 2] = length >>> 8
      into[at + 3] = length
    } else {
      into[at + 1] = bit | 127
      into.writeUInt32BE(0, at + 2)
      into.writeUInt32BE(length, at + 6)
    }
    const from = at + overhead
    if (typeof body === 'string') into.write(body, from)
    else into.set(body, from)
    if (!isMasked) return
    const word = newMask()
    into.writeInt32LE(word, from - 4)
    mask(into, from, from + length, word)
  }
}

/** What one side writes. */
export interface Sending {
  readonly message: WebSocketFrames
  /** Bytes that were compressed: of a text, and of bytes. */
  readonly deflatedText: WebSocketFrames
  readonly deflatedBytes: WebSocketFrames
  readonly ping: WebSocketFrames
  readonly pong: WebSocketFrames
  readonly close: WebSocketFrames
}

/** @param messageBytesMax Longest message in bytes, as it is before it is compressed. */
export function sendingOf(isClient: boolean, messageBytesMax: number): Sending {
  const frames = (text: number, bytes = text): WebSocketFrames =>
    new WebSocketFrames(text, bytes, isClient, messageBytesMax)
  const control = (opcode: number): WebSocketFrames =>
    new WebSocketFrames(opcode, opcode, isClient, CONTROL_BYTES_MAX)
  return {
    message: frames(OPCODE.text, OPCODE.binary),
    deflatedText: frames(RSV1 | OPCODE.text),
    deflatedBytes: frames(RSV1 | OPCODE.binary),
    ping: control(OPCODE.ping),
    pong: control(OPCODE.pong),
    close: control(OPCODE.close),
  }
}

const FOR_ALL = new WebSocketFrames(OPCODE.text, OPCODE.binary, false, MESSAGE_BYTES_MAX)

/**
 * The frame in which a server sends `message`: a string is a text, bytes are binary. Encoded once,
 * however many get it:
 *
 *     skynet.socket.broadcast(ids, webSocketFrame('the wolf moves'))
 *
 * @throws {SkynetError} `ERR_FRAME_TOO_LARGE` for more than 256 MiB. `TypeError` for no message.
 */
export const webSocketFrame = (message: string | Uint8Array): Buffer => frameOf(FOR_ALL, message)
