/** What fails at a client: one class, its own codes in one table. */

import { FULL } from './full.ts'

/** Codes that the client itself gives. A server gives others: see docs/client.md. */
export const CLIENT_ERRORS = {
  ABORT_ERR: 'aborted',
  ERR_CLIENT_CLOSED: 'the client is closed',
  ERR_CLIENT_FULL: 'too much waits for answers',
  ERR_CLIENT_LAG: 'the loop is too slow',
  ERR_CLIENT_LOST: 'the session has ended, it may have run',
  ERR_CLIENT_NO_WEBSOCKET:
    "no WebSocket here, as in Node.js before 22: give the option 'WebSocket' or 'transport'",
  ERR_CLIENT_TIMEOUT: 'no answer in time',
  ERR_CLIENT_TOO_LONG: 'longer than the server takes',
  ERR_CLIENT_UNREADABLE: 'what the server says cannot be read',
} as const

export type ClientErrorCode = keyof typeof CLIENT_ERRORS

/** A failure of the world at a client. What is asked wrongly is a `TypeError` or a `RangeError`. */
export class ClientError extends Error {
  /** {@link ClientErrorCode}, or what the server has told: a code of its own or of the game's. */
  declare readonly code: string
  /** What is wrong, for people: in the server's words where it has said something. */
  declare readonly text: string
  /** Why the session is over, when that is the reason: a row of the table of close codes. */
  declare readonly closeCode: string | undefined

  /** @param text In place of what the table has for the code. */
  constructor(code: string, what: string, text?: string, closeCode?: string, cause?: unknown) {
    // A server may say any code.
    const known =
      FULL && Object.hasOwn(CLIENT_ERRORS, code) && CLIENT_ERRORS[code as ClientErrorCode]
    const reason = text || known || code
    super(`Cannot ${what}: ${reason}`, cause === undefined ? undefined : { cause })
    const name = code === 'ABORT_ERR' ? 'AbortError' : 'ClientError'
    Object.assign(this, { name, code, text: reason, closeCode })
  }
}
