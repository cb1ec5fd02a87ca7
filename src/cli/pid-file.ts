/**
 * The pid file of a daemon: held by a lock as long as the process lives, so that of two that start
 * at once one is refused, and gone with it. What a killed process left is taken over.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { SkynetError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { Os } from '../os/os.ts'

/**
 * Take the file, and remove it when the process ends, if it is still the one that was taken.
 *
 * @throws {SkynetError} `ERR_NODE_RUNNING` the process it names lives; `ERR_SYSCALL` the file
 * cannot be written.
 */
export function takePidFile(path: string, os: Os): void {
  const fd = open(path)
  const isLocked = os.lockFile(fd) === 0
  if (isLocked && !isThere(path, fd)) {
    // Its last holder removed it between the two calls: it is nobody's any more.
    closeSync(fd)
    takePidFile(path, os)
    return
  }
  // Not written yet, or no number at all: 0.
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10) || 0
  if (!isLocked || isAlive(pid)) {
    closeSync(fd)
    throw new SkynetError('ERR_NODE_RUNNING', { pid, file: path })
  }
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`, 0)
  process.on('exit', () => {
    // Somebody may have removed it, and another daemon have made its own.
    if (isThere(path, fd)) rmSync(path, { force: true })
  })
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  } catch (cause) {
    const info = { call: `write pid file ${path}`, reason: messageOf(cause) }
    throw new SkynetError('ERR_SYSCALL', info, { cause })
  }
}

/** Is the file of that name still the open one? */
function isThere(path: string, fd: number): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino
}

/** A process of somebody else lives too, though it may not be signalled. */
function isAlive(pid: number): boolean {
  if (pid <= 0 || pid === process.pid) return false
  try {
    return process.kill(pid, 0) && !isZombie(pid)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Dead, and its parent has not asked for its exit code: the first process of a container may never
 * do so. Known on Linux alone; elsewhere it counts as alive.
 */
function isZombie(pid: number): boolean {
  try {
    // `pid (name) state …`, and the name may hold parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.startsWith('Z', stat.lastIndexOf(')') + 2)
  } catch {
    return false
  }
}
