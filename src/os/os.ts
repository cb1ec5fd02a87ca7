/**
 * What the rest of the project asks of the operating system: one contract, handed in. The real one
 * is `posix.ts` (libc through FFI); tests hand in a simulated one.
 *
 * Calls that can fail return a negative errno (`-EAGAIN`), never throw, never block (the poller's
 * `wait` excepted), and repeat themselves on EINTR where that is safe.
 */
import type { Blocks, Region } from '../shm/memory.ts'
import type { HostAddress } from './host-names.ts'
import type { Poller } from './poll/poller.ts'

/** An IP address and port as bytes of a sockaddr, made by `address.ts`. */
export interface SocketAddress {
  readonly family: 4 | 6
  /** Text without brackets: `127.0.0.1`, `::1`. */
  readonly host: string
  readonly port: number
}

/** The name of a Unix domain socket, made by `unixAddress` of `address.ts`. */
export interface UnixAddress {
  readonly family: 'unix'
  /** Of a file; with a leading NUL a name without a file (Linux); '' for a socket without name. */
  readonly path: string
}

export type AnyAddress = SocketAddress | UnixAddress

export interface ListenFlags {
  /** Connections that the kernel holds until they are accepted. */
  readonly backlog: number
  /** Let others listen on the same port too: the kernel spreads the connections. */
  readonly reusePort?: boolean | undefined
  /** Of an IPv6 address: leave IPv4 out. By default only `::` takes IPv4 as well. */
  readonly ipv6Only?: boolean | undefined
  /** Permissions of the file of a Unix socket, whatever the umask is. Default: 0o777 without it. */
  readonly mode?: number | undefined
}

/** Options of a socket: name → what its number means. A flag is 0 or 1. */
export type SocketOption =
  /** Flag: send small pieces at once. */
  | 'noDelay'
  /** Flag: probe a connection that is silent. */
  | 'keepAlive'
  /** Silence before the first probe. */
  | 'keepIdleSeconds'
  /** Between two probes. */
  | 'keepIntervalSeconds'
  /** Probes without an answer before the connection is dead. */
  | 'keepCount'
  /** How long sent bytes may stay without an answer; 0 leaves it to the kernel. Linux only. */
  | 'userTimeoutMs'
  /** Kernel buffers. Linux doubles what is asked for, for its own bookkeeping, and tells that. */
  | 'sendBufferBytes'
  | 'receiveBufferBytes'
  /** Bytes that must be there before the socket counts as readable. */
  | 'receiveLowWaterBytes'
  /** What close(2) does with unsent bytes: -1 goes on in the background, 0 resets, n waits. */
  | 'lingerSeconds'
  /** Flags for before bind. */
  | 'reuseAddress'
  | 'reusePort'
  | 'ipv6Only'
  /** Flag: datagrams may go to a broadcast address. */
  | 'broadcast'

/**
 * Datagrams that one system call receives or sends. Number `i` has a slot of memory: its bytes
 * start at `i * stride` of `region`, and right behind them stands its compact address.
 */
export interface DatagramBatch {
  readonly region: Region
  /** Slots. */
  readonly size: number
  /** A longer datagram is cut: its length is then `bytesMax + 1`. */
  readonly bytesMax: number
  /** From one slot to the next: `bytesMax` and room for what stands behind. */
  readonly stride: number
  /** Bytes of each datagram. Receiving fills it; who sends fills it before. */
  readonly lengths: Int32Array
}

export interface Os {
  readonly name: string
  /** System calls made so far, those of its pollers and repeated ones included. */
  readonly calls: number
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

