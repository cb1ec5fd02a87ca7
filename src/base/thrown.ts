/**
 * What somebody threw, as text. Anything can be thrown, also what throws when it is looked at:
 * nothing here does.
 */
import { inspect } from 'node:util'
import { shown } from './check.ts'

/** Causes of causes that are told. A cycle ends here too. */
const CAUSES_MAX = 5

/** Is it an error at all? A revoked proxy throws when it is asked. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return thrown instanceof Error && typeof thrown.name === 'string'
  } catch {
    return false
  }
}

/** The stack, or the value when it is no error, and its causes. */
export function describe(thrown: unknown): string {
  try {
    const lines: string[] = []
    let error = thrown
    for (let depth = 0; error !== undefined && depth <= CAUSES_MAX; depth++) {
      lines.push(depth === 0 ? toldOf(error) : `  caused by ${toldOf(error)}`)
      error = error instanceof Error ? error.cause : undefined
    }
    return lines.join('\n')
  } catch {
    return shown(thrown)
  }
}

/** For a log: a string as it is, an error with its stack and causes, the rest as `console.log`. */
export function printed(value: unknown): string {
  if (typeof value === 'string') return value
  if (isError(value)) return describe(value)
  try {
    return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
  } catch {
    return shown(value)
  }
}

function toldOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : shown(error)
  return error.stack ?? `${error.name}: ${error.message}`
}

/** The message of an error, or the value. */
export function messageOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : asText(thrown)
  } catch {
    return shown(thrown)
  }
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : shown(value))

/** What the system says when a process has as many descriptors as it may have: say what that is. */
export function withHint(text: string): string {
  return /\bEMFILE\b/.test(text) ? `${text}; raise the limit of open files (ulimit -n)` : text
}

/** The stack, or '' when there is none. */
export function stackOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.stack ?? '') : ''
  } catch {
    return ''
  }
}

/** `main.ts:12:5`, the first place of the stack that is a file of somebody; empty: unknown. */
export function placeOf(thrown: unknown): string {
  try {
    const place = /\(?(?:file:\/\/)?(\/[^\s()]+:\d+:\d+)\)?$/m.exec(stackOf(thrown))
    return place?.[1] ?? ''
  } catch {
    return ''
  }
}
