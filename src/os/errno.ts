/** Error numbers of the running platform, and what they are called. */
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** Name → positive number, as the running kernel has it. */
export const ERRNO = constants.errno

/** True for "not now, the poller will tell": EAGAIN, EWOULDBLOCK. Takes either sign. */
export function isAgain(errno: number): boolean {
  const number = Math.abs(errno)
  return number === ERRNO.EAGAIN || number === ERRNO.EWOULDBLOCK
}

/** True when the same call may do better later: also for want of memory. Takes either sign. */
export function isTransient(errno: number): boolean {
  const number = Math.abs(errno)
  return isAgain(number) || number === ERRNO.ENOBUFS || number === ERRNO.ENOMEM
}

/** Copied once: each call makes a new map of all errors. */
const KNOWN = getSystemErrorMap()

/** `ECONNREFUSED (connection refused)`. Takes either sign; an unknown number stays a number. */
export function errorText(errno: number): string {
  const number = Math.abs(errno)
  const known = KNOWN.get(-number)
  if (known !== undefined) return `${known[0]} (${known[1]})`
  return Object.entries(ERRNO).find(([, value]) => value === number)?.[0] ?? `errno ${number}`
}
