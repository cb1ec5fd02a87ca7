/** A pipe of the system, outside of Node.js. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Both ends: descriptors that block, as others make them. */
export function pipe(): { readFd: number; writeFd: number } {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  // Opening one end waits for the other; this one is both.
  const both = openSync(path, 'r+')
  const ends = { readFd: openSync(path, 'r'), writeFd: openSync(path, 'w') }
  closeSync(both)
  rmSync(folder, { recursive: true })
  return ends
}
