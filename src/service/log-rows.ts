/** What the node itself tells its logger: lines, and that its file was renamed. */
import type { Message } from '../kernel/message.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { LogLedger } from './log-ledger.ts'
import { isThenable } from './sendable.ts'
import type { MessageRows, Service } from './service.ts'

/** SYSTEM is also what a service gets whose call was passed on. */
export function addLogRows(rows: MessageRows, ledger: LogLedger): void {
  rows[PTYPE.TEXT] = {
    receive: (service, message) => service.run('text', () => text(ledger, service, message)),
  }
  rows[PTYPE.SYSTEM] = {
    receive: (service, message) => {
      if (message.session !== 0) service.redirected(message)
      else service.run('reopen', () => service.requests.reopen())
    },
  }
}

/** A line has its number as its session: the ledger is told when it is written. */
function text(ledger: LogLedger, { requests }: Service, message: Message): unknown {
  const { session } = message
  if (session >= 0) return requests.text(message)
  const written = (): void => ledger.written(session)
  ledger.taken(session)
  let result: unknown
  try {
    result = requests.text(message)
    return isThenable(result) ? Promise.resolve(result).finally(written) : result
  } finally {
    if (!isThenable(result)) written()
  }
}
