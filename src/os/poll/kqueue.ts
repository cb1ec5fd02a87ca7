/**
 * kqueue(2) of macOS and the BSDs, level-triggered.
 *
 * A descriptor has up to two filters. The read filter is always there: with the interest it is
 * level-triggered and means readable; without, it is edge-triggered and only there to see the
 * connection fail, which the other pollers report whatever the interest is.
 */
import { endianness } from 'node:os'
import { SkynetError } from '../../base/errors.ts'
import { POLL_EVENTS_MAX } from '../../base/limits.ts'
import { ERRNO, errorText } from '../errno.ts'
import { C, type Libc } from '../libc.ts'
import { INTEREST, type Poller, READY } from './poller.ts'

/** `struct kevent` of 64-bit systems: bytes, and where its fields start. FreeBSD has 32 more. */
export function keventLayout(platform: string) {
  return {
    BYTES: platform === 'freebsd' ? 64 : 32,
    ident: 0, // u64
    filter: 8, // i16
    flags: 10, // u16
    filterFlags: 12, // u32; of an event with EOF: the error of the socket
    data: 16, // i64; of an event with ERROR: errno
  } as const
}

export const FILTER = { read: -1, write: -2 } as const
export const EV = {
  add: 1,
  delete: 2,
  clear: 0x20,
  receipt: 0x40,
  error: 0x4000,
  eof: 0x8000,
} as const
/** Of the read filter: `data` is how many bytes must be there. */
export const NOTE_LOWAT = 1

const LITTLE = endianness() === 'LE'
/** Where the low 4 bytes of 8 are. */
const LOW_AT = LITTLE ? 0 : 4
const NEVER_BYTES = 0x7fff_ffff
/** Changes of one call: both filters removed, both added. */
const CHANGES_MAX = 4
const TIMESPEC_BYTES = 16
/** Beside its interest in the state of a descriptor: it is watched; its failure was reported. */
const WATCHED = 128
const FAILED = 64
const BITS = INTEREST.read | INTEREST.write

/** @throws {SkynetError} `ERR_PLATFORM` not macOS or BSD; `ERR_SYSCALL` no descriptor is left. */
export function createKqueue(libc: Libc, platform: string = process.platform): Poller {
  const { bsd } = libc
  if (bsd === undefined) throw new SkynetError('ERR_PLATFORM', { reason: 'it has no kqueue' })
  libc.tally.calls++
  const fd = bsd.kqueue()
  if (fd < 0) {
    const reason = errorText(libc.errno())
    throw new SkynetError('ERR_SYSCALL', { call: 'create a kqueue', reason })
  }
  libc.tally.calls++
  libc.fcntl(fd, C.F_SETFD, 'int', C.FD_CLOEXEC)
  return new Kqueue(libc, bsd, fd, platform)
}

class Kqueue implements Poller {
  readonly name = 'kqueue'
  readonly #libc: Libc
  readonly #bsd: NonNullable<Libc['bsd']>
  readonly #layout: ReturnType<typeof keventLayout>
  #fd: number
  /** What kevent fills and, from `#changesAt` on, what it is told; a timespec behind that. */
  #view!: DataView
  #address = 0
  #capacity = 0
  #changesAt = 0
  #timeoutAt = 0
  #changes = 0
  /** By descriptor: its interest, WATCHED and FAILED. */
  #states = new Uint8Array(POLL_EVENTS_MAX)
  #tags = new Uint32Array(POLL_EVENTS_MAX)
  /** By descriptor: which wait reported it last, and where: both filters make one event. */
  #waits = new Float64Array(POLL_EVENTS_MAX)
  #places = new Uint32Array(POLL_EVENTS_MAX)
  #wait = 0

  constructor(libc: Libc, bsd: NonNullable<Libc['bsd']>, fd: number, platform: string) {
    this.#libc = libc
    this.#bsd = bsd
    this.#fd = fd
    this.#layout = keventLayout(platform)
    this.#reserve(POLL_EVENTS_MAX)
  }

