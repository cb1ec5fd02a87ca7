/** What the system calls a thread. */
import { readlinkSync } from 'node:fs'

/** Of the thread that calls; 0: unknown. */
export function ownThreadId(): number {
  try {
    return Number(/\d+$/.exec(readlinkSync('/proc/thread-self')))
  } catch {
    return 0
  }
}
