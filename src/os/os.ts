/**
 * What the rest of the project asks of the operating system: one contract, handed in. The real one
 * is `posix.ts` (libc through FFI); tests hand in a simulated one.
 *
 * Calls that can fail return a negative errno (`-EAGAIN`), never throw, never block (the poller's
 * `wait` excepted), and repeat themselves on EINTR where that is safe.
 */
import type { Blocks, Region } from '../base/memory.ts'
import type { Poller } from './poll/poller.ts'

/** An IP address and port as bytes of a sockaddr, made by `address.ts`. */
export interface SocketAddress {
  readonly family: 4 | 6
  /** Text without brackets: `127.0.0.1`, `::1`. */
  readonly host: string
  readonly port: number
}

export interface Os {
  readonly name: string
  readonly blocks: Blocks
  /** Shared memory with its address. */
  region(buffer: SharedArrayBuffer): Region
  /** Text of an errno of either sign: `ECONNREFUSED (connection refused)`. */
  errorText(errno: number): string

  /** @throws {SkynetError} `ERR_SYSCALL`, `ERR_PLATFORM`. */
  createPoller(): Poller
  /** Two descriptors, both to be closed. @throws {SkynetError} `ERR_SYSCALL`. */
  createWakeup(): { readonly readFd: number; readonly writeFd: number }
  /** Callable from any thread; harmless when already signalled. */
  signalWakeup(writeFd: number): void
  /** Only the sleeping thread, after `wait` reported `readFd`. */
  clearWakeup(readFd: number): void

  /** A non-blocking, close-on-exec TCP socket. */
  socket(family: 4 | 6): number
  /** Bind and listen (SO_REUSEADDR, non-blocking). Returns the fd. */
  listen(address: SocketAddress, backlog: number): number
  /** A non-blocking, close-on-exec connection, or -EAGAIN when none is waiting. */
  accept(fd: number): number
  /** 0 when connected at once, -EINPROGRESS when it will be known later. */
  connect(fd: number, address: SocketAddress): number
  /** SO_ERROR, as a negative errno, or 0. Reading it clears it. */
  socketError(fd: number): number
  localAddress(fd: number): SocketAddress | undefined
  peerAddress(fd: number): SocketAddress | undefined
  noDelay(fd: number, on: boolean): number
  keepAlive(fd: number, on: boolean): number
  /** Read into `region` at `offset`. 0 is the end of the stream. */
  read(fd: number, region: Region, offset: number, length: number): number
  /** Write from memory of any kind. MSG_NOSIGNAL: a dead peer is -EPIPE. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number
  shutdown(fd: number, how: 'read' | 'write' | 'both'): number
  close(fd: number): number
  /** Let another thread run, if one waits for this core. */
  yield(): void
  /** An idle descriptor held back, to be given up when the process runs out of them. */
  reserveFd(): number
}
