/** What a method says to Lua when one value of JavaScript is not enough. */
import { isA, isObject } from '../../base/check.ts'
import { type LuaValue, unpackValues } from './reader.ts'
import { packValues } from './writer.ts'

declare const VALUES: unique symbol

/** Values that were packed for Lua. It travels as any message does. */
export interface LuaValues<Values extends readonly unknown[] = readonly unknown[]> {
  /** In the format of `skynet.pack`. */
  readonly luaValues: Uint8Array
  /** Never there: it ties the type to the values. */
  readonly [VALUES]?: Values
}

/**
 * Several values, to be returned by a method that other nodes call: for Lua
 * `return true, 'saved', 1.0` is `return luaValues(true, 'saved', float(1))`. They are packed
 * here, so what no message between services may be, `float(1)`, may be among them.
 *
 * @throws {SkynetError} `ERR_MESSAGE_UNSUPPORTED`, `ERR_MESSAGE_TOO_DEEP`, `ERR_MESSAGE_TOO_LARGE`.
 */
export const luaValues = <const Values extends readonly unknown[]>(
  ...values: Values
): LuaValues<Values> => ({ luaValues: packValues(values) })

/** The values, for who gets them on the node of the method. @throws `ERR_CODEC`. */
export const valuesOf = (packed: LuaValues): LuaValue[] => unpackValues(packed.luaValues)

/** The bytes of `luaValues(…)`. Undefined: it is another value. */
export const bytesOfValues = (value: unknown): Uint8Array | undefined =>
  isPacked(value) ? value.luaValues : undefined

const isPacked = (value: unknown): value is LuaValues =>
  isObject(value) &&
  isA((value as LuaValues).luaValues, Uint8Array) &&
  Object.keys(value).length === 1

/** What a method has returned, as an answer: no value at all for `undefined`. */
export const packReturned = (value: unknown): Uint8Array =>
  bytesOfValues(value) ?? packValues(value === undefined ? [] : [value])