  /** The addresses of a name: see `lookUpHost`. No call of ours waits for it. */
  lookUp(name: string): Promise<HostAddress[]>
  /** A non-blocking, close-on-exec stream socket: TCP, or of the Unix domain. */
  socket(family: AnyAddress['family']): number
  /**
   * Bind and listen (SO_REUSEADDR, non-blocking). Returns the fd. The file of a Unix address must
   * not exist (-EADDRINUSE), and outlives the socket: see `unlink`.
   *
   * @param flags Of a number: the backlog.
   */
  listen(address: AnyAddress, flags: number | ListenFlags): number
  /** A non-blocking, close-on-exec connection, or -EAGAIN when none is waiting. */
  accept(fd: number): number
  /**
   * 0 when connected at once, -EINPROGRESS when it will be known later. A Unix socket is connected
   * at once, or refused with -EAGAIN when the queue of the listener is full.
   */
  connect(fd: number, address: AnyAddress): number
  /** SO_ERROR, as a negative errno, or 0. Reading it clears it. */
  socketError(fd: number): number
  localAddress(fd: number): AnyAddress | undefined
  peerAddress(fd: number): AnyAddress | undefined
  noDelay(fd: number, on: boolean): number
  keepAlive(fd: number, on: boolean): number
  /** -ENOPROTOOPT where the platform has no such option. @param value An integer. */
  setOption(fd: number, name: SocketOption, value: number): number
  /**
   * What the kernel took, which need not be what was set. Negative: an errno, except that
   * `lingerSeconds` is -1 when it is off.
   */
  getOption(fd: number, name: SocketOption): number
  /** 1 when that changed something, 0 when it was so already. */
  setNonBlocking(fd: number, on: boolean): number
  /**
   * 1 when it is a socket, a pipe or a character device, as terminals are: bytes come and go.
   * 0 when it is anything else, as a file, or what threads of this process are woken by.
   */
  carriesBytes(fd: number): number
  /** Read into `region` at `offset`. 0 is the end of the stream. */
  read(fd: number, region: Region, offset: number, length: number): number
  /** Write from memory of any kind. MSG_NOSIGNAL: a dead peer is -EPIPE. */
  write(fd: number, bytes: Uint8Array, offset: number, length: number): number
  shutdown(fd: number, how: 'read' | 'write' | 'both'): number
  close(fd: number): number
  /** Make `to` another name of what `fd` is, which it was not before. 0, or an errno. */
  duplicate(fd: number, to: number): number
  /**
   * Lock the file of `fd` against everybody else who does. The lock ends with the last descriptor
   * of this opening, so with the process at the latest. -EAGAIN when somebody has it.
   */
  lockFile(fd: number): number
  /** Remove the file of a Unix address. A name without a file needs none: 0. */
  unlink(path: string): number
  /**
   * Which file is at the path of a Unix address; undefined unless it is a socket, and no link to
   * one. No other has the same name as long as a socket is bound to it.
   */
  socketFile(path: string): string | undefined

  /** A non-blocking, close-on-exec UDP socket. Where it is not bound, sending binds it. */
  datagram(family: AnyAddress['family']): number
  /** Set `reuseAddress`, `reusePort` and `ipv6Only` before: their defaults are the system's. */
  bindDatagram(fd: number, address: AnyAddress): number
  /** Only that peer from now on: others are not received, and sending needs no address. */
  connectDatagram(fd: number, address: SocketAddress): number
  /**
   * One datagram into `region` at `offset`, and right behind it the compact address (`compact.ts`)
   * it came from, so `region` needs `COMPACT_BYTES_MAX` more than `length`. What is longer is cut.
   *
   * @returns Bytes of the datagram without the address; 0 is an empty one.
   */
  receiveFrom(fd: number, region: Region, offset: number, length: number): number
  /**
   * Send one datagram, whole or not at all.
   *
   * @param address Compact; empty, or of type none, for the peer of `connectDatagram`. -EINVAL when
   * it is no address.
   */
  sendTo(fd: number, bytes: Uint8Array, offset: number, length: number, address: Uint8Array): number
  /** Slots for 1 … 1024 datagrams. For this thread, and any number of sockets in turn. */
  createBatch(size: number, bytesMax: number): DatagramBatch
  /** Fill slots from 0 on with what is there. Returns how many, at least 1, or -EAGAIN. */
  receiveBatch(fd: number, batch: DatagramBatch): number
  /**
   * Send the slots `first` … `first + count - 1` in order; an address of type none goes to the peer
   * of `connectDatagram`. What `receiveBatch` filled can be sent back as it is.
   *
   * @returns How many went, at least 1; or the errno of the first, which the caller may leave out.
   */
  sendBatch(fd: number, batch: DatagramBatch, first: number, count: number): number

  /** Let another thread run, if one waits for this core. */
  yield(): void
  /** Keep the calling thread on these cores, 0 the first. -ENOSYS where there is no such call. */
  setAffinity(cpus: readonly number[]): number
  /** An idle descriptor held back, to be given up when the process runs out of them. */
  reserveFd(): number
}
