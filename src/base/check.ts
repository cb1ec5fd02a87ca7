/** Checks of arguments at the doors: each names the argument and shows the value it got. */
import { isUint8Array } from './bytes.ts'
import { LAUNCH_ARGS_MAX, TIMER_MS_MAX } from './limits.ts'
import { beginOf, SHOWN_CHARS_MAX } from './text.ts'

/** A number of more digits than anybody reads. */
const SHOWN_BITS_MAX = 4096

/** A value for an error message: short, and whatever it is, printed. */
export function shown(value: unknown): string {
  try {
    if (typeof value === 'string') return JSON.stringify(shortly(value, 'a string'))
    if (typeof value === 'function') return `a function`
    if (typeof value === 'bigint') return shownBigInt(value)
    if (typeof value === 'symbol') return `Symbol(${shortly(value.description ?? '', 'a name')})`
    if (typeof value !== 'object' || value === null) return String(value)
    const name = Object.getPrototypeOf(value)?.constructor?.name ?? 'no class'
    return `an object (${shortly(String(name), 'a name')})`
  } catch {
    return `a value that cannot be printed`
  }
}

const shortly = (text: string, what: string): string => beginOf(text, SHOWN_CHARS_MAX, what)

function shownBigInt(value: bigint): string {
  const isShort = BigInt.asIntN(SHOWN_BITS_MAX, value) === value
  return isShort ? `${value}n` : `a bigint of more than ${SHOWN_BITS_MAX} bits`
}

/** A secret for an error message: all but what it is. */
export function hidden(value: unknown): string {
  if (value === '') return 'empty'
  if (typeof value !== 'string') return `of type ${typeof value}`
  return `a string of length ${value.length}`
}

/** What can be wrong with an argument, and the code that Node.js has for it. */
const WRONG = {
  type: { kind: TypeError, code: 'ERR_INVALID_ARG_TYPE' },
  value: { kind: TypeError, code: 'ERR_INVALID_ARG_VALUE' },
  range: { kind: RangeError, code: 'ERR_OUT_OF_RANGE' },
} as const

/** What an error of here has refused. */
interface Refused {
  readonly name: string
  /** As the error shows it. */
  readonly value?: string
  /** What it must be; undefined: there is nothing of that name. */
  readonly expected?: string
  /** The names that there are, then. */
  readonly known?: readonly string[]
}

const refused = new WeakMap<object, Refused>()

/** For who has given an argument under another name; undefined: it is no error of here. */
export const refusedBy = (error: unknown): Refused | undefined => refused.get(error as object)

/** The error for a wrong argument, to be thrown. */
export function refusal(
  wrong: keyof typeof WRONG,
  what: string,
  name: string,
  expected: string,
  value: unknown,
  show = shown,
): TypeError | RangeError {
  const { kind: Kind, code } = WRONG[wrong]
  const shownAs = show(value)
  const text = `Cannot ${what} as '${name}' must be ${expected}: current value is ${shownAs}`
  const error = Object.assign(new Kind(text), { code })
  refused.set(error, { name, value: shownAs, expected })
  return error
}

/**
 * The answer to a question about a value that may be anything: no, where to look at it throws. A
 * revoked Proxy throws at each look, and its error would not name the argument.
 */
function answer(ask: (value: unknown) => boolean, value: unknown): boolean {
  try {
    return ask(value)
  } catch {
    return false
  }
}

const hasPrototype = (value: unknown): boolean => Object.getPrototypeOf(value) !== undefined

interface Kind<T> {
  readonly prototype: T
  [Symbol.hasInstance](value: unknown): boolean
}

/** Is it of that class? */
export function isA<T>(value: unknown, kind: Kind<T>): value is T {
  try {
    return value instanceof kind
  } catch {
    return false
  }
}

export const isArray = (value: unknown): value is readonly unknown[] =>
  typeof value === 'object' && answer(Array.isArray, value)

/** Is it an object that may be looked at? */
export const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && answer(hasPrototype, value)

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
  if (isArray(value)) return
  throw refusal('type', what, name, 'an array', value)
}

/**
 * Arguments of a setup are put on the stack, all of them.
 *
 * @throws `TypeError` unless `value` is an array, `RangeError` when it is too long.
 */
export function checkArgs(what: string, value: unknown): void {
  checkArray(what, 'args', value)
  const { length } = value as readonly unknown[]
  if (length <= LAUNCH_ARGS_MAX) return
  throw refusal('range', what, 'args.length', `at most ${LAUNCH_ARGS_MAX}`, length)
}

