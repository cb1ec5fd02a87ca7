/** Whether the system has room for so many workers in one process. */
import { readFileSync } from 'node:fs'
import { SkynetError } from '../../base/errors.ts'
import { MAPS_PER_WORKER } from '../../base/limits.ts'

/** Memory maps that a process may have; undefined: this system has no such limit. */
export function mapsMax(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/vm/max_map_count', 'latin1')) || undefined
  } catch {
    return undefined
  }
}

/** @throws {SkynetError} `ERR_SYSCALL` there is no room for so many. */
export function checkRoom(workers: number, maps = mapsMax()): void {
  const most = Math.floor((maps ?? Number.POSITIVE_INFINITY) / MAPS_PER_WORKER)
  if (workers <= most) return
  const reason = `a process may have ${maps} memory maps (vm.max_map_count), enough for ${most}`
  throw new SkynetError('ERR_SYSCALL', { call: `start ${workers} workers`, reason })
}
