/** Error numbers of the running platform, and what they are called. */
import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** Name → positive number, as the running kernel has it. */
export const ERRNO = constants.errno

/** Did a call say "not now, the poller will tell"? @param result A count of 11 is none of it. */
export function isAgain(result: number): boolean {
  return result === -ERRNO.EAGAIN || result === -ERRNO.EWOULDBLOCK
}

/** May the same call do better later? Also for want of memory. @param result As above. */
export function isTransient(result: number): boolean {
  return isAgain(result) || result === -ERRNO.ENOBUFS || result === -ERRNO.ENOMEM
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
