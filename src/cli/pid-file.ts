/**
 * The pid file of a daemon: held by a lock as long as the process lives, so that of two that start
 * at once one is refused, and gone with it. What a killed process left is taken over.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  readFileSync,
  readSync,
  rmSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { SkynetError } from '../base/errors.ts'
import { STDOUT } from '../base/output.ts'
import { openOwn } from '../base/own-file.ts'
import { messageOf } from '../base/thrown.ts'
import type { Os } from '../os/os.ts'

/** As long as what stands in a pid file may be. */
const PID_BYTES_MAX = 32
/** Empty: whoever began to write it was killed. */
const PID_TEXT = /^\s*-?\d*\s*$/

/**
 * Take the file, and remove it when the process ends, if it is still the one that was taken. What
 * is there and is no pid file stays as it is.
 *
 * @throws {SkynetError} `ERR_NODE_RUNNING` the process it names lives; `ERR_SYSCALL` the file
 * cannot be written, or is no pid file.
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
  const text = textOf(fd)
  if (text === undefined) {
    closeSync(fd)
    throw refused(path, new Error('it is there, and no pid file'))
  }
  // Not written yet: 0.
  const pid = Number.parseInt(text, 10) || 0
  if (!isLocked || isAlive(pid)) {
    closeSync(fd)
    throw new SkynetError('ERR_NODE_RUNNING', { pid, file: path })
  }
  const line = `${process.pid}\n`
  writeSync(fd, line, 0)
  ftruncateSync(fd, line.length)
  process.on('exit', () => {
    // Somebody may have removed it, and another daemon have made its own.
    if (isThere(path, fd)) rmSync(path, { force: true })
  })
}

function open(path: string): number {
  try {
    return openOwn(path, constants.O_RDWR)
  } catch (cause) {
    throw refused(path, cause)
  }
}

function refused(path: string, cause: unknown): SkynetError {
  const info = { call: `write pid file ${path}`, reason: messageOf(cause) }
  return new SkynetError('ERR_SYSCALL', info, { cause })
}

/** What the file holds; undefined: more, or something else, than a pid, or it is another user's. */
function textOf(fd: number): string | undefined {
  const bytes = Buffer.alloc(PID_BYTES_MAX + 1)
  const length = readSync(fd, bytes, 0, bytes.length, 0)
  const text = bytes.toString('latin1', 0, length)
  const isPid = length <= PID_BYTES_MAX && PID_TEXT.test(text)
  const isOurs = length === 0 || fstatSync(fd).uid === process.geteuid?.()
  return isPid && isOurs && !isLog(fd) ? text : undefined
}

/** A log that is new is empty as well. */
const isLog = (fd: number): boolean => isSame(fstatSync(fd), fstatSync(STDOUT))

/** Is the file of that name still the open one? */
function isThere(path: string, fd: number): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false })
  return there !== undefined && isSame(there, fstatSync(fd))
}

const isSame = (a: Stats, b: Stats): boolean => a.dev === b.dev && a.ino === b.ino

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
