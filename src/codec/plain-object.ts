/** Objects with keys that a peer has chosen. */
import { isNumeric } from '../wire/numbers.ts'
import { setProto } from '../wire/tags.ts'

/** The last number that is a place of an object, and not just the name of a property. */
const LAST_PLACE = 2 ** 32 - 2

const { hasOwn } = Object

/**
 * Set a key, whatever it is. `__proto__` is one as any other: nothing gets another prototype.
 *
 * A key as '1023' is a place, and V8 makes all places before it as well: 12 KB. With one at the
 * very end it keeps a table of those that are there, also when that one has gone.
 */
export function setKey<T>(object: { [key: string]: T }, key: string, value: T): void {
  if (key === '__proto__') {
    setProto(object, value)
    return
  }
  if (isNumeric(key) && !hasOwn(object, key) && !hasOwn(object, LAST_PLACE)) {
    object[LAST_PLACE] = value
    delete object[LAST_PLACE]
  }
  object[key] = value
}
