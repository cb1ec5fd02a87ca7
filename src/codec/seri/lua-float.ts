/** A number that is a float for Lua, also when it is whole. */

/**
 * Lua tells 1 from 1.0: `math.type` does, and `tostring`. JavaScript does not, so a whole number
 * travels as an integer, and one in a `LuaFloat` as a float.
 */
export class LuaFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }

  valueOf(): number {
    return this.value
  }
}

/** `float(1)` is 1.0 for Lua. */
export const float = (value: number): LuaFloat => new LuaFloat(value)
