/** The real operating system: `Os` on libc. */
import type { Blocks, Region } from '../base/memory.ts'
import { readSockaddr, SOCKADDR_BYTES_MAX, writeSockaddr } from './address.ts'
import { createBlocks } from './blocks.ts'
import { ERRNO, errorText } from './errno.ts'
import { C, LINUX_FLAGS, type Libc, type Memory, openLibc } from './libc.ts'
import type { Os, SocketAddress } from './os.ts'
import { createEpoll } from './poll/epoll.ts'
import type { Poller } from './poll/poller.ts'
import { clearWakeup, createWakeup, setFdFlags, signalWakeup, type Wakeup } from './wakeup.ts'

const { EINTR, EINPROGRESS, ENOTSOCK } = ERRNO
const NONBLOCK_CLOEXEC = LINUX_FLAGS.SOCK_NONBLOCK | LINUX_FLAGS.SOCK_CLOEXEC
const SHUTDOWN = { read: 0, write: 1, both: 2 } as const

// Scratch memory of an instance: a sockaddr, then an option value and a length of 4 bytes each.
const VALUE_AT = 64
const LENGTH_AT = 68
const SCRATCH_BYTES = 128

/**
 * An instance belongs to the thread that made it; descriptors and blocks belong to the process.
 *
 * @throws {SkynetError} `ERR_PLATFORM` libc cannot be reached from here.
 */
export function posixOs(options: { readonly poller?: 'epoll' } = {}): Os {
  return new PosixOs(openLibc(), options.poller ?? 'epoll')
}

/** For tests: `libc` without `linux` takes the ways of the other platforms. */
export class PosixOs implements Os {
  readonly name = 'posix'
  readonly blocks: Blocks
  readonly #libc: Libc
  readonly #poller: 'epoll'
  readonly #scratch: Region
  readonly #cells: Int32Array

  constructor(libc: Libc, poller: 'epoll') {
    this.#libc = libc
    this.#poller = poller
    this.blocks = createBlocks(libc)
    this.#scratch = this.region(new SharedArrayBuffer(SCRATCH_BYTES))
    this.#cells = new Int32Array(this.#scratch.buffer)
  }

