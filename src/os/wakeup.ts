/**
 * Waking a thread that sleeps in a poller: an eventfd where there is one, else a pipe. Both become
 * readable by 8 bytes written, both are full at some point, and then the sleeper is awake already.
 */
import { SkynetError } from '../base/errors.ts'
import { ERRNO, errorText } from './errno.ts'
import { C, LINUX_FLAGS, type Libc } from './libc.ts'

export interface Wakeup {
  readonly readFd: number
  readonly writeFd: number
}

/** An eventfd adds up what is written, so the 8 bytes are the number one. */
const ONE = new Uint8Array(new BigUint64Array([1n]).buffer)

/**
 * Two descriptors, both to be closed by the caller: the ends of an eventfd are separate
 * descriptors of it, so that nobody closes one number twice.
 *
 * @throws {SkynetError} `ERR_SYSCALL` no descriptors are left.
 */
export function createWakeup(libc: Libc): Wakeup {
  return libc.linux === undefined ? createPipe(libc) : createEventfd(libc, libc.linux)
}

/** Any thread. Does nothing when `writeFd` is signalled as far as it can be. */
export function signalWakeup(libc: Libc, writeFd: number): void {
  do {
    libc.tally.calls++
  } while (libc.write(writeFd, ONE, 8) < 0 && libc.errno() === ERRNO.EINTR)
}

/**
 * The sleeping thread, after `readFd` was reported.
 *
 * @param scratch Where the bytes go; more than 8.
 */
export function clearWakeup(libc: Libc, readFd: number, scratch: Uint8Array): void {
  for (;;) {
    libc.tally.calls++
    const count = libc.read(readFd, scratch, scratch.length)
    // A short read means empty: one call for an eventfd and for a pipe with few signals.
    if (count >= 0 && count < scratch.length) return
    if (count < 0 && libc.errno() !== ERRNO.EINTR) return
  }
}

/** Make `fd` non-blocking and close-on-exec. Returns 0 or a negative errno. */
export function setFdFlags(libc: Libc, fd: number): number {
  libc.tally.calls++
  const flags = libc.fcntl(fd, C.F_GETFL)
  if (flags < 0) return -libc.errno()
  libc.tally.calls++
  if (libc.fcntl(fd, C.F_SETFL, 'int', flags | C.O_NONBLOCK) < 0) return -libc.errno()
  libc.tally.calls++
  return libc.fcntl(fd, C.F_SETFD, 'int', C.FD_CLOEXEC) < 0 ? -libc.errno() : 0
}

function createEventfd(libc: Libc, linux: NonNullable<Libc['linux']>): Wakeup {
  libc.tally.calls++
  const readFd = linux.eventfd(0, LINUX_FLAGS.EFD_NONBLOCK | LINUX_FLAGS.EFD_CLOEXEC)
  if (readFd < 0) throw failed(libc, 'create an eventfd')
  libc.tally.calls++
  const writeFd = libc.fcntl(readFd, LINUX_FLAGS.F_DUPFD_CLOEXEC, 'int', 0)
  if (writeFd >= 0) return { readFd, writeFd }
  const error = failed(libc, 'duplicate an eventfd')
  libc.tally.calls++
  libc.close(readFd)
  throw error
}

function createPipe(libc: Libc): Wakeup {
  const fds = new Int32Array(2)
  libc.tally.calls++
  if (libc.pipe(new Uint8Array(fds.buffer)) < 0) throw failed(libc, 'create a pipe')
  const [readFd, writeFd] = fds as unknown as [number, number]
  if (setFdFlags(libc, readFd) === 0 && setFdFlags(libc, writeFd) === 0) return { readFd, writeFd }
  const error = failed(libc, 'set the flags of a pipe')
  libc.tally.calls += 2
  libc.close(readFd)
  libc.close(writeFd)
  throw error
}

function failed(libc: Libc, call: string): SkynetError<'ERR_SYSCALL'> {
  return new SkynetError('ERR_SYSCALL', { call, reason: errorText(libc.errno()) })
}
