/** epoll(7), level-triggered; edge-triggered only to be measured against. */
import { SkynetError } from '../../base/errors.ts'
import { POLL_EVENTS_MAX } from '../../base/limits.ts'
import { ERRNO, errorText } from '../errno.ts'
import { LINUX_FLAGS, type Libc } from '../libc.ts'
import type { Poller } from './poller.ts'

const CTL_ADD = 1
const CTL_DEL = 2
const CTL_MOD = 3
const EDGE = 2 ** 31

/**
 * Cells of 4 bytes in `struct epoll_event { u32 events; u64 data }`, and where `data` starts: x86
 * packs it, the others align `data` to 8 bytes.
 */
export function epollLayout(arch: string): { readonly cells: number; readonly data: number } {
  return arch === 'x64' || arch === 'ia32' ? { cells: 3, data: 1 } : { cells: 4, data: 2 }
}

const { cells: EVENT_CELLS, data: DATA } = epollLayout(process.arch)

export interface EpollOptions {
  /** Report each change once. It breaks the contract: the caller has to read until -EAGAIN. */
  readonly isEdgeTriggered?: boolean
}

/** @throws {SkynetError} `ERR_PLATFORM` not on Linux; `ERR_SYSCALL` no descriptor is left. */
export function createEpoll(libc: Libc, options: EpollOptions = {}): Poller {
  const { linux } = libc
  if (linux === undefined) throw new SkynetError('ERR_PLATFORM', { reason: 'it has no epoll' })
  libc.tally.calls++
  const fd = linux.epoll_create1(LINUX_FLAGS.EPOLL_CLOEXEC)
  if (fd < 0) {
    const reason = errorText(libc.errno())
    throw new SkynetError('ERR_SYSCALL', { call: 'create an epoll', reason })
  }
  return new Epoll(libc, linux, fd, options.isEdgeTriggered ? EDGE : 0)
}

class Epoll implements Poller {
  readonly name = 'epoll'
  readonly #libc: Libc
  readonly #linux: NonNullable<Libc['linux']>
  /** Set in the interest of every descriptor. */
  readonly #always: number
  /** What epoll_wait fills, and behind it one event as the argument of epoll_ctl. */
  #cells!: Uint32Array
  #address = 0
  #capacity = 0
  #argument = 0
  #fd: number

  constructor(libc: Libc, linux: NonNullable<Libc['linux']>, fd: number, always: number) {
    this.#libc = libc
    this.#linux = linux
    this.#fd = fd
    this.#always = always
    this.#reserve(POLL_EVENTS_MAX)
  }

  add(fd: number, tag: number, interest: number): number {
    return this.#control(CTL_ADD, fd, tag, interest)
  }

  change(fd: number, tag: number, interest: number): number {
    return this.#control(CTL_MOD, fd, tag, interest)
  }

  remove(fd: number, tag: number): number {
    return this.#control(CTL_DEL, fd, tag, 0)
  }

  wait(tags: Uint32Array, ready: Uint8Array, timeoutMs: number): number {
    if (tags.length > this.#capacity) this.#reserve(tags.length)
    this.#libc.tally.calls++
    const count = this.#linux.epoll_wait(this.#fd, this.#address, tags.length, timeoutMs)
    if (count < 0) {
      const errno = this.#libc.errno()
      return errno === ERRNO.EINTR ? 0 : -errno
    }
    const cells = this.#cells
    for (let i = 0, at = 0; i < count; i++, at += EVENT_CELLS) {
      const events = cells[at]!
      // IN 1, OUT 4, ERR 8, HUP 16 → read 1, write 2, error 4, hangup 8.
      ready[i] = (events & 1) | ((events >> 1) & 14)
      tags[i] = cells[at + DATA]!
    }
    return count
  }

  close(): void {
    if (this.#fd < 0) return
    this.#libc.tally.calls++
    this.#libc.close(this.#fd)
    this.#fd = -1
  }

  #control(operation: number, fd: number, tag: number, interest: number): number {
    const at = this.#argument
    // read 1, write 2 → IN 1, OUT 4.
    this.#cells[at] = (interest & 1) | ((interest & 2) << 1) | this.#always
    this.#cells[at + DATA] = tag
    this.#libc.tally.calls++
    const result = this.#linux.epoll_ctl(this.#fd, operation, fd, this.#address + at * 4)
    return result < 0 ? -this.#libc.errno() : 0
  }

  #reserve(capacity: number): void {
    const cells = (capacity + 1) * EVENT_CELLS
    this.#cells = new Uint32Array(new SharedArrayBuffer(cells * Uint32Array.BYTES_PER_ELEMENT))
    this.#address = this.#libc.addressOf(new Uint8Array(this.#cells.buffer))
    this.#capacity = capacity
    this.#argument = capacity * EVENT_CELLS
  }
}
