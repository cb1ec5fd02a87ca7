/** Addresses: text ⇄ `SocketAddress`, `UnixAddress` ⇄ the bytes of a sockaddr. */
import { endianness, networkInterfaces } from 'node:os'
import { refusal } from '../base/check.ts'
import { type IpGroups, ipFamily, ipGroups, ipRead, ipText } from '../base/ip.ts'
import { C } from './libc.ts'
import type { AnyAddress, SocketAddress, UnixAddress } from './os.ts'

export const SOCKADDR_BYTES = { ipv4: 16, ipv6: 28 } as const
/** What the path of a Unix address may have, without the NUL that ends it. */
export const UNIX_PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103
/** Room for any kind of sockaddr: that of a Unix address is the longest. */
export const SOCKADDR_BYTES_MAX = 112

const UNIX_PATH_AT = 2
const SCOPE_AT = 24
const IS_LITTLE = endianness() === 'LE'
/** BSD: length u8, family u8. Linux: family u16 in the order of the machine. */
const FAMILY_AT = process.platform !== 'linux' || endianness() === 'BE' ? 1 : 0
const HAS_LENGTH = process.platform !== 'linux'
const FAMILIES = { 4: C.AF_INET, 6: C.AF_INET6, unix: C.AF_UNIX } as const

/**
 * The address that `host` writes out, canonical (`::0:1` → `::1`, `::ffff:1.2.3.4` → `1.2.3.4`,
 * `fe80::1%eth0` → `fe80::1%2`); undefined when `host` is a name, or its zone is of no interface.
 *
 * @throws {RangeError} `port` is not an integer in 0..65535.
 */
