/**
 * libc through FFI: which functions, with which prototypes, and the numbers of the C headers. Only
 * this folder calls them. Nothing is loaded before `openLibc`, so that a machine without the native
 * library gets an error of ours.
 */
import { createRequire } from 'node:module'
import { SkynetError } from '../base/errors.ts'

type Koffi = typeof import('koffi')

/** Bytes for the system: an array, or the address of memory that does not move; 0 is NULL. */
export type Memory = Uint8Array | number

/**
 * The types of the JavaScript functions follow from these texts. `intptr_t` stands for ssize_t,
 * `uint32_t` for socklen_t; after `...` each argument is a type name, then a value.
 */
const POSIX = {
  socket: 'int socket(int family, int type, int protocol)',
  bind: 'int bind(int fd, const void *address, uint32_t length)',
  listen: 'int listen(int fd, int backlog)',
  accept: 'int accept(int fd, void *address, void *length)',
  connect: 'int connect(int fd, const void *address, uint32_t length)',
  shutdown: 'int shutdown(int fd, int how)',
  getsockname: 'int getsockname(int fd, void *address, void *length)',
  getpeername: 'int getpeername(int fd, void *address, void *length)',
  getsockopt: 'int getsockopt(int fd, int level, int name, void *value, void *length)',
  setsockopt: 'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
  read: 'intptr_t read(int fd, void *bytes, size_t length)',
  write: 'intptr_t write(int fd, const void *bytes, size_t length)',
  send: 'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
  sendto:
    'intptr_t sendto(int fd, const void *bytes, size_t n, int flags, const void *to, uint32_t m)',
  recvfrom: 'intptr_t recvfrom(int fd, void *bytes, size_t n, int flags, void *from, void *m)',
  close: 'int close(int fd)',
  flock: 'int flock(int fd, int operation)',
  dup2: 'int dup2(int fd, int to)',
  unlink: 'int unlink(const void *path)',
  // `size_t` also fits the `unsigned int` of BSD: it goes in a register.
  poll: 'int poll(void *fds, size_t count, int timeoutMs)',
  sched_yield: 'int sched_yield(void)',
  pipe: 'int pipe(void *fds)',
  fcntl: 'int fcntl(int fd, int command, ...)',
  malloc: 'uintptr_t malloc(size_t length)',
  free: 'void free(void *block)',
  // It returns `to`; nobody needs that back as a bigint.
  memcpy: 'void memcpy(void *to, const void *from, size_t length)',
} as const

const LINUX = {
  accept4: 'int accept4(int fd, void *address, void *length, int flags)',
  eventfd: 'int eventfd(unsigned int value, int flags)',
  epoll_create1: 'int epoll_create1(int flags)',
  epoll_ctl: 'int epoll_ctl(int epoll, int operation, int fd, const void *event)',
  epoll_wait: 'int epoll_wait(int epoll, void *events, int length, int timeoutMs)',
  recvmmsg: 'int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)',
  sendmmsg: 'int sendmmsg(int fd, void *messages, uint32_t count, int flags)',
  sched_setaffinity: 'int sched_setaffinity(int thread, size_t length, const void *mask)',
} as const

/** What of the libraries of Linux glibc alone has. */
const GLIBC = {
  mallopt: 'int mallopt(int option, int value)',
} as const

const BSD = {
  kqueue: 'int kqueue(void)',
  kevent:
    'int kevent(int fd, const void *changes, int n, void *events, int room, const void *timeout)',
} as const

type Argument<C extends string> = C extends `${string}*${string}` ? Memory : number
type Arguments<C extends string> = C extends 'void'
  ? []
  : C extends `${infer First}, ${infer Rest}`
    ? [Argument<First>, ...Arguments<Rest>]
    : C extends '...'
      ? (string | number)[]
      : [Argument<C>]
type Call<C> = C extends `${string}(${infer A})` ? (...args: Arguments<A>) => number : never
/** The functions of a table of prototypes. */
export type ForeignCalls<T> = { readonly [K in keyof T]: Call<T[K]> }

