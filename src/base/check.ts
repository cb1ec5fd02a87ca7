/** Checks of arguments at the doors: each names the argument and shows the value it got. */
import { TIMER_MS_MAX } from './limits.ts'

/** A value for an error message: short, and whatever it is, printed. */
export function shown(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(value.slice(0, 80))
    if (typeof value === 'function') return `a function`
    if (typeof value === 'bigint') return `${value}n`
    if (typeof value !== 'object' || value === null) return String(value)
    return `an object (${Object.getPrototypeOf(value)?.constructor?.name ?? 'no class'})`
  } catch {
    return `a value that cannot be printed`
  }
}

/** What can be wrong with an argument, and the code that Node.js has for it. */
const WRONG = {
  type: { kind: TypeError, code: 'ERR_INVALID_ARG_TYPE' },
  value: { kind: TypeError, code: 'ERR_INVALID_ARG_VALUE' },
  range: { kind: RangeError, code: 'ERR_OUT_OF_RANGE' },
} as const

/** The error for a wrong argument, to be thrown. */
export function refusal(
  wrong: keyof typeof WRONG,
  what: string,
  name: string,
  expected: string,
  value: unknown,
): TypeError | RangeError {
  const { kind: Kind, code } = WRONG[wrong]
  const text = `Cannot ${what} as '${name}' must be ${expected}: current value is ${shown(value)}`
  return Object.assign(new Kind(text), { code })
}

/** @throws {TypeError} Unless `value` is a number. */
export function checkNumber(what: string, name: string, value: unknown): void {
  if (typeof value === 'number') return
  throw refusal('type', what, name, 'a number', value)
}

/** @throws `TypeError` unless `value` is a number, `RangeError` unless whole, in `min`..`max`. */
export function checkInteger(
  what: string,
  name: string,
  value: unknown,
  min: number,
  max: number,
): void {
  const isWhole = Number.isInteger(value)
  if (isWhole && (value as number) >= min && (value as number) <= max) return
  throw refusal(wrongNumber(value), what, name, `a whole number in ${min}..${max}`, value)
}

/** @throws `TypeError`, `RangeError` unless `value` is a delay: milliseconds, or parts of one. */
export function checkMs(what: string, name: string, value: unknown, min = 0): void {
  if (typeof value === 'number' && value >= min && value <= TIMER_MS_MAX) return
  throw refusal(wrongNumber(value), what, name, `a number in ${min}..${TIMER_MS_MAX}`, value)
}

const wrongNumber = (value: unknown): keyof typeof WRONG =>
  typeof value === 'number' ? 'range' : 'type'

/** @throws {TypeError} Unless `value` is a function. */
export function checkFunction(what: string, name: string, value: unknown): void {
  if (typeof value === 'function') return
  throw refusal('type', what, name, 'a function', value)
}

/** @throws {TypeError} Unless `value` is an array. */
export function checkArray(what: string, name: string, value: unknown): void {
  if (Array.isArray(value)) return
  throw refusal('type', what, name, 'an array', value)
}

/** @throws {TypeError} Unless `value` is a string. */
export function checkString(what: string, name: string, value: unknown): void {
  if (typeof value === 'string') return
  throw refusal('type', what, name, 'a string', value)
}

/** @throws {TypeError} Unless `value` is a string that is not empty. */
export function checkText(what: string, name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') return
  throw refusal(value === '' ? 'value' : 'type', what, name, 'a string, not empty', value)
}

/** @throws {TypeError} Unless `value` is true, false, or nothing at all. */
export function checkFlag(what: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw refusal('type', what, name, 'true or false', value)
}

/** @throws {TypeError} Unless `value` is a plain object (or nothing at all, for options). */
export function checkOptions(what: string, name: string, value: unknown): void {
  if (value === undefined || isPlain(value)) return
  throw refusal('type', what, name, 'a plain object', value)
}

/** No array, and of no class; one of another realm is as good. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/** @throws {TypeError} For a name among those of `options` that is not `known`. */
export function checkNames(what: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  const text = `Cannot ${what} with option '${unknown}': there are ${known.join(', ')}`
  throw Object.assign(new TypeError(text), { code: WRONG.value.code })
}

/** @throws {TypeError} Unless `value` is one of `choices`. */
export function checkChoice(
  what: string,
  name: string,
  value: unknown,
  choices: readonly string[],
): void {
  if (choices.includes(value as string)) return
  throw refusal('value', what, name, `one of ${choices.join(', ')}`, value)
}

/** @throws {TypeError} Unless `value` is a string or a Uint8Array (a Buffer is one). */
export function checkBytes(what: string, name: string, value: unknown): void {
  if (typeof value === 'string' || value instanceof Uint8Array) return
  throw refusal('type', what, name, 'a string or a Uint8Array', value)
}

/** @throws {TypeError} Unless `value` is an AbortSignal, or nothing at all. */
export function checkSignal(what: string, value: unknown): void {
  if (value === undefined || value instanceof AbortSignal) return
  throw refusal('type', what, 'signal', 'an AbortSignal', value)
}
