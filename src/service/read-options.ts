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

/** The error for a number of bytes that makes no sense. */
export const wrongCount = (count: unknown): Error =>
  refusal(
    typeof count === 'number' ? 'range' : 'type',
    'read',
    'count',
    'a whole number from 0 on',
    count,
  )