export function socketAddress(host: string, port: number): SocketAddress | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Cannot use port as it must be in 0..65535: current value is ${port}`)
  }
  const family = ipFamily(host)
  if (family === 4) return { family: 4, host, port }
  if (family === 0) return undefined
  const [, zone] = host.split('%')
  const scope = zone === undefined ? 0 : scopeOf(zone)
  return scope === undefined ? undefined : fromGroups(ipGroups(host)!, port, scope)
}

/**
 * The address of a Unix domain socket: a file, or with a leading NUL a name without one (Linux).
 *
 * @throws {RangeError} `path` is empty, longer than `UNIX_PATH_BYTES_MAX` as UTF-8, or has a NUL
 * elsewhere.
 */
export function unixAddress(path: string, what = 'use a path'): UnixAddress {
  const length = Buffer.byteLength(path)
  if (length === 0 || length > UNIX_PATH_BYTES_MAX) {
    const expected = `text of 1..${UNIX_PATH_BYTES_MAX} bytes, not of ${length}`
    throw refusal('range', what, 'path', expected, path)
  }
  if (path.indexOf('\0', 1) >= 0) throw refusal('range', what, 'path', 'without a NUL inside', path)
  return { family: 'unix', path }
}

/** `1.2.3.4:80`, `[::1]:80`, `unix:/run/x.sock`, `unix:@name` for a name without a file. */
export function formatAddress(address: AnyAddress): string {
  if (address.family === 'unix') return `unix:${address.path.replace(/^\0/, '@')}`
  const { family, host, port } = address
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** The port of an IP address, 0 of anything else. */
export function portOf(address: AnyAddress | undefined): number {
  return address === undefined || address.family === 'unix' ? 0 : address.port
}

/** The host of an IP address; what `formatAddress` prints of a Unix one; '' of none. */
export function hostOf(address: AnyAddress | undefined): string {
  if (address === undefined) return ''
  return address.family === 'unix' ? formatAddress(address) : address.host
}

/**
 * Write the sockaddr of `address` to the start of `bytes`. Returns its length, or 0 for a Unix
 * address that `unixAddress` would refuse.
 */
export function writeSockaddr(bytes: Uint8Array, address: AnyAddress): number {
  if (address.family === 'unix') return writeUnix(bytes, address.path)
  const { family, host, port } = address
  const length = family === 4 ? SOCKADDR_BYTES.ipv4 : SOCKADDR_BYTES.ipv6
  bytes.fill(0, 0, length)
  writeFamily(bytes, 0, family)
  bytes[2] = port >> 8
  bytes[3] = port
  if (family === 4) {
    bytes.set(host.split('.').map(Number), 4)
    return length
  }
  const [, scope = 0] = host.split('%')
  let at = 8
  for (const group of ipGroups(host)!) {
    bytes[at++] = group >> 8
    bytes[at++] = group
  }
  writeScope(bytes, 0, Number(scope))
  return length
}

/**
 * Read a sockaddr from the start of `bytes`; undefined when it is of no family of ours.
 *
 * @param length What the kernel said; only a Unix address needs it.
 */
export function readSockaddr(bytes: Uint8Array, length = bytes.length): AnyAddress | undefined {
  const family = familyOf(bytes, 0)
  if (family === undefined) return undefined
  if (family === 'unix') return { family, path: readPath(bytes, length) }
  const port = (bytes[2]! << 8) | bytes[3]!
  if (family === 4) {
    return { family, host: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port }
  }
  return fromGroups(ipRead(bytes, 8), port, readScope(bytes, 0))
}

/** The family of the sockaddr at `at`. */
export function familyOf(bytes: Uint8Array, at: number): AnyAddress['family'] | undefined {
  switch (bytes[at + FAMILY_AT]) {
    case C.AF_INET:
      return 4
    case C.AF_INET6:
      return 6
    case C.AF_UNIX:
      return 'unix'
  }
  return undefined
}

/** Start an IP sockaddr at `at`, whose bytes are 0. */
export function writeFamily(bytes: Uint8Array, at: number, family: 4 | 6): void {
  if (HAS_LENGTH) bytes[at] = family === 4 ? SOCKADDR_BYTES.ipv4 : SOCKADDR_BYTES.ipv6
  bytes[at + FAMILY_AT] = FAMILIES[family]
}

/** The number of the interface in the IPv6 sockaddr at `at`, in the machine's order; 0: none. */
export function readScope(bytes: Uint8Array, at: number): number {
  let scope = 0
  for (let i = 0; i < 4; i++) {
    scope = (scope << 8) | bytes[at + SCOPE_AT + (IS_LITTLE ? 3 - i : i)]!
  }
  return scope >>> 0
}

export function writeScope(bytes: Uint8Array, at: number, scope: number): void {
  for (let i = 0; i < 4; i++) {
    bytes[at + SCOPE_AT + (IS_LITTLE ? i : 3 - i)] = scope >>> (8 * i)
  }
}

function writeUnix(bytes: Uint8Array, path: string): number {
  const encoded = Buffer.from(path)
  if (encoded.length === 0 || encoded.length > UNIX_PATH_BYTES_MAX) return 0
  if (encoded.indexOf(0, 1) >= 0) return 0
  bytes.fill(0, 0, SOCKADDR_BYTES_MAX)
  bytes[FAMILY_AT] = FAMILIES.unix
  bytes.set(encoded, UNIX_PATH_AT)
  // A name without a file is all bytes that the length covers; a path ends with a NUL.
  const length = UNIX_PATH_AT + encoded.length + (encoded[0] === 0 ? 0 : 1)
  if (HAS_LENGTH) bytes[0] = length
  return length
}

function readPath(bytes: Uint8Array, length: number): string {
  const path = Buffer.from(bytes.subarray(UNIX_PATH_AT, Math.max(length, UNIX_PATH_AT)))
  const end = path.indexOf(0, 1)
  const text = path.toString('utf8', 0, end < 0 ? path.length : end)
  // BSD gives zeros to a socket without a name.
  return HAS_LENGTH && text === '\0' ? '' : text
}

/** The number of the interface that `zone` names; undefined: there is none of that name. */
function scopeOf(zone: string): number | undefined {
  if (/^\d{1,9}$/.test(zone)) return Number(zone)
  // Only its link-local address tells the number of an interface.
  const own = networkInterfaces()[zone]?.find((each) => each.family === 'IPv6' && each.scopeid > 0)
  return own?.family === 'IPv6' ? own.scopeid : undefined
}

/**
 * A v4-mapped address (`::ffff:0:0/96`) is the v4 address.
 *
 * @param scope Number of the interface that a link-local address belongs to; 0: none.
 */
function fromGroups(groups: IpGroups, port: number, scope: number): SocketAddress {
  const host = ipText(groups)
  if (!host.includes(':')) return { family: 4, host, port }
  return { family: 6, host: scope === 0 ? host : `${host}%${scope}`, port }
}
