/** lua-seri as a codec: what services of Skynet say to each other, and nodes of a cluster. */
import { checkFlag, checkOptions } from '../../base/check.ts'
import type { Codec } from '../codec.ts'
import { type LuaValue, unpackValues } from './reader.ts'
import { packValues } from './writer.ts'

export interface SeriOptions {
  /** Whole floats, as 1.0, come as `LuaFloat`, not as the number 1. So they leave as they came. */
  readonly keepFloats?: boolean
}

/**
 * Lists of values in the format of `skynet.pack`: `encode([1, 'a'])` is `skynet.pack(1, "a")`.
 *
 * Numbers: whole ones below 2^53 travel as integers, so do bigints of 64 bits; all others, and
 * those in `float(…)`, as floats. Integers beyond 2^53 come as bigint, all other numbers as number.
 *
 * Tables: arrays and plain objects are tables, and come as such. A `Map` is one with any keys, and
 * comes when a table has others than 1 to n, or text. An empty table is `[]`. Of objects and
 * maps, entries without a value (`undefined`, `null`) are left out.
 *
 * Strings are UTF-8; one that is not comes as a `Buffer`, and bytes travel as strings. nil is
 * `undefined`.
 */
export function seri<
  In extends readonly unknown[] = readonly unknown[],
  Out extends readonly unknown[] = LuaValue[],
>(options: SeriOptions = {}): Codec<In, Out> {
  checkOptions('make a codec seri', 'options', options, ['keepFloats'])
  checkFlag('make a codec seri', 'keepFloats', options.keepFloats)
  const { keepFloats = false } = options
  return {
    encode: packValues,
    decode: (bytes) => unpackValues(bytes, keepFloats) as readonly unknown[] as Out,
  }
}
