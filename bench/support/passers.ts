/** Connections that come and go before memory is measured. */
import type { Child } from './child.ts'

const PASSERS = 1000
/**
 * How often they come: their bytes are more than a ring between two threads has, and the young
 * generation of V8 has as much room as it takes.
 */
const TIMES = 12

/**
 * What grows with the first connections and stays, as code, rings and room for objects, is not each
 * one's.
 *
 * @param most Fewer come where that many are not measured.
 */
export async function letPass(
  load: Child,
  target: Readonly<Record<string, unknown>>,
  most: number,
): Promise<void> {
  for (let time = 0; time < TIMES; time++) {
    await load.request('hold', { ...target, connections: Math.min(most, PASSERS) })
    await load.request('release')
  }
}
