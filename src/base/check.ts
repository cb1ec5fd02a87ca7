/** Checks of arguments at the doors: each names the argument and shows the value it got. */
import { TIMER_MS_MAX } from './limits.ts'

/** A value for an error message: short, and whatever it is, printed. */
export function shown(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
    if (typeof value === 'function') return `a function`
    if (typeof value !== 'object' || value === null) return String(value)
    return `an object (${Object.getPrototypeOf(value)?.constructor?.name ?? 'no class'})`
  } catch {
    return `a value that cannot be printed`
  }
}

const refusal = (what: string, name: string, expected: string, value: unknown): string =>
  `Cannot ${what} as '${name}' must be ${expected}: current value is ${shown(value)}`

/** @throws {RangeError} Unless `value` is a whole number in `min`..`max`. */
export function checkInteger(
  what: string,
  name: string,
  value: unknown,
  min: number,
  max: number,
): void {
  const isNumber = Number.isInteger(value)
  if (isNumber && (value as number) >= min && (value as number) <= max) return
  throw new RangeError(refusal(what, name, `a whole number in ${min}..${max}`, value))
}

/** @throws {RangeError} Unless `value` is a delay: milliseconds, also with fractions. */
export function checkMs(what: string, name: string, value: unknown): void {
  if (typeof value === 'number' && value >= 0 && value <= TIMER_MS_MAX) return
  throw new RangeError(refusal(what, name, `a number in 0..${TIMER_MS_MAX}`, value))
}

/** @throws {TypeError} Unless `value` is a function. */
export function checkFunction(what: string, name: string, value: unknown): void {
  if (typeof value === 'function') return
  throw new TypeError(refusal(what, name, 'a function', value))
}

/** @throws {TypeError} Unless `value` is a string. */
export function checkString(what: string, name: string, value: unknown): void {
  if (typeof value === 'string') return
  throw new TypeError(refusal(what, name, 'a string', value))
}

/** @throws {TypeError} Unless `value` is a string that is not empty. */
export function checkText(what: string, name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return
  throw new TypeError(refusal(what, name, 'a string, not empty', value))
}

/** @throws {TypeError} Unless `value` is an object (or nothing at all, for options). */
export function checkOptions(what: string, name: string, value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null)) return
  throw new TypeError(refusal(what, name, 'an object', value))
}

/** @throws {TypeError} Unless `value` is one of `choices`. */
export function checkChoice(
  what: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (choices.includes(value as string)) return
  throw new TypeError(refusal(what, name, `one of ${choices.join(', ')}`, value))
}

/** @throws {TypeError} Unless `value` is a string or a Uint8Array (a Buffer is one). */
export function checkBytes(what: string, name: string, value: unknown): void {
  if (typeof value === 'string' || value instanceof Uint8Array) return
  throw new TypeError(refusal(what, name, 'a string or a Uint8Array', value))
}
