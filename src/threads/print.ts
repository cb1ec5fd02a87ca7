/** Lines of the node itself, for when no logger can be relied on: on standard error. */
import { formatJson, formatLine, type LogFormat, type LogLine } from '../service/log.ts'

export interface Printer {
  readonly line: (line: LogLine) => void
  readonly error: (text: string) => void
}

export function printer(format: LogFormat): Printer {
  const toEntry = format === 'json' ? formatJson : formatLine
  const line = (entry: LogLine): void => {
    process.stderr.write(`${toEntry(entry)}\n`)
  }
  return {
    line,
    error: (text) => line({ at: Date.now(), level: 'error', handle: 0, title: '', text }),
  }
}
