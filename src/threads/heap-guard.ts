/**
 * The heap limit of a worker. V8 has one of its own, and ends the whole process, not the worker,
 * when a single piece of memory finds no room below it: the table of a `Map`, a `Set`, an object or
 * an array, which doubles. So V8 is given far more, and a worker that has outgrown `memoryLimitMb`
 * is ended before. It looks by itself as long as it comes back to its event loop, and else when
 * the main thread interrupts it: see main/heap-watch.ts. Runs on the worker.
 */

import { getHeapStatistics } from 'node:v8'
import { collector } from '../base/collector.ts'
import { setInterval } from '../base/event-loop.ts'

/** Between two looks. */
export const LOOK_MS = 50
const MB = 1024 * 1024
const LOOK = 'skynet-ts looks at the heap'

/** What the main thread has evaluated on a worker that does not come back. */
export const LOOK_EXPRESSION = `globalThis[Symbol.for('${LOOK}')]()`

/**
 * @param beats One cell: how often this thread has looked by itself. Not 0: others can let it look.
 * @param onOutgrown Told how much is in use after a garbage collection. Must not return.
 */
export function guardHeap(
  memoryLimitMb: number,
  beats: SharedArrayBuffer,
  onOutgrown: (usedMb: number) => never,
): void {
  if (memoryLimitMb === 0) return
  const limit = memoryLimitMb * MB
  const cell = new Int32Array(beats)
  let collect: (() => void) | undefined
  /** How much is in use, when it is too much; else 0. */
  const look = (): number => {
    if (getHeapStatistics().used_heap_size <= limit) return 0
    // As V8 would do at a limit of that size: what is garbage does not count.
    collect ??= collector()
    collect()
    const used = getHeapStatistics().used_heap_size
    return used <= limit ? 0 : Math.ceil(used / MB)
  }
  const beat = (): void => {
    Atomics.add(cell, 0, 1)
    const usedMb = look()
    if (usedMb > 0) onOutgrown(usedMb)
  }
  Object.defineProperty(globalThis, Symbol.for(LOOK), { value: look })
  setInterval(beat, LOOK_MS).unref()
  beat()
}
