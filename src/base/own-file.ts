/**
 * Files that are ours alone, under names that anybody may know beforehand: what is there already
 * may be a link to a file of somebody else, a pipe, a device. None of these is opened, followed or
 * written.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'

/** How a log is opened: at its end, and without waiting for the reader of a named pipe. */
export const LOG_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK

const KINDS = [
  ['isSymbolicLink', 'a symbolic link'],
  ['isDirectory', 'a folder'],
  ['isFIFO', 'a named pipe'],
  ['isSocket', 'a socket'],
  ['isCharacterDevice', 'a device'],
  ['isBlockDevice', 'a device'],
] as const

/**
 * Open a file of ours, which is made if there is none, in a folder that is made too.
 *
 * @param flags How, beside that: `O_RDWR` and so on.
 * @throws {Error} It is no plain file; or an error of the system.
 */
export function openOwn(path: string, flags: number): number {
  makeFolderOf(path)
  // Before it is opened: a device may do something then.
  const there = lstatSync(path, { throwIfNoEntry: false })
  const kind = there && KINDS.find(([is]) => there[is]())
  if (kind !== undefined) throw new Error(`it is ${kind[1]}`)
  const { O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const fd = openSync(path, flags | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new Error('it is no plain file')
}

/** Make the folder where a file will be. When that fails, opening the file says why. */
export function makeFolderOf(path: string): void {
  try {
    makeFolder(dirname(path))
  } catch {}
}

/**
 * Make a folder, and those above it that are missing. One by one: the recursive `mkdir` of Node.js
 * never ends where the parent is there and a folder in it "does not exist", as under /proc.
 *
 * @throws {Error} Of the system.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(path)
  // What is there and no folder is told of by the system.
  if (parent !== path && statOf(parent) === undefined) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    // Somebody may have made it meanwhile.
    if (!isFolder(path)) throw error
  }
}

const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false })
const isFolder = (path: string): boolean => statOf(path)?.isDirectory() === true
