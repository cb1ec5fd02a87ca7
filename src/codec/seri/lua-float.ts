/** A number that is a float for Lua, also when it is whole. */
import { checkNumber } from '../../base/check.ts'

/**
 * Lua tells 1 from 1.0: `math.type` does, and `tostring`. JavaScript does not, so a whole number
 * travels as an integer, and one in a `LuaFloat` as a float.
 */
export class LuaFloat {
  readonly value: number

  /** @throws {TypeError} Unless `value` is a number. */
  constructor(value: number) {
    checkNumber('make a float', 'value', value)
    this.value = value
  }

  valueOf(): number {
    return this.value
  }
}

/** `float(1)` is 1.0 for Lua. @throws {TypeError} Unless `value` is a number. */
export const float = (value: number): LuaFloat => new LuaFloat(value)
