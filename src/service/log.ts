/** What loggers get, and the two forms in which ours writes it. */
import { checkChoice, checkInteger, checkString, isObject, refusal } from '../base/check.ts'
import { isoTime } from '../base/event-loop.ts'

export type LogLevel = 'info' | 'error'
const LEVELS: readonly LogLevel[] = ['info', 'error']

/** `text`: a line for people, as Skynet's. `json`: one object a line, for machines. */
export type LogFormat = 'text' | 'json'

/** What one call of `skynet.log` or `skynet.error` says, as it comes to the logger service. */
export interface LogLine {
  /** Wall clock, ms since 1970. */
  readonly at: number
  readonly level: LogLevel
  /** Who says it; 0: the node. */
  readonly handle: number
  /** What that service is called. */
  readonly title: string
  readonly text: string
}

/** What could play tricks on a terminal, or show a line in another place or order than it has. */
const UNSEEN = '\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028\\u2029\\p{Bidi_Control}'
const CONTROL = new RegExp(`[${UNSEEN}]`, 'gu')
const CONTROL_OR_END = new RegExp(`[${UNSEEN}\\t\\n]`, 'gu')
/** Of these, what JSON leaves as they are. */
const CONTROL_IN_JSON = /[\x7f-\x9f\u2028\u2029\p{Bidi_Control}]/gu
/** An end of line behind which what follows could be taken for the begin of an entry. */
const BARE_END = /\n(?=[^ \t\n])/g

function code(char: string): string {
  const hex = char.charCodeAt(0).toString(16)
  return hex.length <= 2 ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`
}

/** Text of somebody as a part of one line: nothing in it acts on who reads it. */
export const escapedLine = (text: string): string => text.replace(CONTROL_OR_END, code)

/** The same of several lines, as a stack has: those behind the first are indented. */
const escaped = (text: string): string => text.replace(CONTROL, code).replace(BARE_END, '\n    ')

const address = (handle: number): string => `:${handle.toString(16).padStart(8, '0')}`

/** The last moment that a `Date` has: ms since 1970. */
const TIME_MS_MAX = 8.64e15

function checkTime(at: unknown): void {
  if (typeof at === 'number' && Math.abs(at) <= TIME_MS_MAX) return
  const wrong = typeof at === 'number' ? 'range' : 'type'
  throw refusal(wrong, 'format a line', 'at', 'milliseconds since 1970', at)
}

/** @throws `TypeError`, `RangeError` unless all is there that both forms have. */
function checkLine(line: unknown): void {
  if (!isObject(line)) {
    throw refusal('type', 'format a line', 'line', 'what a logger gets', line)
  }
  const { level, handle, title, text } = line as LogLine
  checkChoice('format a line', 'level', level, LEVELS)
  checkInteger('format a line', 'handle', handle, 0, 0xffffffff)
  checkString('format a line', 'title', title)
  checkString('format a line', 'text', text)
}

/** Skynet's form, with the service's name: `[:0000000a chat/agent] text`. */
export function formatLine(line: LogLine): string {
  checkLine(line)
  const { level, handle, title, text } = line
  const who = `${address(handle)}${title === '' ? '' : ` ${escapedLine(title)}`}`
  return `[${who}] ${level === 'error' ? 'error: ' : ''}${escaped(text)}`
}

/** `{"time":…,"level":…,"handle":…,"service":…,"msg":…}`, always one line. */
export function formatJson(line: LogLine): string {
  checkLine(line)
  const { at, level, handle, title, text } = line
  checkTime(at)
  const time = isoTime(at)
  const entry = { time, level, handle: address(handle), service: title, msg: text }
  return JSON.stringify(entry).replace(
    CONTROL_IN_JSON,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
