/** What a node may leave in its process: descriptors, listeners, objects. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** Collect garbage now. */
export const collect = runInNewContext('gc') as () => void

/** Descriptors of this process; where the system does not list them, always 0. */
export function descriptors(): number {
  const folder = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
  try {
    return readdirSync(folder).length
  } catch {
    return 0
  }
}

/** Listeners of the process, by event. */
export function listeners(): Record<string, number> {
  const names = process.eventNames().map(String).sort()
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]))
}

/** Heap in use after garbage collection, in bytes. */
export function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
