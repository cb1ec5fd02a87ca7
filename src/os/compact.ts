/**
 * The compact address of a datagram, as Skynet has it: type (1 IPv4, 2 IPv6), port and address in
 * network order, 7 or 19 bytes. Type 0, one byte, is no address. There is no room for the zone of
 * an IPv6 address: link-local peers cannot be answered by it.
 */
import { familyOf, readSockaddr, SOCKADDR_BYTES, writeFamily, writeSockaddr } from './address.ts'
import type { SocketAddress } from './os.ts'

export const COMPACT_TYPE = { none: 0, ipv4: 1, ipv6: 2 } as const
export const COMPACT_BYTES = { none: 1, ipv4: 7, ipv6: 19 } as const
export const COMPACT_BYTES_MAX = COMPACT_BYTES.ipv6

/** Where a sockaddr has the address itself; the port is at 2 in both. */
const SOCKADDR_HOST_AT = { ipv4: 4, ipv6: 8 } as const
const scratch = new Uint8Array(SOCKADDR_BYTES.ipv6)

/**
 * @param family Of the socket that sends to it: one of IPv6 takes IPv4 in its mapped form.
 * @throws {RangeError} The address has a zone.
 */
export function compactAddress(address: SocketAddress, family?: 4 | 6): Uint8Array {
  if (address.host.includes('%')) {
    throw new RangeError(`Cannot use '${address.host}': a datagram's address has no zone`)
  }
  if (address.family === 4 && family === 6) {
    const mapped = new Uint8Array(COMPACT_BYTES.ipv6)
    const plain = compactAddress(address)
    mapped[0] = COMPACT_TYPE.ipv6
    mapped.set(plain.subarray(1, 3), 1)
    mapped.fill(0xff, 13, 15)
    mapped.set(plain.subarray(3), 15)
    return mapped
  }
  const bytes = new Uint8Array(address.family === 4 ? COMPACT_BYTES.ipv4 : COMPACT_BYTES.ipv6)
  writeSockaddr(scratch, address)
  writeCompact(scratch, 0, bytes, 0)
  return bytes
}

/** The address at the start of `bytes`, mapped IPv4 as IPv4; undefined when there is none. */
export function expandAddress(bytes: Uint8Array): SocketAddress | undefined {
  if (compactLength(bytes, 0) > bytes.length) return undefined
  const length = readCompact(bytes, 0, scratch, 0)
  return length <= 0 ? undefined : (readSockaddr(scratch, length) as SocketAddress)
}

/** How long the compact address at `at` is, by its type; 0 when that is no type. */
export function compactLength(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case COMPACT_TYPE.none:
      return COMPACT_BYTES.none
    case COMPACT_TYPE.ipv4:
      return COMPACT_BYTES.ipv4
    case COMPACT_TYPE.ipv6:
      return COMPACT_BYTES.ipv6
  }
  return 0
}

/** Write the sockaddr at `from` as a compact address at `to`. Returns its length. */
export function writeCompact(
  sockaddr: Uint8Array,
  from: number,
  bytes: Uint8Array,
  to: number,
): number {
  const family = familyOf(sockaddr, from)
  if (family !== 4 && family !== 6) {
    bytes[to] = COMPACT_TYPE.none
    return COMPACT_BYTES.none
  }
  const kind = family === 4 ? 'ipv4' : 'ipv6'
  bytes[to] = COMPACT_TYPE[kind]
  bytes[to + 1] = sockaddr[from + 2]!
  bytes[to + 2] = sockaddr[from + 3]!
  const length = COMPACT_BYTES[kind]
  const host = from + SOCKADDR_HOST_AT[kind]
  // A loop: for so few bytes a call of set() with its subarray() costs several times as much.
  for (let i = 3; i < length; i++) bytes[to + i] = sockaddr[host + i - 3]!
  return length
}

/**
 * Write the compact address at `from` as a sockaddr at `to`. Returns the length of the sockaddr, 0
 * for type none, -1 when it is no address.
 */
export function readCompact(
  bytes: Uint8Array,
  from: number,
  sockaddr: Uint8Array,
  to: number,
): number {
  const type = bytes[from]
  if (type === COMPACT_TYPE.none) return 0
  if (type !== COMPACT_TYPE.ipv4 && type !== COMPACT_TYPE.ipv6) return -1
  const kind = type === COMPACT_TYPE.ipv4 ? 'ipv4' : 'ipv6'
  const length = COMPACT_BYTES[kind]
  if (from + length > bytes.length) return -1
  sockaddr.fill(0, to, to + SOCKADDR_BYTES[kind])
  writeFamily(sockaddr, to, kind === 'ipv4' ? 4 : 6)
  sockaddr[to + 2] = bytes[from + 1]!
  sockaddr[to + 3] = bytes[from + 2]!
  const host = to + SOCKADDR_HOST_AT[kind]
  for (let i = 3; i < length; i++) sockaddr[host + i - 3] = bytes[from + i]!
  return SOCKADDR_BYTES[kind]
}
