/** Lines of the node itself, for when no logger can be relied on: on standard error. */
import { wallNow } from '../../base/event-loop.ts'
import { sayLost, standardError } from '../../base/output.ts'
import { formatJson, formatLine, type LogFormat, type LogLine } from '../../service/log.ts'

export interface Printer {
  readonly line: (line: LogLine) => void
  readonly error: (text: string) => void
}

export function printer(format: LogFormat): Printer {
  const toEntry = format === 'json' ? formatJson : formatLine
  const entryOf = (text: string): string =>
    toEntry({ at: wallNow(), level: 'error', handle: 0, title: '', text })
  sayLost(entryOf)
  return {
    line: (line) => standardError().addLine(toEntry(line)),
    error: (text) => standardError().addLine(entryOf(text)),
  }
}
