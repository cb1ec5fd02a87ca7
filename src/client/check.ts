/** Checks of what a user of the client gives, in words as `base` has them, which needs Node.js. */

/** @throws `TypeError`, `RangeError` naming the value: it is not what it must be. */
export type ArgumentCheck = (what: string, name: string, value: unknown) => void

/** The longest time that timers of browsers and Node.js know. */
export const MS_MAX = 2 ** 31 - 1
/** What cannot be done with options that are wrong. */
export const CONNECT = 'connect a client'
/** The code of Node.js for a value that is wrong, while its type is right. */
export const BAD_VALUE = 'ERR_INVALID_ARG_VALUE'
/** Letters of a value that an error shows. */
const SHOWN_CHARS_MAX = 60

/** @returns The error for a wrong argument, to be thrown. Of numbers it is their range. */
export function wrongArgument(
  what: string,
  name: string,
  expected: string,
  value: unknown,
  code = 'ERR_INVALID_ARG_TYPE',
): TypeError | RangeError {
  const Class = code === 'ERR_OUT_OF_RANGE' ? RangeError : TypeError
  const text = `Cannot ${what} as '${name}' must be ${expected}: current value is ${shown(value)}`
  return Object.assign(new Class(text), { code })
}

/** What has no short text is shown by its type. */
function shown(value: unknown): string {
  if (/obj|fun/.test(typeof value)) return `of type ${typeof value}`
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.slice(0, SHOWN_CHARS_MAX)
}

/** @param expected What it must be, in words. */
export const mustBe =
  (expected: string, isRight: (value: unknown) => boolean): ArgumentCheck =>
  (what, name, value) => {
    if (!isRight(value)) throw wrongArgument(what, name, expected, value)
  }

export const anything: ArgumentCheck = () => {}
export const aFunction = mustBe('a function', (value) => typeof value === 'function')
export const plainObject = mustBe(
  'a plain object',
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
)

export const numberIn =
  (min: number, max: number, words = 'a whole number', isRight = Number.isInteger): ArgumentCheck =>
  (what, name, value) => {
    if (isRight(value) && (value as number) >= min && (value as number) <= max) return
    const code = typeof value === 'number' ? 'ERR_OUT_OF_RANGE' : undefined
    throw wrongArgument(what, name, `${words} in ${min}..${max}`, value, code)
  }

/** An object with these methods, among others. */
export const withMethods =
  (...methods: readonly string[]): ArgumentCheck =>
  (what, name, value) => {
    for (const method of methods) aFunction(what, `${name}.${method}`, Object(value)[method])
  }

/** @param checkOf What checks the value of a name; it throws when that has to be another one. */
const objectOf =
  (
    checkOf: (what: string, name: string, key: string, value: unknown) => ArgumentCheck,
  ): ArgumentCheck =>
  (what, name, value) => {
    plainObject(what, name, value)
    for (const [key, each] of Object.entries(value as object)) {
      // Values of the options themselves have no prefix.
      checkOf(what, name, key, each)(what, name === 'options' ? key : `${name}.${key}`, each)
    }
  }

/** Options, of which none has another name; what is undefined is not given. */
export const optionsOf = (checks: Readonly<Record<string, ArgumentCheck>>): ArgumentCheck =>
  objectOf((what, name, key, value) => {
    if (Object.hasOwn(checks, key)) return value === undefined ? anything : checks[key]!
    const where = name === 'options' ? '' : ` of ${name}`
    const names = Object.keys(checks).join(', ')
    const text = `Cannot ${what} with option '${key}'${where}: there are ${names}`
    throw Object.assign(new TypeError(text), { code: BAD_VALUE })
  })

/** An object of any names, each with such a value. */
export const namesOf = (check: ArgumentCheck): ArgumentCheck =>
  objectOf((what, name, key) => {
    if (key !== '') return check
    throw wrongArgument(what, name, 'of names that are not empty', key)
  })
