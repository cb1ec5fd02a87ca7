/** What loggers get, and the two forms in which ours writes it. */
export type LogLevel = 'info' | 'error'

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

/** What could play tricks on a terminal, or hide a line; not the ends of lines in a stack. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g
/** Of these, what JSON leaves as they are. */
const CONTROL_IN_JSON = /[\x7f-\x9f]/g
const hex = (char: string, digits: number): string =>
  char.charCodeAt(0).toString(16).padStart(digits, '0')
const escaped = (text: string): string => text.replace(CONTROL, (char) => `\\x${hex(char, 2)}`)

const address = (handle: number): string => `:${handle.toString(16).padStart(8, '0')}`

/** Skynet's form, with the service's name: `[:0000000a chat/agent] text`. */
export function formatLine({ level, handle, title, text }: LogLine): string {
  const who = `${address(handle)}${title === '' ? '' : ` ${title}`}`
  return `[${who}] ${level === 'error' ? 'error: ' : ''}${escaped(text)}`
}

/** `{"time":…,"level":…,"handle":…,"service":…,"msg":…}`, always one line. */
export function formatJson({ at, level, handle, title, text }: LogLine): string {
  const time = new Date(at).toISOString()
  const entry = { time, level, handle: address(handle), service: title, msg: text }
  return JSON.stringify(entry).replace(CONTROL_IN_JSON, (char) => `\\u${hex(char, 4)}`)
}
