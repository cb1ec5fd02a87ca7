/** The options of sockets as a table: what they are called in the C headers, and their form. */
import { checkInteger, refusal } from '../base/check.ts'
import { ERRNO } from './errno.ts'
import { C, type Libc, NO_OPTION } from './libc.ts'
import type { SocketOption } from './os.ts'
import type { Scratch } from './scratch.ts'

/** `linger` is a struct of two ints: whether it is on, and the seconds. */
type Form = 'flag' | 'number' | 'linger'
interface Option {
  readonly level: number
  readonly name: number
  readonly form: Form
  readonly range: Range
}

/** Smallest and largest value: what Linux takes. */
type Range = readonly [min: number, max: number]
const INT_MAX = 0x7fffffff
const FLAG: Range = [0, 1]
const SECONDS: Range = [1, 32_767]
const BYTES: Range = [1, INT_MAX]

const option = (level: number, name: number, form: Form, range: Range): Option => ({
  level,
  name,
  form,
  range,
})
const socket = (name: number, form: Form, range = FLAG): Option =>
  option(C.SOL_SOCKET, name, form, range)
const tcp = (name: number, form: Form, range = FLAG): Option =>
  option(C.IPPROTO_TCP, name, form, range)

export const OPTIONS: Readonly<Record<SocketOption, Option>> = {
  noDelay: tcp(C.TCP_NODELAY, 'flag'),
  keepAlive: socket(C.SO_KEEPALIVE, 'flag'),
  keepIdleSeconds: tcp(C.TCP_KEEPIDLE, 'number', SECONDS),
  keepIntervalSeconds: tcp(C.TCP_KEEPINTVL, 'number', SECONDS),
  keepCount: tcp(C.TCP_KEEPCNT, 'number', [1, 127]),
  userTimeoutMs: tcp(C.TCP_USER_TIMEOUT, 'number', [0, INT_MAX]),
  sendBufferBytes: socket(C.SO_SNDBUF, 'number', BYTES),
  receiveBufferBytes: socket(C.SO_RCVBUF, 'number', BYTES),
  receiveLowWaterBytes: socket(C.SO_RCVLOWAT, 'number', BYTES),
  lingerSeconds: socket(C.SO_LINGER, 'linger', [-1, INT_MAX]),
  reuseAddress: socket(C.SO_REUSEADDR, 'flag'),
  reusePort: socket(C.SO_REUSEPORT, 'flag'),
  ipv6Only: option(C.IPPROTO_IPV6, C.IPV6_V6ONLY, 'flag', FLAG),
  broadcast: socket(C.SO_BROADCAST, 'flag'),
}

/** @throws `TypeError`, `RangeError` unless the table has it, and `value` is one of its own. */
export function checkOption(what: string, option: string, value: unknown): void {
  const [min, max] = optionNamed(option).range
  checkInteger(what, option, value, min, max)
}

/** @throws {TypeError} Unless the table has it: callers may come without types. */
function optionNamed(option: string): Option {
  if (typeof option === 'string' && Object.hasOwn(OPTIONS, option))
    return OPTIONS[option as SocketOption]
  const known = Object.keys(OPTIONS).join(', ')
  throw refusal('value', 'set or get an option', 'name', `one of ${known}`, option)
}

export function setOption(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  option: SocketOption,
  value: number,
): number {
  const { level, name, form } = optionNamed(option)
  if (name === NO_OPTION) return -ERRNO.ENOPROTOOPT
  const cells = scratch.value
  cells[0] = form === 'number' ? value : Number(form === 'flag' ? value !== 0 : value >= 0)
  cells[1] = form === 'linger' ? Math.max(value, 0) : 0
  libc.tally.calls++
  const result = libc.setsockopt(fd, level, name, scratch.valueAddress, bytesOf(form))
  return result < 0 ? -libc.errno() : 0
}

export function getOption(libc: Libc, scratch: Scratch, fd: number, option: SocketOption): number {
  const { level, name, form } = optionNamed(option)
  if (name === NO_OPTION) return -ERRNO.ENOPROTOOPT
  const result = readOption(libc, scratch, fd, level, name, bytesOf(form))
  if (result < 0) return result
  const [first, second] = scratch.value as unknown as [number, number]
  if (form === 'linger') return first === 0 ? -1 : second
  // BSD answers with the bit that the flag is.
  return form === 'flag' ? Number(first !== 0) : first
}

/** getsockopt(2) into `scratch.value`. Returns 0 or a negative errno. */
export function readOption(
  libc: Libc,
  scratch: Scratch,
  fd: number,
  level: number,
  name: number,
  length = 4,
): number {
  scratch.length = length
  const { valueAddress, lengthAddress } = scratch
  libc.tally.calls++
  const result = libc.getsockopt(fd, level, name, valueAddress, lengthAddress)
  return result < 0 ? -libc.errno() : 0
}

function bytesOf(form: Form): number {
  return form === 'linger' ? 8 : 4
}
