/** poll(2): on any POSIX system. Each wait costs as much as there are descriptors. */
import { ERRNO } from '../errno.ts'
import { C, type Libc } from '../libc.ts'
import type { Poller } from './poller.ts'

/** `struct pollfd { int fd; short events; short revents }`: in cells of 4 and of 2 bytes. */
export const POLLFD = { BYTES: 8, fd: 0, events: 2, revents: 3 } as const
const FD_CELLS = POLLFD.BYTES / 4
const SHORT_CELLS = POLLFD.BYTES / 2
const CAPACITY_MIN = 64
/** The descriptor is closed: the owner forgot to remove it. An error, so that it does not go on. */
const NVAL = 32

export function createPoll(libc: Libc): Poller {
  return new Poll(libc)
}

class Poll implements Poller {
  readonly name = 'poll'
  readonly #libc: Libc
  /** What poll(2) sees, dense: the last one moves to where one is removed. */
  #fds: Int32Array = new Int32Array(0)
  #shorts: Int16Array = new Int16Array(0)
  #address = 0
  /** The tag of each, in the same order. */
  #tags = new Uint32Array(0)
  #count = 0
  /** Where the entry of a descriptor is, plus 1; 0 when it is not watched. */
  #places = new Int32Array(CAPACITY_MIN)
  /** Where the next scan starts: behind what was reported last, so that everybody gets a turn. */
  #start = 0
  #isOpen = true

  constructor(libc: Libc) {
    this.#libc = libc
    this.#grow()
  }

  add(fd: number, tag: number, interest: number): number {
    // Elsewhere the kernel finds out; here it would only be seen as events without end.
    if (!this.#isThere(fd)) return -ERRNO.EBADF
    if (this.#placeOf(fd) >= 0) return -ERRNO.EEXIST
    if (this.#count === this.#tags.length) this.#grow()
    const place = this.#count++
    this.#setPlace(fd, place)
    this.#fds[place * FD_CELLS] = fd
    return this.#set(place, tag, interest)
  }

  change(fd: number, tag: number, interest: number): number {
    const place = this.#placeOf(fd)
    return place < 0 ? this.#unknown(fd) : this.#set(place, tag, interest)
  }

  remove(fd: number): number {
    const place = this.#placeOf(fd)
    if (place < 0) return this.#unknown(fd)
    const last = --this.#count
    this.#places[fd] = 0
    if (place === last) return 0
    const moved = this.#fds[last * FD_CELLS]!
    this.#fds.copyWithin(place * FD_CELLS, last * FD_CELLS, (last + 1) * FD_CELLS)
    this.#tags[place] = this.#tags[last]!
    this.#places[moved] = place + 1
    return 0
  }

  wait(tags: Uint32Array, ready: Uint8Array, timeoutMs: number): number {
    if (!this.#isOpen) return -ERRNO.EBADF
    this.#libc.tally.calls++
    const found = this.#libc.poll(this.#address, this.#count, timeoutMs)
    if (found >= 0) return this.#collect(Math.min(found, tags.length), tags, ready)
    const errno = this.#libc.errno()
    return errno === ERRNO.EINTR ? 0 : -errno
  }

  close(): void {
    this.#isOpen = false
    this.#count = 0
    this.#places.fill(0)
  }

  /** Report `wanted` descriptors: so many are ready at least. */
  #collect(wanted: number, tags: Uint32Array, ready: Uint8Array): number {
    const shorts = this.#shorts
    const count = this.#count
    let place = this.#start < count ? this.#start : 0
    for (let i = 0; i < wanted; ) {
      const events = shorts[place * SHORT_CELLS + POLLFD.revents]!
      if (events !== 0) {
        // IN 1, OUT 4, ERR 8, HUP 16 → read 1, write 2, error 4, hangup 8.
        ready[i] = (events & 1) | ((events >> 1) & 14) | ((events & NVAL) >> 3)
        tags[i++] = this.#tags[place]!
      }
      place = place + 1 === count ? 0 : place + 1
    }
    this.#start = place
    return wanted
  }

  #set(place: number, tag: number, interest: number): number {
    this.#tags[place] = tag
    // read 1, write 2 → IN 1, OUT 4.
    this.#shorts[place * SHORT_CELLS + POLLFD.events] = (interest & 1) | ((interest & 2) << 1)
    return 0
  }

  #placeOf(fd: number): number {
    return fd >= 0 && fd < this.#places.length ? this.#places[fd]! - 1 : -1
  }

  #setPlace(fd: number, place: number): void {
    if (fd >= this.#places.length) {
      const places = new Int32Array(Math.max(fd + 1, this.#places.length * 2))
      places.set(this.#places)
      this.#places = places
    }
    this.#places[fd] = place + 1
  }

  #unknown(fd: number): number {
    return this.#isThere(fd) ? -ERRNO.ENOENT : -ERRNO.EBADF
  }

  #isThere(fd: number): boolean {
    if (!this.#isOpen) return false
    this.#libc.tally.calls++
    return this.#libc.fcntl(fd, C.F_GETFD) >= 0
  }

  #grow(): void {
    const capacity = Math.max(this.#tags.length * 2, CAPACITY_MIN)
    // Shared memory, as the kernel needs an address and this does not move.
    const buffer = new SharedArrayBuffer(capacity * POLLFD.BYTES)
    const fds = new Int32Array(buffer)
    fds.set(this.#fds)
    this.#fds = fds
    this.#shorts = new Int16Array(buffer)
    this.#address = this.#libc.addressOf(new Uint8Array(buffer))
    const tags = new Uint32Array(capacity)
    tags.set(this.#tags)
    this.#tags = tags
  }
}
