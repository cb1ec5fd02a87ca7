/** What a process, its threads and its children have used, as Linux tells it in /proc. */
import { readdirSync, readFileSync } from 'node:fs'

export interface Usage {
  /** Of threads and processes that are still there. */
  readonly cpuMs: number
  /** Pages that several processes share count once. What the kernel holds is not in it. */
  readonly bytes: number
  /** How often a thread went to sleep, because there was nothing to do for it. */
  readonly sleeps: number
}

export function usageOf(pid: number): Usage {
  const usage = { cpuMs: 0, bytes: 0, sleeps: 0 }
  for (const each of familyOf(pid)) {
    const folder = `/proc/${each}`
    usage.bytes += 1024 * numberIn(`${folder}/smaps_rollup`, /^Pss: +(\d+) kB/m)
    for (const thread of readdirSync(`${folder}/task`)) {
      usage.cpuMs += numberIn(`${folder}/task/${thread}/schedstat`, /^(\d+)/) / 1e6
      usage.sleeps += numberIn(`${folder}/task/${thread}/status`, /^voluntary_ctxt.*\t(\d+)/m)
    }
  }
  return usage
}

/** `pid`, its children, and theirs. */
function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  const pids = children.split(' ').filter(Boolean).map(Number)
  return [pid, ...pids.flatMap(familyOf)]
}

function numberIn(file: string, pattern: RegExp): number {
  const found = pattern.exec(readFileSync(file, 'utf8'))?.[1]
  if (found === undefined) throw new Error(`Cannot find ${pattern} in ${file}`)
  return Number(found)
}
