/** Numbers in a text, as Lua reads them. */

const SPACES = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g
const DECIMAL_INTEGER = /^[-+]?\d+$/
const DECIMAL = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/
const HEX = /^([-+]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?(?:[pP]([-+]?\d+))?$/
/** Of digits that say something; a text may have any number of others. */
const DIGITS_MAX = 400

/**
 * The number that a text stands for, as `tonumber` of Lua: decimal or hexadecimal, with a fraction
 * or an exponent, spaces around. A whole number of 64 bits stays exact, as a bigint.
 *
 * @returns Undefined when the text is no number.
 */
export function luaNumber(text: string): number | bigint | undefined {
  const bare = text.replace(SPACES, '')
  if (bare.length > DIGITS_MAX) return undefined
  if (DECIMAL_INTEGER.test(bare)) {
    const whole = BigInt(bare.replace('+', ''))
    return BigInt.asIntN(64, whole) === whole ? whole : Number(bare)
  }
  if (DECIMAL.test(bare)) return Number(bare)
  const [found, sign, whole = '', fraction, exponent] = HEX.exec(bare) ?? []
  if (found === undefined || whole + (fraction ?? '') === '') return undefined
  if (fraction === undefined && exponent === undefined) {
    const value = BigInt(`0x${whole}`)
    // Those that are too long lose their upper digits.
    return BigInt.asIntN(64, sign === '-' ? -value : value)
  }
  const digits = Number(`0x0${whole}${fraction ?? ''}`)
  const value = digits * 2 ** (Number(exponent ?? 0) - 4 * (fraction ?? '').length)
  return sign === '-' ? -value : value
}
