import { CLOSE_CODES, type CloseCode } from '../../client/close-codes.ts'
import { encodeWire, FROM_SERVER } from '../../client/wire.ts'

/** One connection of a client, as a gate has it: a stream of messages of any transport. */
export interface SessionLink {
  /** For people, and for the agent. */
  readonly address: string
  readonly transport: string
  /** Bytes that were sent and have not left. Above `SessionLimits.sendMarkBytes` pushes wait. */
  readonly bufferedAmount: number
  /**
   * Send one message. Its bytes never change, and may be sent again later. Never throws, also not
   * when the connection has ended: `Visitor.lost` says so then. It may close its visitor from
   * within.
   */
  send(message: Uint8Array): void
  /**
   * The last call: send `message`, which tells the client why, and end the connection; a WebSocket
   * with the close code of `code` as well. Nothing of it need be told to its visitor any more.
   */
  close(message: Uint8Array, code: CloseCode, text: string): void
}

/** What a gate says when it closes: the row of the code, unless it knows better. */
export interface Closing {
  readonly code: CloseCode
  readonly text?: string | undefined
  readonly retryMs?: number | undefined
}

const CODE_CHARS_MAX = 64
/** Of a message with a code and a text: its head, and the code. */
const BESIDE_BYTES = 32 + 3 * CODE_CHARS_MAX

/** A code and a text for people, cut to what fits into a message: else nothing would be told. */
export function toldWords(code: string, text: string, messageBytesMax: number) {
  const chars = Math.floor((messageBytesMax - BESIDE_BYTES) / 3)
  return { code: code.slice(0, CODE_CHARS_MAX), text: text.slice(0, Math.max(0, chars)) }
}

/** Tell the client why, and end the connection. */
export function closeLink(link: SessionLink, closing: Closing, messageBytesMax: number): void {
  const { code } = closing
  const row = CLOSE_CODES[code]
  const { retryMs = row.retryMs } = closing
  const isOver = row.ends ? 1 : 0
  const { text } = toldWords(code, closing.text ?? row.text, messageBytesMax)
  link.close(encodeWire(FROM_SERVER, { kind: 'close', code, text, retryMs, isOver }), code, text)
}
