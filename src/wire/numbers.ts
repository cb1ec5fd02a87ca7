/**
 * Objects with numbers for keys. V8 makes places for all numbers below '1023' as well: 12 KB for
 * the few bytes of whoever has sent `{"1023":1}`. It keeps a table of those that are there when the
 * next one is far behind them, and goes back to places when they take less.
 */

/** There are no more, or nothing has to be done for them. */
export const NO_NUMBERS = -1

const DIGIT_FIRST = 0x30
const DIGIT_LAST = 0x39
/** What is within so many places of the beginning, and for each number before, is near. */
const NEAR = 8
const NEAR_EACH = 4
/** Where V8 makes a table: more than 1,024 behind the places that it has made for what is near. */
const FAR = 1100
const FAR_EACH = 12

/** May that key be a number? Small: it is asked of the first key of each object. */
export function isNumeric(key: string): boolean {
  const first = key.charCodeAt(0)
  return first <= DIGIT_LAST && first >= DIGIT_FIRST
}

/**
 * `key` comes next in `object`, to which nothing but numbers was added: V8 has these in front. So
 * the first key tells of an object whether there are any.
 *
 * @param count Of the numbers before it.
 * @returns The count after it, or `NO_NUMBERS`: what comes need not be told.
 */
export function expectNumber(object: Record<string, unknown>, key: string, count: number): number {
  if (!isNumeric(key)) return NO_NUMBERS
  const number = Number(key)
  if (number <= NEAR + NEAR_EACH * count) return count + 1
  const far = FAR + FAR_EACH * count
  if (number < far) {
    object[far] = undefined
    delete object[far]
  }
  return NO_NUMBERS
}
