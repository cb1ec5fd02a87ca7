/** The real operating system: `Os` on libc. */
import { chmodSync, fstatSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import type { Blocks, Region } from '../shm/memory.ts'
import { readSockaddr, SOCKADDR_BYTES_MAX, writeSockaddr } from './address.ts'
import { Batch, receiveBatch, sendBatch } from './batch.ts'
import { createBlocks } from './blocks.ts'
import { receiveFrom, sendTo } from './datagram.ts'
import { ERRNO, errorText } from './errno.ts'
import { type HostAddress, lookUpHost } from './host-names.ts'
import { C, koffiOf, LINUX_FLAGS, type Libc, type Memory, openLibc } from './libc.ts'
import { getOption, readOption, setOption } from './options.ts'
import type {
  AnyAddress,
  DatagramBatch,
  ListenFlags,
  Os,
  SocketAddress,
  SocketOption,
} from './os.ts'
import type { Poller } from './poll/poller.ts'
import { defaultPoller, POLLERS, type PollerName } from './poll/pollers.ts'
import { checkRange } from './range.ts'
import { Scratch } from './scratch.ts'
import { clearWakeup, createWakeup, setFdFlags, signalWakeup, type Wakeup } from './wakeup.ts'

const { EBADF, EINTR, EINPROGRESS, EINVAL, ENOSYS, ENOTSOCK } = ERRNO
const NONBLOCK_CLOEXEC = LINUX_FLAGS.SOCK_NONBLOCK | LINUX_FLAGS.SOCK_CLOEXEC
const SHUTDOWN = { read: 0, write: 1, both: 2 } as const
const DOMAINS = { 4: C.AF_INET, 6: C.AF_INET6, unix: C.AF_UNIX } as const
const STDERR = 2
/** What the mask of sched_setaffinity(2) has room for. */
const CPUS_MAX = 1024

export interface PosixOptions {
  /** Default: what `SKYNET_POLLER` in the environment says, else the best of the platform. */
  readonly poller?: PollerName | undefined
  /** Where the native library is: what `koffiFile()` says on a thread that has found it. */
  readonly koffi?: string | undefined
}

/**
 * An instance belongs to the thread that made it; descriptors and blocks belong to the process.
 *
 * @throws {SkynetError} `ERR_PLATFORM` libc cannot be reached from here; `ERR_CONFIG_VALUE` no
 * poller is called what `SKYNET_POLLER` says.
 */
export function posixOs(options: PosixOptions = {}): Os {
  return new PosixOs(openLibc(koffiOf(options.koffi)), options.poller ?? defaultPoller())
}

/** For tests: `libc` without `linux` takes the ways of the other platforms. */
export class PosixOs implements Os {
  readonly name = 'posix'
  readonly blocks: Blocks
  readonly #libc: Libc
  readonly #poller: PollerName
  readonly #scratch: Scratch

  constructor(libc: Libc, poller: PollerName) {
    this.#libc = libc
    this.#poller = poller
    this.blocks = createBlocks(libc)
    this.#scratch = new Scratch(libc)
  }

  get calls(): number {
    return this.#libc.tally.calls
  }

  region(buffer: SharedArrayBuffer): Region {
    const bytes = Buffer.from(buffer)
    return { buffer, bytes, address: this.#libc.addressOf(bytes) }
  }

  errorText(errno: number): string {
    return errorText(errno)
  }

  lookUp(name: string): Promise<HostAddress[]> {
    return lookUpHost(name)
  }

  createPoller(): Poller {
    return POLLERS[this.#poller](this.#libc)
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

  socket(family: AnyAddress['family']): number {
    return this.#open(DOMAINS[family], C.SOCK_STREAM)
  }

  listen(address: AnyAddress, flags: number | ListenFlags): number {
    const fd = this.socket(address.family)
    if (fd < 0) return fd
    const result = this.#listenOn(
      fd,
      address,
      typeof flags === 'number' ? { backlog: flags } : flags,
    )
    if (result === 0) return fd
    this.close(fd)
    return result
  }

  accept(fd: number): number {
    const libc = this.#libc
    const { linux } = libc
    for (;;) {
      libc.tally.calls++
      const peer =
        linux === undefined ? libc.accept(fd, 0, 0) : linux.accept4(fd, 0, 0, NONBLOCK_CLOEXEC)
      if (peer >= 0) return linux === undefined ? this.#flagged(peer) : peer
      const errno = libc.errno()
      if (errno !== EINTR) return -errno
    }
  }

  connect(fd: number, address: AnyAddress): number {
    const length = writeSockaddr(this.#scratch.bytes, address)
    if (length === 0) return -EINVAL
    this.#libc.tally.calls++
    if (this.#libc.connect(fd, this.#scratch.address, length) === 0) return 0
    const errno = this.#libc.errno()
    // Interrupted, it goes on by itself: a second call would fail with EALREADY.
    return errno === EINTR ? -EINPROGRESS : -errno
  }

  socketError(fd: number): number {
    const result = this.#read(fd, C.SO_ERROR)
    return result < 0 ? result : 0 - this.#scratch.value[0]!
  }

  localAddress(fd: number): AnyAddress | undefined {
    return this.#nameOf(this.#libc.getsockname, fd)
  }

  peerAddress(fd: number): AnyAddress | undefined {
    return this.#nameOf(this.#libc.getpeername, fd)
  }

  noDelay(fd: number, on: boolean): number {
    return this.setOption(fd, 'noDelay', Number(on))
  }

  keepAlive(fd: number, on: boolean): number {
    return this.setOption(fd, 'keepAlive', Number(on))
  }

  setOption(fd: number, name: SocketOption, value: number): number {
    return setOption(this.#libc, this.#scratch, fd, name, value)
  }

  getOption(fd: number, name: SocketOption): number {
    return getOption(this.#libc, this.#scratch, fd, name)
  }

  setNonBlocking(fd: number, on: boolean): number {
    const flags = this.#checked(this.#libc.fcntl(fd, C.F_GETFL))
    if (flags < 0) return flags
    const wanted = on ? flags | C.O_NONBLOCK : flags & ~C.O_NONBLOCK
    if (wanted === flags) return 0
    return this.#checked(this.#libc.fcntl(fd, C.F_SETFL, 'int', wanted)) || 1
  }

  carriesBytes(fd: number): number {
    try {
      const found = fstatSync(fd)
      if (found.isFIFO()) return this.#isBothEnds(fd, found.ino) ? 0 : 1
      return found.isSocket() || found.isCharacterDevice() ? 1 : 0
    } catch (error) {
      return (error as NodeJS.ErrnoException).errno ?? -EBADF
    }
  }

  /**
   * Is it a pipe from this process to itself? By such ones libuv hears of signals: it ends the
   * process when it misses a byte. Who has inherited one has one end, or a terminal's place for it.
   */
  #isBothEnds(fd: number, inode: number): boolean {
    if (fd <= STDERR || !(this.#checked(this.#libc.fcntl(fd, C.F_GETFD)) & C.FD_CLOEXEC))
      return false
    return pipesHere().filter((pipe) => pipe === `pipe:[${inode}]`).length > 1
  }

  read(fd: number, region: Region, offset: number, length: number): number {
    checkRange(region.bytes, offset, length)
    const libc = this.#libc
    for (;;) {
      libc.tally.calls++
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
      libc.tally.calls++
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
    this.#libc.tally.calls++
    if (this.#libc.close(fd) === 0) return 0
    const errno = this.#libc.errno()
    // The descriptor is gone all the same: closing again could hit one that another thread opened.
    return errno === EINTR ? 0 : -errno
  }

  duplicate(fd: number, to: number): number {
    return Math.min(this.#checked(this.#libc.dup2(fd, to)), 0)
  }

  lockFile(fd: number): number {
    return this.#checked(this.#libc.flock(fd, C.LOCK_EX | C.LOCK_NB))
  }

  unlink(path: string): number {
    const bytes = Buffer.from(`${path}\0`)
    const end = bytes.indexOf(0)
    if (end === 0 && path !== '') return 0
    // The kernel would take the part before a NUL for the whole: another file.
    return end < bytes.length - 1 ? -EINVAL : this.#checked(this.#libc.unlink(bytes))
  }

  socketFile(path: string): string | undefined {
    try {
      const found = lstatSync(path, { bigint: true })
      return found.isSocket() ? `${found.dev}:${found.ino}` : undefined
    } catch {
      return undefined // nobody may look there, or it is a name without a file
    }
  }

  datagram(family: AnyAddress['family']): number {
    return this.#open(DOMAINS[family], C.SOCK_DGRAM)
  }

  bindDatagram(fd: number, address: AnyAddress): number {
    return this.#bind(fd, address)
  }

  connectDatagram(fd: number, address: SocketAddress): number {
    return this.connect(fd, address)
  }

  receiveFrom(fd: number, region: Region, offset: number, length: number): number {
    return receiveFrom(this.#libc, this.#scratch, fd, region, offset, length)
  }

  sendTo(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    address: Uint8Array,
  ): number {
    return sendTo(this.#libc, this.#scratch, fd, bytes, offset, length, address)
  }

  createBatch(size: number, bytesMax: number): DatagramBatch {
    return new Batch(this.#libc, size, bytesMax)
  }

  receiveBatch(fd: number, batch: DatagramBatch): number {
    return receiveBatch(this.#libc, this.#scratch, fd, batch as Batch)
  }

  sendBatch(fd: number, batch: DatagramBatch, first: number, count: number): number {
    return sendBatch(this.#libc, this.#scratch, fd, batch as Batch, first, count)
  }

  yield(): void {
    this.#libc.tally.calls++
    this.#libc.sched_yield()
  }

  setAffinity(cpus: readonly number[]): number {
    const { linux } = this.#libc
    if (linux === undefined) return -ENOSYS
    const mask = new Uint8Array(CPUS_MAX / 8)
    for (const cpu of cpus) {
      if (!Number.isInteger(cpu) || cpu < 0 || cpu >= CPUS_MAX) return -EINVAL
      // Bits of longs: the same as bits of bytes where the low byte comes first, as Node runs.
      mask[cpu >> 3]! |= 1 << (cpu & 7)
    }
    return this.#checked(linux.sched_setaffinity(0, mask.length, mask))
  }

  reserveFd(): number {
    return this.socket(4)
  }

  #open(domain: number, type: number): number {
    const libc = this.#libc
    const flags = libc.linux === undefined ? 0 : NONBLOCK_CLOEXEC
    const fd = this.#checked(libc.socket(domain, type | flags, 0))
    if (fd < 0) return fd
    return flags === 0 ? this.#flagged(fd) : fd
  }

  #listenOn(fd: number, address: AnyAddress, flags: ListenFlags): number {
    const prepared = address.family === 'unix' ? 0 : this.#prepare(fd, address, flags)
    if (prepared < 0) return prepared
    let result = this.#bind(fd, address)
    // Before listen(2) nobody can connect: there is no moment with other permissions.
    if (result === 0 && address.family === 'unix' && flags.mode !== undefined) {
      result = permit(address.path, flags.mode)
      if (result < 0) this.unlink(address.path)
    }
    return result < 0 ? result : this.#checked(this.#libc.listen(fd, flags.backlog))
  }

  /** What has to be set before bind. */
  #prepare(fd: number, { family, host }: SocketAddress, flags: ListenFlags): number {
    let result = this.setOption(fd, 'reuseAddress', 1)
    if (result === 0 && flags.reusePort) result = this.setOption(fd, 'reusePort', 1)
    if (result === 0 && family === 6) {
      result = this.setOption(fd, 'ipv6Only', Number(flags.ipv6Only ?? host !== '::'))
    }
    return result
  }

  #bind(fd: number, address: AnyAddress): number {
    const length = writeSockaddr(this.#scratch.bytes, address)
    if (length === 0) return -EINVAL
    return this.#checked(this.#libc.bind(fd, this.#scratch.address, length))
  }

  #writePlain(fd: number, bytes: Uint8Array, length: number): number {
    const libc = this.#libc
    for (;;) {
      libc.tally.calls++
      const count = libc.write(fd, bytes, length)
      if (count >= 0) return count
      const errno = libc.errno()
      if (errno !== EINTR) return -errno
    }
  }

  #nameOf(
    name: (fd: number, address: Memory, length: Memory) => number,
    fd: number,
  ): AnyAddress | undefined {
    const scratch = this.#scratch
    scratch.length = SOCKADDR_BYTES_MAX
    this.#libc.tally.calls++
    if (name(fd, scratch.address, scratch.lengthAddress) < 0) return undefined
    return readSockaddr(scratch.bytes, scratch.length)
  }

  /** An option of the socket level as an int into the scratch value. */
  #read(fd: number, name: number): number {
    return readOption(this.#libc, this.#scratch, fd, C.SOL_SOCKET, name)
  }

  /** `fd` made non-blocking and close-on-exec, or closed and a negative errno. */
  #flagged(fd: number): number {
    const result = setFdFlags(this.#libc, fd)
    if (result === 0) return fd
    this.close(fd)
    return result
  }

  /** Of one system call: count it, and make its result an errno when it failed. */
  #checked(result: number): number {
    this.#libc.tally.calls++
    return result < 0 ? -this.#libc.errno() : result
  }
}

/** Returns 0 or a negative errno. */
function permit(path: string, mode: number): number {
  try {
    chmodSync(path, mode)
    return 0
  } catch (error) {
    return (error as NodeJS.ErrnoException).errno ?? -EINVAL
  }
}

/** What the descriptors of this process are, as Linux shows it; elsewhere none. */
function pipesHere(): string[] {
  const folder = '/proc/self/fd'
  try {
    return readdirSync(folder).flatMap((name) => {
      try {
        return [readlinkSync(`${folder}/${name}`)]
      } catch {
        return [] // what the folder itself was read by, or what a thread has closed meanwhile
      }
    })
  } catch {
    return []
  }
}
