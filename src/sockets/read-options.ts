/** What a caller may ask of a read. */
import { checkInteger, refusal } from '../base/check.ts'
import { LINE_BYTES_MAX, MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { checkWait, WAIT_NAMES, WaitLimits, type WaitOptions } from '../service/wait-options.ts'

export interface LineOptions extends WaitOptions {
  /** Longest line in bytes, its end not counted. Default 1 MiB. */
  readonly max?: number
}

const LINE_NAMES = [...WAIT_NAMES, 'max']

/** The longest line that is asked for, and for how long. @throws `TypeError`, `RangeError`. */
export function lineOptions(options: LineOptions | undefined): {
  max: number
  limits?: WaitLimits
} {
  if (options === undefined) return { max: LINE_BYTES_MAX }
  checkWait('read a line', options, LINE_NAMES)
  const { max = LINE_BYTES_MAX } = options
  checkInteger('read a line', 'max', max, 1, MESSAGE_BYTES_MAX)
  return { max, limits: new WaitLimits(options) }
}

/** Why so many bytes cannot be asked for; undefined: they can. */
export function wrongCount(count: unknown): Error | undefined {
  const isNumber = typeof count === 'number'
  if (isNumber && Number.isInteger(count) && count >= 0 && count <= MESSAGE_BYTES_MAX) return
  const range = `a whole number in 0..${MESSAGE_BYTES_MAX}`
  return refusal(isNumber ? 'range' : 'type', 'read', 'count', range, count)
}
