/**
 * The bytes of lua-seri, Skynet's format of values. Each value is a byte, its type in the low three
 * bits and a cookie above them, and what these two want. Numbers are little-endian.
 *
 * A table is its array part, as many values as the cookie says, or the integer that follows the
 * cookie 31; then pairs of key and value; then a nil where a key would stand.
 */

export const TYPE = {
  NIL: 0,
  /** The cookie is its value: 0 is false, all others true. */
  BOOLEAN: 1,
  /** The cookie is a `NUMBER`. */
  NUMBER: 2,
  /** Eight bytes, an address: Lua calls it light userdata. */
  POINTER: 3,
  /** The cookie is the length in bytes. */
  SHORT_STRING: 4,
  /** The cookie is the size of the length that follows, 2 or 4 bytes. */
  LONG_STRING: 5,
  TABLE: 6,
} as const

export const TYPE_BITS = 3
export const TYPE_MASK = (1 << TYPE_BITS) - 1
export const COOKIE_MAX = 31

/** Cookies of numbers. */
export const NUMBER = { ZERO: 0, U8: 1, U16: 2, I32: 4, I64: 6, DOUBLE: 8 } as const

/** The byte that a value begins with. */
export const tagOf = (type: number, cookie: number): number => type | (cookie << TYPE_BITS)
