/** `wrk`, which loads an HTTP server, where it is installed. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const COMMAND = 'wrk'

export const WRK_LEFT_OUT = 'left out: what needs wrk, which is not installed: apt-get install wrk'

export const isWrkInstalled = (): boolean => spawnSync(COMMAND, ['-v']).error === undefined

/** @returns Requests that were answered with 2xx or 3xx. @throws When any was not. */
export async function wrk(url: string, connections: number, seconds: number): Promise<number> {
  const words = ['-t', '1', '-c', `${connections}`, '-d', `${seconds}s`, '--timeout', '60s', url]
  const { stdout } = await promisify(execFile)(COMMAND, words)
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1])
  if (/Socket errors|Non-2xx/.test(stdout) || !(count > 0)) throw new Error(stdout)
  return count
}