export interface Libc extends ForeignCalls<typeof POSIX> {
  /** Why the last call of this thread failed. Meaningless after one that succeeded. */
  errno(): number
  /** Where `bytes` starts. It stays there as long as its buffer lives and is not transferred. */
  addressOf(bytes: Uint8Array): number
  /** The memory at `address`, without a copy. */
  view(address: number, length: number): ArrayBuffer
  /** Whoever makes a system call counts it here, before it and again when it is repeated. */
  readonly tally: { calls: number }
  /** What only Linux has. */
  readonly linux: ForeignCalls<typeof LINUX> | undefined
  /** Undefined with another library, as musl of Alpine. */
  readonly glibc: ForeignCalls<typeof GLIBC> | undefined
  /** What macOS and the BSDs have. */
  readonly bsd: ForeignCalls<typeof BSD> | undefined
}

const PLATFORMS: readonly string[] = ['linux', 'darwin', 'freebsd', 'openbsd']
/** SO_RCVLOWAT of Linux. */
const LOWAT = process.arch === 'ppc64' ? 16 : 18

/** Stands for an option that a platform does not have. */
export const NO_OPTION = -1

// biome-ignore format: one column a platform, in the order of PLATFORMS
const NUMBERS = {
  AF_INET6:     [10,     30,     28,      24],
  SOL_SOCKET:   [1,      0xffff, 0xffff,  0xffff],
  SO_REUSEADDR: [2,      4,      4,       4],
  SO_KEEPALIVE: [9,      8,      8,       8],
  SO_ERROR:     [4,      0x1007, 0x1007,  0x1007],
  SO_BROADCAST: [6,      0x20,   0x20,    0x20],
  SO_SNDBUF:    [7,      0x1001, 0x1001,  0x1001],
  SO_RCVBUF:    [8,      0x1002, 0x1002,  0x1002],
  SO_RCVLOWAT:  [LOWAT,  0x1004, 0x1004,  0x1004],
  // macOS: SO_LINGER_SEC, as SO_LINGER counts clock ticks there.
  SO_LINGER:    [13,     0x1080, 0x80,    0x80],
  // FreeBSD: SO_REUSEPORT_LB, as SO_REUSEPORT gives everything to the last one there.
  SO_REUSEPORT: [15,     0x200,  0x10000, 0x200],
  IPV6_V6ONLY:  [26,     27,     27,      27],
  TCP_KEEPIDLE: [4,      0x10,   0x100,   NO_OPTION],
  TCP_KEEPINTVL: [5,     0x101,  0x200,   NO_OPTION],
  TCP_KEEPCNT:  [6,      0x102,  0x400,   NO_OPTION],
  TCP_USER_TIMEOUT: [18, NO_OPTION, NO_OPTION, NO_OPTION],
  // 0 where there is none: Node ignores SIGPIPE, this only guards against code that resets it.
  MSG_NOSIGNAL: [0x4000, 0,      0x20000, 0x400],
  O_NONBLOCK:   [0x800,  4,      4,       4],
} as const

/** Numbers of the C headers on this platform. */
export const C = {
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  IPPROTO_TCP: 6,
  IPPROTO_IPV6: 41,
  TCP_NODELAY: 1,
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  FD_CLOEXEC: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  ...platformNumbers(),
} as const

/** Linux only: flags that save the fcntl calls. */
export const LINUX_FLAGS = {
  SOCK_NONBLOCK: 0x800,
  SOCK_CLOEXEC: 0x80000,
  EFD_NONBLOCK: 0x800,
  EFD_CLOEXEC: 0x80000,
  EPOLL_CLOEXEC: 0x80000,
  F_DUPFD_CLOEXEC: 1030,
} as const

/**
 * Bind every function of the tables. Each thread opens its own.
 *
 * @throws {SkynetError} `ERR_PLATFORM` the platform is none of ours, or the native library is not
 * installed or cannot be loaded.
 */
