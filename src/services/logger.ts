/** `.logger`: writes the lines of all services to standard output, or to a file with times. */
import { SkynetError } from '../base/errors.ts'
import { isoTime, wallNow } from '../base/event-loop.ts'
import { messageOf } from '../base/thrown.ts'
import { formatJson, formatLine, type LogFormat, type LogLine } from '../service/log.ts'
import { defineService } from '../skynet/define-service.ts'
import { LogWriter } from './log-writer.ts'

export default defineService(async (skynet, file: string | undefined, format: LogFormat) => {
  const timed = (line: LogLine): string => `${isoTime(line.at)} ${formatLine(line)}`
  const toText = file === undefined ? formatLine : timed
  const toEntry = format === 'json' ? formatJson : toText
  const own = { level: 'error', handle: skynet.self, title: 'services/logger' } as const
  const opened = LogWriter.open(file, {
    onFault: (text) => skynet.error(text),
    entryOf: (text) => toEntry({ ...own, at: wallNow(), text }),
  })
  const writer = await opened.catch((cause: unknown) => {
    const info = { call: `open log file ${file} (config key 'logger')`, reason: messageOf(cause) }
    throw new SkynetError('ERR_SYSCALL', info, { cause })
  })

  skynet.onExit(() => writer.close())
  skynet.register('.logger')
  return {
    /** A TEXT message: `source` is its sender. Done when the line is written. */
    text: (_source: number, line: LogLine): Promise<void> => writer.add(toEntry(line)),
    /** A SYSTEM message, as Skynet's after SIGHUP: the file was renamed. */
    reopen: (): Promise<void> => writer.reopen(),
  }
})
