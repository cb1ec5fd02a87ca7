/**
 * The heap limit of a worker. V8 has one of its own, and ends the whole process, not the worker,
 * when a single piece of memory finds no room below it: the table of a `Map`, a `Set`, an object or
 * an array, which doubles. So V8 is given far more, and a worker that has outgrown `memoryLimitMb`
 * is ended before. Runs on the worker; its code is not looked at while it runs.
 */

import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { clearInterval, setInterval } from '../base/event-loop.ts'

/** A table that takes all of the limit needs twice as much besides, to grow. */
const ROOM_FACTOR = 3
/** Between two looks. */
const LOOK_MS = 50
const MB = 1024 * 1024

/** What V8 is told. */
export const v8LimitMb = (memoryLimitMb: number): number => memoryLimitMb * ROOM_FACTOR

/** A flag of Node.js is the limit of every heap of the process, whatever a worker is given. */
export function isHeapSetByFlag(): boolean {
  const flags = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ')
  return /--max[-_](old[-_]space|heap)[-_]size/.test(flags)
}

/** @param onOutgrown Told once, how much is in use after a garbage collection. */
export function guardHeap(memoryLimitMb: number, onOutgrown: (usedMb: number) => void): void {
  if (memoryLimitMb === 0) return
  const limit = memoryLimitMb * MB
  let collect: (() => void) | undefined
  const timer = setInterval(() => {
    if (getHeapStatistics().used_heap_size <= limit) return
    // As V8 would do at a limit of that size: what is garbage does not count.
    collect ??= collector()
    collect()
    const used = getHeapStatistics().used_heap_size
    if (used <= limit) return
    clearInterval(timer)
    onOutgrown(Math.ceil(used / MB))
  }, LOOK_MS)
  timer.unref()
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
