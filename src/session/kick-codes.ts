/** Why a session may be ended by who serves it: codes after which its client does not want it. */
import { checkChoice, checkString } from '../base/check.ts'
import { CLOSE_CODES, type CloseCode } from '../client/close-codes.ts'

type Rows = typeof CLOSE_CODES

/** The codes that end a session. With another one its client would come back, and find nothing. */
export type KickCode = {
  [Code in CloseCode]: Rows[Code]['ends'] extends true ? Code : never
}[CloseCode]

const CODES = Object.keys(CLOSE_CODES).filter((code) => CLOSE_CODES[code as CloseCode].ends)

/** @throws {TypeError} Unless it is a code that ends a session, and a text. */
export function checkKick(what: string, code: unknown, text: unknown): void {
  checkChoice(what, 'code', code, CODES)
  checkString(what, 'text', text)
}