export function openLibc(loadKoffi: () => Koffi = requireKoffi): Libc {
  const platform = process.platform
  if (!PLATFORMS.includes(platform)) {
    throw new SkynetError('ERR_PLATFORM', {
      reason: `${platform} is not supported; use Linux (on Windows: WSL or a container)`,
    })
  }
  try {
    return bindLibc(loadKoffi())
  } catch (cause) {
    throw new SkynetError('ERR_PLATFORM', { reason: whyNotLoaded(cause) }, { cause })
  }
}

/** Of this thread. */
let opened: Koffi | undefined

/**
 * The functions of `table`, of whatever libraries the process has; `openLibc` comes before.
 *
 * @throws Where it lacks one.
 */
export function bindCalls<T extends Record<string, string>>(table: T): ForeignCalls<T> {
  const library = opened!.load(null)
  const rows = Object.entries(table).map(([name, prototype]) => [name, library.func(prototype)])
  return Object.fromEntries(rows) as unknown as ForeignCalls<T>
}

/** Where `bytes` starts, as long as its buffer lives; `openLibc` comes before. */
export const addressOfBytes = (bytes: Uint8Array): number => Number(opened!.address(bytes))

function bindLibc(koffi: Koffi): Libc {
  opened = koffi
  const bind = bindCalls
  return {
    ...bind(POSIX),
    errno: koffi.errno as () => number,
    addressOf: addressOfBytes,
    view: (address, length) => koffi.view(address, length),
    tally: { calls: 0 },
    linux: process.platform === 'linux' ? bind(LINUX) : undefined,
    glibc: orNone(() => bind(GLIBC)),
    bsd: process.platform === 'linux' ? undefined : bind(BSD),
  }
}

/** Functions that this library may not have. */
function orNone<T>(bind: () => T): T | undefined {
  try {
    return bind()
  } catch {
    return undefined
  }
}

let nativeFile: string | undefined
/** That of `package.json`: the library of another one is for koffi to refuse, or to take. */
const KOFFI_VERSION = '3.0.2'

/**
 * The native library, which has all of koffi that is used here. Its package for this platform knows
 * which of its files is for this libc. koffi's own JavaScript around that only finds the package,
 * and takes ten times as long as the library itself, and 200 KB: so it is asked only where the
 * package is not in its usual place, and other threads are told the file.
 */
function requireKoffi(): Koffi {
  // Not called `require`: in a module that tsx has compiled that is another one.
  const load = createRequire(import.meta.url)
  const koffi = koffiPackage(load) ?? (load('koffi') as Koffi)
  const native = (koffi as { default?: unknown }).default ?? koffi
  const isNative = ({ filename, exports }: NodeJS.Module): boolean =>
    exports === native && filename.endsWith('.node')
  nativeFile ??= Object.values(load.cache).find((module) => module && isNative(module))?.filename
  return koffi
}

/** What its package for this platform exports; undefined: koffi has to find one. */
export function koffiPackage(load: NodeJS.Require): Koffi | undefined {
  try {
    const fromKoffi = createRequire(load.resolve('koffi'))
    const native = fromKoffi(`@koromix/koffi-${process.platform}-${process.arch}`)
    return native.version === KOFFI_VERSION ? (native as Koffi) : undefined
  } catch {
    return undefined
  }
}

/** The file of the native library; undefined: this thread has not looked for it. */
export const koffiFile = (): string | undefined => nativeFile

/** @param file What `koffiFile()` says on another thread. */
export const koffiOf = (file: string | undefined) => (): Koffi =>
  file === undefined ? requireKoffi() : (createRequire(file)(file) as Koffi)

function whyNotLoaded(cause: unknown): string {
  const text = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause)
  return (
    `the FFI library 'koffi' does not load on ${process.platform}-${process.arch} (${text}); ` +
    `run 'npm install' without --omit=optional or --no-optional, on the machine that runs the node`
  )
}

function platformNumbers(): { readonly [K in keyof typeof NUMBERS]: number } {
  // An unknown platform gets numbers too: importing must not throw, `openLibc` does.
  const column = Math.max(PLATFORMS.indexOf(process.platform), 0)
  return Object.fromEntries(Object.entries(NUMBERS).map(([name, row]) => [name, row[column]])) as {
    readonly [K in keyof typeof NUMBERS]: number
  }
}
