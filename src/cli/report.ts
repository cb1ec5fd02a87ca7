/** What the command says about itself: one line each, on standard error. */
import { wallNow } from '../base/event-loop.ts'
import { sayLost, standardError } from '../base/output.ts'
import { inspected, isError, messageOf, withHint } from '../base/thrown.ts'
import { escapedLine, formatJson, type LogFormat, type LogLevel } from '../service/log.ts'

/** The user's words make no sense: the answer ends with where to look. */
export class UsageError extends Error {}

let format: LogFormat = 'text'

/** What a node says on standard error looks as the lines of its logger do. */
export function sayAs(given: LogFormat): void {
  format = given
  sayLost(entryOf)
}

export function say(text: string, level: LogLevel = 'info'): void {
  standardError().addLine(entryOf(text, level))
}

function entryOf(text: string, level: LogLevel = 'error'): string {
  const line = { at: wallNow(), level, handle: 0, title: '', text: `skynet: ${text}` }
  return format === 'json' ? formatJson(line) : escapedLine(line.text)
}

/** An error in one line. */
export function explain(error: unknown): string {
  const message = isError(error) ? messageOf(error) : inspected(error)
  const lines = message.split('\n').map((line) => line.trim())
  return `${withHint(lines.join(' '))}${error instanceof UsageError ? `; see 'skynet help'` : ''}`
}

/** With `SKYNET_DEBUG` in the environment the stack comes along. */
export function report(error: unknown): void {
  say(explain(error), 'error')
  if (!process.env.SKYNET_DEBUG) return
  if (format === 'json') say(inspected(error), 'error')
  else standardError().addLine(inspected(error))
}
