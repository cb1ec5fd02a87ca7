/** A line for the logger service. */
export type LogLevel = 'info' | 'error'

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
const escaped = (text: string): string =>
  text.replace(CONTROL, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** Skynet's form, with the service's name: `[:0000000a chat/agent] text`. */
export function formatLine({ level, handle, title, text }: LogLine): string {
  const who = `:${handle.toString(16).padStart(8, '0')}${title === '' ? '' : ` ${title}`}`
  return `[${who}] ${level === 'error' ? 'error: ' : ''}${escaped(text)}`
}