  add(fd: number, tag: number, interest: number): number {
    if (fd < 0) return -ERRNO.EBADF
    if (this.#stateOf(fd) !== 0) return -ERRNO.EEXIST
    this.#addRead(fd, interest)
    if (interest & INTEREST.write) this.#push(fd, FILTER.write, EV.add)
    const result = this.#apply()
    if (result === 0) {
      this.#remember(fd, tag, interest)
      return 0
    }
    this.#push(fd, FILTER.read, EV.delete)
    this.#push(fd, FILTER.write, EV.delete)
    this.#apply()
    return result
  }

  change(fd: number, tag: number, interest: number): number {
    const state = this.#stateOf(fd)
    if (state === 0) return fd < 0 ? -ERRNO.EBADF : -ERRNO.ENOENT
    const changed = (state ^ interest) & BITS
    if (changed & INTEREST.read) {
      // Whether a filter is edge-triggered is said once, when it is added.
      this.#push(fd, FILTER.read, EV.delete)
      this.#addRead(fd, interest)
    }
    if (changed & INTEREST.write) {
      this.#push(fd, FILTER.write, interest & INTEREST.write ? EV.add : EV.delete)
    }
    const result = this.#apply()
    if (result < 0) return result
    this.#remember(fd, tag, interest | (changed & INTEREST.read ? 0 : state & FAILED))
    return 0
  }

  remove(fd: number): number {
    const state = this.#stateOf(fd)
    if (state === 0) return fd < 0 ? -ERRNO.EBADF : -ERRNO.ENOENT
    this.#states[fd] = 0
    this.#push(fd, FILTER.read, EV.delete)
    if (state & INTEREST.write) this.#push(fd, FILTER.write, EV.delete)
    return this.#apply()
  }

  wait(tags: Uint32Array, ready: Uint8Array, timeoutMs: number): number {
    const room = tags.length
    if (room > this.#capacity) this.#reserve(room)
    const address = this.#address
    this.#libc.tally.calls++
    const count = this.#bsd.kevent(this.#fd, 0, 0, address, room, this.#timeout(timeoutMs))
    if (count < 0) {
      const errno = this.#libc.errno()
      return errno === ERRNO.EINTR ? 0 : -errno
    }
    this.#wait++
    let used = 0
    for (let i = 0, at = 0; i < count; i++, at += this.#layout.BYTES) {
      const fd = this.#view.getUint32(at + this.#layout.ident + LOW_AT, LITTLE)
      const bits = this.#bitsOf(fd, at)
      if (bits === 0) continue
      if (this.#waits[fd] === this.#wait) ready[this.#places[fd]!]! |= bits
      else {
        this.#waits[fd] = this.#wait
        this.#places[fd] = used
        tags[used] = this.#tags[fd]!
        ready[used++] = bits
      }
    }
    return used
  }

  close(): void {
    if (this.#fd < 0) return
    this.#libc.tally.calls++
    this.#libc.close(this.#fd)
    this.#fd = -1
  }

  /** Bits of `READY` for the event at `at`. */
  #bitsOf(fd: number, at: number): number {
    const { filter, flags, filterFlags } = this.#layout
    const state = this.#stateOf(fd)
    if (state === 0) return 0
    const isEnd = (this.#view.getUint16(at + flags, LITTLE) & EV.eof) !== 0
    const hasFailed = isEnd && this.#view.getUint32(at + filterFlags, LITTLE) !== 0
    if (this.#view.getInt16(at + filter, LITTLE) === FILTER.write) {
      // The end of writing is that of the connection: epoll calls it a hangup.
      return READY.write | (isEnd ? READY.hangup : 0) | (hasFailed ? READY.error : 0)
    }
    const failure = hasFailed ? READY.error | READY.hangup : 0
    if (state & INTEREST.read) return READY.read | failure
    // Its error may have been taken by now, yet it stays as dead as it was.
    if (state & FAILED) return READY.error | READY.hangup
    if (hasFailed) this.#repeat(fd)
    return failure
  }

  /** A failure without interest came by an edge: from now on it comes again until it is handled. */
  #repeat(fd: number): void {
    this.#push(fd, FILTER.read, EV.delete)
    this.#push(fd, FILTER.read, EV.add)
    if (this.#apply() === 0) this.#states[fd]! |= FAILED
  }

  #addRead(fd: number, interest: number): void {
    if (interest & INTEREST.read) this.#push(fd, FILTER.read, EV.add)
    else this.#push(fd, FILTER.read, EV.add | EV.clear, NOTE_LOWAT, NEVER_BYTES)
  }

  #push(fd: number, filter: number, flags: number, filterFlags = 0, data = 0): void {
    const view = this.#view
    const layout = this.#layout
    const at = this.#changesAt + this.#changes++ * layout.BYTES
    for (let i = 0; i < layout.BYTES; i += 4) view.setUint32(at + i, 0, LITTLE)
    view.setUint32(at + layout.ident + LOW_AT, fd, LITTLE)
    view.setInt16(at + layout.filter, filter, LITTLE)
    view.setUint16(at + layout.flags, flags | EV.receipt, LITTLE)
    view.setUint32(at + layout.filterFlags, filterFlags, LITTLE)
    view.setUint32(at + layout.data + LOW_AT, data, LITTLE)
  }

  /**
   * Tell the kernel what was pushed: each change answers with a receipt, in its own place. Returns
   * 0 or the first failure; that nothing is there to be deleted is none.
   */
  #apply(): number {
    const { flags, data, BYTES } = this.#layout
    const changes = this.#changes
    this.#changes = 0
    if (changes === 0) return 0
    const address = this.#address + this.#changesAt
    this.#libc.tally.calls++
    const count = this.#bsd.kevent(this.#fd, address, changes, address, changes, 0)
    if (count < 0) return -this.#libc.errno()
    for (let i = 0, at = this.#changesAt; i < count; i++, at += BYTES) {
      if (!(this.#view.getUint16(at + flags, LITTLE) & EV.error)) continue
      const errno = this.#view.getUint32(at + data + LOW_AT, LITTLE)
      if (errno !== 0 && errno !== ERRNO.ENOENT) return -errno
    }
    return 0
  }

  #timeout(timeoutMs: number): number {
    if (timeoutMs < 0) return 0
    this.#view.setUint32(this.#timeoutAt + LOW_AT, Math.floor(timeoutMs / 1000), LITTLE)
    this.#view.setUint32(this.#timeoutAt + 8 + LOW_AT, (timeoutMs % 1000) * 1e6, LITTLE)
    return this.#address + this.#timeoutAt
  }

  #stateOf(fd: number): number {
    return fd >= 0 && fd < this.#states.length ? this.#states[fd]! : 0
  }

  #remember(fd: number, tag: number, state: number): void {
    if (fd >= this.#states.length) {
      const length = Math.max(fd + 1, this.#states.length * 2)
      this.#states = grown(this.#states, new Uint8Array(length))
      this.#tags = grown(this.#tags, new Uint32Array(length))
      this.#waits = grown(this.#waits, new Float64Array(length))
      this.#places = grown(this.#places, new Uint32Array(length))
    }
    this.#states[fd] = state | WATCHED
    this.#tags[fd] = tag
    this.#waits[fd] = 0
  }
  #reserve(capacity: number): void {
    const { BYTES } = this.#layout
    this.#capacity = capacity
    this.#changesAt = capacity * BYTES
    this.#timeoutAt = this.#changesAt + CHANGES_MAX * BYTES
    // Shared memory, as the kernel needs an address and this does not move.
    const buffer = new SharedArrayBuffer(this.#timeoutAt + TIMESPEC_BYTES)
    this.#view = new DataView(buffer)
    this.#address = this.#libc.addressOf(new Uint8Array(buffer))
  }
}

function grown<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from)
  return to
}
