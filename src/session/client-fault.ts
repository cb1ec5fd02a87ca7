/** What a handler tells its client on purpose. All else that it throws is told without words. */
import { checkString, checkText } from '../base/check.ts'

/**
 * Thrown by a handler of an agent, or by a login: the client gets this code and this text.
 *
 *     if (!room.isOpen) throw new ClientFault('room-closed', 'This room is closed')
 */
export class ClientFault extends Error {
  readonly code: string

  /**
   * @param code For programs: not empty. Codes that begin with `ERR_` are those of skynet-ts.
   * @param text For people.
   */
  constructor(code: string, text = '') {
    checkText('tell a client', 'code', code)
    checkString('tell a client', 'text', text)
    super(text)
    this.name = 'ClientFault'
    this.code = code
  }
}
