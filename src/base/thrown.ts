/**
 * What somebody threw, as text. Anything can be thrown, also what throws when it is looked at:
 * nothing here does.
 */
import { fileURLToPath } from 'node:url'
import { type InspectOptions, inspect, types } from 'node:util'
import { shown } from './check.ts'
import { TEXT_CHARS_MAX } from './limits.ts'
import { beginOf } from './text.ts'

/** Causes of causes that are told. A cycle ends here too. */
const CAUSES_MAX = 5

/** Also one of another context of `node:vm`, whose classes are not ours. */
const isAnError = (thrown: unknown): thrown is Error =>
  thrown instanceof Error || types.isNativeError(thrown)

/** Is it an error at all? A revoked proxy throws when it is asked. */
export function isError(thrown: unknown): thrown is Error {
  try {
    return isAnError(thrown) && typeof thrown.name === 'string'
  } catch {
    return false
  }
}

/** The stack, or the value when it is no error, and its causes. */
export function describe(thrown: unknown): string {
  try {
    const lines = [toldOf(thrown)]
    let error = causeOf(thrown)
    while (error !== undefined && lines.length <= CAUSES_MAX) {
      lines.push(`  caused by ${toldOf(error)}`)
      error = causeOf(error)
    }
    return beginOf(lines.join('\n'))
  } catch {
    return shown(thrown)
  }
}

/** For a log: a string as it is, an error with its stack and causes, the rest as `console.log`. */
export function printed(value: unknown): string {
  if (typeof value === 'string') return beginOf(value)
  if (isError(value)) return describe(value)
  return inspected(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
}

/** The same as `inspect`, which runs what a value has for it, and throws what that throws. */
export function inspected(value: unknown, options?: InspectOptions): string {
  try {
    return beginOf(inspect(value, options))
  } catch {
    return shown(value)
  }
}

function toldOf(error: unknown): string {
  if (!isAnError(error)) return asText(error)
  return stackOf(error) || `${beginOf(String(error.name))}: ${messageOf(error)}`
}

const causeOf = (error: unknown): unknown => (isAnError(error) ? error.cause : undefined)

/** The message of an error, or the value; no longer than `TEXT_CHARS_MAX`. */
export function messageOf(thrown: unknown): string {
  try {
    return isAnError(thrown) ? told(thrown.message) : asText(thrown)
  } catch {
    return shown(thrown)
  }
}

const told = (message: unknown): string =>
  beginOf(String(message), TEXT_CHARS_MAX, 'an error message')

/** A string as it is; an empty one in quotes, to be seen. */
const asText = (value: unknown): string =>
  typeof value === 'string' && value !== '' ? beginOf(value) : shown(value)

/**
 * What the system says when a process has as many descriptors as it may have: say what that is.
 * Node.js 26 gives the words without the code where it looks for a package.json.
 */
export function withHint(text: string): string {
  const isOutOf = /\bEMFILE\b|too many open files/i.test(text)
  return isOutOf ? `${text}; raise the limit of open files (ulimit -n)` : text
}

/** The stack, or '' when there is none, or it is longer than `TEXT_CHARS_MAX`. */
export function stackOf(thrown: unknown): string {
  try {
    const stack = isAnError(thrown) ? String(thrown.stack ?? '') : ''
    return stack.length > TEXT_CHARS_MAX ? '' : stack
  } catch {
    return ''
  }
}

/** Of a stack so much is looked through: the message in it may be long, and anybody's. */
const STACK_MAX = 8 * 1024
const OWN = new URL('../', import.meta.url).href
/** What Node.js puts above an error of a module's text: the file and the line, then that line. */
const ABOVE = /^((?:file:\/\/)?\/.*)(:\d+)\n/
/** Below what loads modules are those who asked for one, not where it went wrong. */
const LOADER = /^ +at .*\bnode:internal\/modules\//m
/** Frames in files of somebody; one within an `eval` names two places, and neither is whole. */
const FRAMES = /^ +at (?!.*\(eval at )(?:.*?[ (])?((?:file:\/\/)?\/.*)(:\d+:\d+)\)?$/gm

/** A URL of our own code, which says nothing about whose fault it is: who called it is below. */
export const isOwn = (url: string): boolean => url.startsWith(OWN)

function innermost(stack: string): RegExpMatchArray | undefined {
  const frame = [...stack.matchAll(FRAMES)].find(([, file]) => !isOwn(file!))
  const isAsker = LOADER.test(stack.slice(0, frame?.index))
  return isAsker ? undefined : frame
}

/**
 * The stack of whoever called `below`, so many frames of it, whatever the limit of the process is.
 * With `--frozen-intrinsics` that limit stays, and assigning to it would throw.
 */
export function stackAbove(
  below: (...args: never[]) => unknown,
  frames: number,
): { stack?: unknown } {
  const { stackTraceLimit } = Error
  const captured = {}
  Reflect.set(Error, 'stackTraceLimit', frames)
  Error.captureStackTrace(captured, below)
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit)
  return captured
}

/**
 * `/srv/main.ts:12:5`: the innermost place of the stack that is a file of somebody, or without a
 * column the place of a syntax error. Empty when it is unknown.
 */
export const placeOf = (thrown: unknown): string => placeIn(stackOf(thrown))

/** The same of a stack that nobody threw. */
export function placeIn(whole: string): string {
  try {
    const stack = whole.slice(0, STACK_MAX)
    const found = ABOVE.exec(stack) ?? innermost(stack)
    const [, file = '', at = ''] = found ?? []
    return (file.startsWith('file:') ? fileURLToPath(file) : file) + at
  } catch {
    return ''
  }
}
