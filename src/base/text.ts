/** Texts of somebody, which may have any length, on their way into an error or a log. */
import { TEXT_CHARS_MAX } from './limits.ts'

/** Of values so much is shown in an error. */
export const SHOWN_CHARS_MAX = 80

/**
 * The first `max` characters.
 *
 * What was joined or repeated is no row of characters before somebody looks into it: V8 lays all of
 * it out then, and ends the process when it gets no memory for that, whatever limit the worker has.
 * So nobody looks into what is longer than `TEXT_CHARS_MAX`: its length stands for it.
 */
export function beginOf(text: string, max = TEXT_CHARS_MAX, what = 'a text'): string {
  if (text.length > TEXT_CHARS_MAX) return `<${what} of ${text.length} characters>`
  return text.length > max ? text.slice(0, max) : text
}

/** Of what a peer has said, for logs and terminals. */
export const printable = (text: string): string => text.replaceAll(/[^ -~]/g, '?')
