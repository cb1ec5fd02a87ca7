/** What the command says about itself: one line each, on standard error. */
import { inspect } from 'node:util'
import { withHint } from '../base/thrown.ts'

/** The user's words make no sense: the answer ends with where to look. */
export class UsageError extends Error {}

export function say(text: string): void {
  process.stderr.write(`skynet: ${text}\n`)
}

/** An error in one line. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message : inspect(error)
  const lines = message.split('\n').map((line) => line.trim())
  return `${withHint(lines.join(' '))}${error instanceof UsageError ? `; see 'skynet help'` : ''}`
}

/** With `SKYNET_DEBUG` in the environment the stack comes along. */
export function report(error: unknown): void {
  say(explain(error))
  if (process.env.SKYNET_DEBUG) process.stderr.write(`${inspect(error)}\n`)
}
