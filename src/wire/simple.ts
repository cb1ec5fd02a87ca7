/**
 * Values of which every receiver may have the same one: nobody can change them, and to read them
 * runs nothing of a user. As most answers are, and many arguments.
 */

/** Strings and arguments of a message that is not large, whatever they are. */
const SIMPLE_LENGTH_MAX = 1024
const SIMPLE_ARGS_MAX = 32

export function isSimple(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      return value === null
    case 'string':
      return value.length <= SIMPLE_LENGTH_MAX
    default:
      return typeof value === 'number' || typeof value === 'boolean' || value === undefined
  }
}

/** @param values An array that was made for a message, and is changed by nobody. */
export function areSimple(values: readonly unknown[]): boolean {
  // The last first: it is what most arrays of other values are known by.
  let left = values.length
  if (left > SIMPLE_ARGS_MAX) return false
  while (left > 0 && isSimple(values[left - 1])) left--
  return left === 0
}
