/** Numbers in a text, as Lua reads them. */

const SPACES = ' \t\n\v\f\r'
// A peer has sent the text: each pattern reads a character once.
const DECIMAL_INTEGER = /^[-+]?\d+$/
const DECIMAL = /^[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/
const HEX = /^([-+]?)0[xX]([\da-fA-F]*)(?:\.([\da-fA-F]*))?(?:[pP]([-+]?\d+))?$/
/** Of digits that say something; a text may have any number of others. */
const DIGITS_MAX = 400
/** Of a hexadecimal fraction, as in Lua. A double tells fewer apart. */
const HEX_DIGITS_MAX = 30
/** Beyond it even the largest of those is nothing, or infinite: Infinity itself makes a NaN. */
const EXPONENT_MAX = 3000

/**
 * The number that a text stands for, as `tonumber` of Lua: decimal or hexadecimal, with a fraction
 * or an exponent, spaces around. A whole number of 64 bits stays exact, as a bigint.
 *
 * @returns Undefined when the text is no number.
 */
export function luaNumber(text: string): number | bigint | undefined {
  const bare = bareOf(text)
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
  const value = hexFloat(whole, fraction ?? '', Number(exponent ?? 0))
  return sign === '-' ? -value : value
}

/** Without the spaces around. A pattern would look at those within again and again. */
function bareOf(text: string): string {
  let from = 0
  let to = text.length
  while (from < to && SPACES.includes(text[from]!)) from++
  while (to > from && SPACES.includes(text[to - 1]!)) to--
  return text.slice(from, to)
}

/** Never NaN, and infinite only where a double cannot tell it. */
function hexFloat(whole: string, fraction: string, exponent: number): number {
  const digits = (whole + fraction).replace(/^0+/, '')
  const value = Number(`0x0${digits.slice(0, HEX_DIGITS_MAX)}`)
  const places = Math.max(0, digits.length - HEX_DIGITS_MAX) - fraction.length
  const scale = Math.max(-EXPONENT_MAX, Math.min(EXPONENT_MAX, exponent + 4 * places))
  // In two steps: a power of two may be beyond a double where the product is not.
  const half = Math.trunc(scale / 2)
  return value === 0 ? 0 : value * 2 ** half * 2 ** (scale - half)
}