/** @throws {TypeError} Unless `value` is a string. */
export function checkString(what: string, name: string, value: unknown): void {
  if (typeof value === 'string') return
  throw refusal('type', what, name, 'a string', value)
}

/** @throws {TypeError} Unless `value` is a string that is not empty. */
export function checkText(what: string, name: string, value: unknown, show = shown): void {
  if (typeof value === 'string' && value !== '') return
  throw refusal(value === '' ? 'value' : 'type', what, name, 'a string, not empty', value, show)
}

/** @throws {TypeError} Unless `value` is true, false, or nothing at all. */
export function checkFlag(what: string, name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return
  throw refusal('type', what, name, 'true or false', value)
}

/**
 * The one grammar of options: what is no plain object is refused, and so is a name that is not
 * `known`, which would be an option that does nothing.
 *
 * @throws {TypeError} Unless `value` is nothing at all, or a plain object of known names.
 */
export function checkOptions(
  what: string,
  name: string,
  value: unknown,
  known: readonly string[],
): void {
  if (value !== undefined) checkGiven(what, name, value, known)
}

/**
 * As `checkOptions`, of options without which nothing can be done.
 *
 * @throws {TypeError} Unless `value` is a plain object of known names.
 */
export function checkGiven(
  what: string,
  name: string,
  value: unknown,
  known: readonly string[],
): void {
  checkPlain(what, name, value)
  for (const option in value as object) {
    if (!known.includes(option) && Object.hasOwn(value as object, option)) {
      throw unknownOption(what, name, option, known)
    }
  }
}

/** @throws {TypeError} Unless `value` is a plain object: of names that are the caller's own. */
export function checkPlain(what: string, name: string, value: unknown): void {
  if (answer(isPlain, value)) return
  throw refusal('type', what, name, 'a plain object', value)
}

/** No array, and of no class; one of another realm is as good. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null
}

function unknownOption(
  what: string,
  of: string,
  option: string,
  known: readonly string[],
): TypeError {
  const names = known.join(', ') + guess(option, known)
  const begun = shortly(option, 'a name')
  const error = new TypeError(`Cannot ${what} with option '${begun}': there are ${names}`)
  const named = (each: string): string => (of === 'options' ? each : `${of}.${each}`)
  refused.set(error, { name: named(option), known: known.map(named) })
  return Object.assign(error, { code: WRONG.value.code })
}

/** How many letters a mistyped name may differ by and still be recognised. */
const TYPO_LETTERS_MAX = 2
/** What is begun with so many letters is recognised as well. */
const BEGIN_LETTERS_MIN = 3

/** ` (did you mean 'timeoutMs'?)`, behind the names there are; empty when none is like it. */
export function guess(name: string, known: readonly string[]): string {
  const longest = Math.max(...known.map(({ length }) => length))
  if (name.length > longest + TYPO_LETTERS_MAX) return ''
  const changes = known.map((each) => letterChanges(name, each))
  const least = Math.min(...changes)
  const nearest = known[changes.indexOf(least)] ?? ''
  const isTypo = least <= TYPO_LETTERS_MAX && least < nearest.length
  const begin = name.length < BEGIN_LETTERS_MIN ? undefined : name.toLowerCase()
  const meant = isTypo
    ? nearest
    : known.find((each) => begin !== undefined && each.toLowerCase().startsWith(begin))
  return meant === undefined ? '' : ` (did you mean '${meant}'?)`
}

/**
 * How many letters must be added, removed, changed, or swapped with the next one, to make `a` into
 * `b`, whatever their case.
 */
function letterChanges(a: string, b: string): number {
  const from = a.toLowerCase()
  const to = b.toLowerCase()
  // One row of the table at a time: row[j] turns the letters of `from` seen so far into to[0..j).
  let before: readonly number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1
      const isSwapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      const swapped = isSwapped ? before[j - 2]! + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + same, swapped))
    }
    before = row
    row = next
  }
  return row[to.length]!
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
  if (typeof value === 'string' || isUint8Array(value)) return
  throw refusal('type', what, name, 'a string or a Uint8Array', value)
}

/** @throws {TypeError} Unless `value` is an AbortSignal, or nothing at all. */
export function checkSignal(what: string, value: unknown): void {
  if (value === undefined || isA(value, AbortSignal)) return
  throw refusal('type', what, 'signal', 'an AbortSignal', value)
}