  region(buffer: SharedArrayBuffer): Region {
    const bytes = Buffer.from(buffer)
    return { buffer, bytes, address: this.#libc.addressOf(bytes) }
  }

  errorText(errno: number): string {
    return errorText(errno)
  }

  createPoller(): Poller {
    switch (this.#poller) {
      case 'epoll':
        return createEpoll(this.#libc)
    }
  }

  createWakeup(): Wakeup {
    return createWakeup(this.#libc)
  }

  signalWakeup(writeFd: number): void {
    signalWakeup(this.#libc, writeFd)
  }

  clearWakeup(readFd: number): void {
    clearWakeup(this.#libc, readFd, this.#scratch.bytes)
  }

  socket(family: 4 | 6): number {
    const libc = this.#libc
    const domain = family === 4 ? C.AF_INET : C.AF_INET6
    const flags = libc.linux === undefined ? 0 : NONBLOCK_CLOEXEC
    const fd = libc.socket(domain, C.SOCK_STREAM | flags, 0)
    if (fd < 0) return -libc.errno()
    return flags === 0 ? this.#flagged(fd) : fd
  }

  listen(address: SocketAddress, backlog: number): number {
    const fd = this.socket(address.family)
    if (fd < 0) return fd
    const result = this.#listenOn(fd, address, backlog)
    if (result === 0) return fd
    this.#libc.close(fd)
    return result
  }

  accept(fd: number): number {
    const libc = this.#libc
    const { linux } = libc
    for (;;) {
      const peer =
        linux === undefined ? libc.accept(fd, 0, 0) : linux.accept4(fd, 0, 0, NONBLOCK_CLOEXEC)
      if (peer >= 0) return linux === undefined ? this.#flagged(peer) : peer
      const errno = libc.errno()
      if (errno !== EINTR) return -errno
    }
  }

  connect(fd: number, address: SocketAddress): number {
    const length = writeSockaddr(this.#scratch.bytes, address)
    if (this.#libc.connect(fd, this.#scratch.address, length) === 0) return 0
    const errno = this.#libc.errno()
    // Interrupted, it goes on by itself: a second call would fail with EALREADY.
    return errno === EINTR ? -EINPROGRESS : -errno
  }

  socketError(fd: number): number {
    this.#cells[LENGTH_AT / 4] = 4
    const { address } = this.#scratch
    const value = address + VALUE_AT
    const result = this.#libc.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR, value, address + LENGTH_AT)
    return result < 0 ? -this.#libc.errno() : 0 - this.#cells[VALUE_AT / 4]!
  }

  localAddress(fd: number): SocketAddress | undefined {
    return this.#nameOf(this.#libc.getsockname, fd)
  }

  peerAddress(fd: number): SocketAddress | undefined {
    return this.#nameOf(this.#libc.getpeername, fd)
  }

  noDelay(fd: number, on: boolean): number {
    return this.#setOption(fd, C.IPPROTO_TCP, C.TCP_NODELAY, on)
  }

  keepAlive(fd: number, on: boolean): number {
    return this.#setOption(fd, C.SOL_SOCKET, C.SO_KEEPALIVE, on)
  }

  read(fd: number, region: Region, offset: number, length: number): number {
    checkRange(region.bytes, offset, length)
    const libc = this.#libc
    for (;;) {
      const count = libc.read(fd, region.address + offset, length)
      if (count >= 0) return count
      const errno = libc.errno()
      if (errno !== EINTR) return -errno
    }
  }

  write(fd: number, bytes: Uint8Array, offset: number, length: number): number {
    checkRange(bytes, offset, length)
    const libc = this.#libc
    const from = offset === 0 ? bytes : bytes.subarray(offset)
    for (;;) {
      const count = libc.send(fd, from, length, C.MSG_NOSIGNAL)
      if (count >= 0) return count
      const errno = libc.errno()
      if (errno === ENOTSOCK) return this.#writePlain(fd, from, length)
      if (errno !== EINTR) return -errno
    }
  }

  shutdown(fd: number, how: 'read' | 'write' | 'both'): number {
    return this.#checked(this.#libc.shutdown(fd, SHUTDOWN[how]))
  }

  close(fd: number): number {
    if (this.#libc.close(fd) === 0) return 0
    const errno = this.#libc.errno()
    // The descriptor is gone all the same: closing again could hit one that another thread opened.
    return errno === EINTR ? 0 : -errno
  }

  yield(): void {
    this.#libc.sched_yield()
  }

  reserveFd(): number {
    return this.socket(4)
  }

  #listenOn(fd: number, address: SocketAddress, backlog: number): number {
    if (address.family === 6) {
      const result = this.#setOption(fd, C.IPPROTO_IPV6, C.IPV6_V6ONLY, address.host !== '::')
      if (result < 0) return result
    }
    const reused = this.#setOption(fd, C.SOL_SOCKET, C.SO_REUSEADDR, true)
    if (reused < 0) return reused
    const length = writeSockaddr(this.#scratch.bytes, address)
    const bound = this.#checked(this.#libc.bind(fd, this.#scratch.address, length))
    return bound < 0 ? bound : this.#checked(this.#libc.listen(fd, backlog))
  }

  #writePlain(fd: number, bytes: Uint8Array, length: number): number {
    const libc = this.#libc
    for (;;) {
      const count = libc.write(fd, bytes, length)
      if (count >= 0) return count
      const errno = libc.errno()
      if (errno !== EINTR) return -errno
    }
  }

  #nameOf(
    name: (fd: number, address: Memory, length: Memory) => number,
    fd: number,
  ): SocketAddress | undefined {
    const { bytes, address } = this.#scratch
    this.#cells[LENGTH_AT / 4] = SOCKADDR_BYTES_MAX
    return name(fd, address, address + LENGTH_AT) < 0 ? undefined : readSockaddr(bytes)
  }

  #setOption(fd: number, level: number, name: number, on: boolean): number {
    this.#cells[VALUE_AT / 4] = on ? 1 : 0
    const value = this.#scratch.address + VALUE_AT
    return this.#checked(this.#libc.setsockopt(fd, level, name, value, 4))
  }

  /** `fd` made non-blocking and close-on-exec, or closed and a negative errno. */
  #flagged(fd: number): number {
    const result = setFdFlags(this.#libc, fd)
    if (result === 0) return fd
    this.#libc.close(fd)
    return result
  }

  #checked(result: number): number {
    return result < 0 ? -this.#libc.errno() : result
  }
}

/** The kernel sees addresses only: a range beyond the memory would be somebody else's bytes. */
function checkRange(bytes: Uint8Array, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= bytes.length) return
  throw new RangeError(
    `Cannot use ${length} bytes at ${offset} as the memory ends at ${bytes.length}`,
  )
}
