/** How many files this process may open. */
import { spawnSync } from 'node:child_process'

interface Report {
  readonly userLimits?: { readonly open_files?: { readonly soft: number | string } }
}

/** Node raises the soft limit to the hard one when it starts. */
export function descriptorsMax(): number {
  const { userLimits } = process.report.getReport() as Report
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : 1024
}

/**
 * Let this process, and those that it starts later, open `wanted` files, where the system permits
 * it: to raise the hard limit takes root (and prlimit of util-linux).
 *
 * @returns How many it may open now.
 */
export function raiseDescriptors(wanted: number): number {
  const allowed = descriptorsMax()
  if (allowed >= wanted) return allowed
  const limits = `--nofile=${wanted}:${wanted}`
  spawnSync('prlimit', [`--pid=${process.pid}`, limits], { stdio: 'ignore' })
  return descriptorsMax()
}
