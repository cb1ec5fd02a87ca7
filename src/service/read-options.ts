/** What a caller may ask of a read. */
import { checkInteger, refusal } from '../base/check.ts'
import { LINE_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { checkWait, type WaitOptions } from './wait.ts'

export interface LineOptions extends WaitOptions {
  /** Longest line in bytes, its end not counted. Default 1 MiB. */
  readonly max?: number
}

/** The longest line that is asked for. @throws `TypeError`, `RangeError`. */
export function lineMax(options: LineOptions | undefined): number {
  if (options === undefined) return LINE_BYTES_MAX
  checkWait('read a line', options)
  const { max = LINE_BYTES_MAX } = options
  checkInteger('read a line', 'max', max, 1, MESSAGE_BYTES_MAX)
  return max
}

/** Why so many bytes cannot be asked for; undefined: they can. */
export function wrongCount(count: unknown): Error | undefined {
  const isNumber = typeof count === 'number'
  if (isNumber && Number.isInteger(count) && count >= 0 && count <= MESSAGE_BYTES_MAX) return
  const range = `a whole number in 0..${MESSAGE_BYTES_MAX}`
  return refusal(isNumber ? 'range' : 'type', 'read', 'count', range, count)
}
