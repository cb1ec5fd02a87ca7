/** The contract of all pollers; one suite of cases (`poller.suite.ts`) runs against each. */

/** What to watch for, and what `wait` reports, as bits. */
export const INTEREST = { none: 0, read: 1, write: 2 } as const
export const READY = { read: 1, write: 2, error: 4, hangup: 8 } as const

/**
 * Readiness of file descriptors, level-triggered. One thread calls it.
 * `error` and `hangup` are reported whatever the interest is, as epoll does. Descriptors that are
 * ready all the time get their turn: what one wait has no room for comes before it comes again.
 */
export interface Poller {
  readonly name: 'epoll' | 'kqueue' | 'poll'
  /** Watch `fd`; its events carry `tag` (u32). Returns 0 or a negative errno: -EEXIST, -EBADF. */
  add(fd: number, tag: number, interest: number): number
  /** Change what is watched. Returns 0 or a negative errno: -ENOENT when it is not watched. */
  change(fd: number, tag: number, interest: number): number
  /** Forget `fd`, before close(2). Events already fetched may still name the tag. */
  remove(fd: number, tag: number): number
  /**
   * Block up to `timeoutMs` (-1: no limit, 0: not at all). Fills `tags[i]` and `ready[i]` (bits of
   * `READY`) from 0 on, one for each descriptor. Returns how many, at most `tags.length`; 0 on
   * EINTR, and for an event that means nothing; a negative errno.
   */
  wait(tags: Uint32Array, ready: Uint8Array, timeoutMs: number): number
  close(): void
}
