/**
 * The compact address of a datagram, as Skynet has it: type (1 IPv4, 2 IPv6), port and address in
 * network order, 7 or 19 bytes. Type 0, one byte, is no address. Ours alone is type 3: IPv6 with
 * the number of an interface behind it, 23 bytes. Link-local peers cannot be answered without.
 */
import {
  familyOf,
  readScope,
  readSockaddr,
  SOCKADDR_BYTES,
  writeFamily,
  writeScope,
  writeSockaddr,
} from './address.ts'
import type { SocketAddress } from './os.ts'

export const COMPACT_TYPE = { none: 0, ipv4: 1, ipv6: 2, zone: 3 } as const
export const COMPACT_BYTES = { none: 1, ipv4: 7, ipv6: 19, zone: 23 } as const
export const COMPACT_BYTES_MAX = COMPACT_BYTES.zone

/** Where a sockaddr has the address itself; the port is at 2 in both. */
const SOCKADDR_HOST_AT = { ipv4: 4, ipv6: 8 } as const
const scratch = new Uint8Array(SOCKADDR_BYTES.ipv6)

/** @param family Of the socket that sends to it: one of IPv6 takes IPv4 in its mapped form. */
export function compactAddress(address: SocketAddress, family?: 4 | 6): Uint8Array {
  if (address.family === 4 && family === 6) {
    const mapped = new Uint8Array(COMPACT_BYTES.ipv6)
    const plain = compactAddress(address)
    mapped[0] = COMPACT_TYPE.ipv6
    mapped.set(plain.subarray(1, 3), 1)
    mapped.fill(0xff, 13, 15)
    mapped.set(plain.subarray(3), 15)
    return mapped
  }
  const bytes = new Uint8Array(COMPACT_BYTES_MAX)
  writeSockaddr(scratch, address)
  return bytes.slice(0, writeCompact(scratch, 0, bytes, 0))
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
    case COMPACT_TYPE.zone:
      return COMPACT_BYTES.zone
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
  const scope = family === 4 ? 0 : readScope(sockaddr, from)
  if (scope === 0) return length
  bytes[to] = COMPACT_TYPE.zone
  for (let i = 0; i < 4; i++) bytes[to + length + i] = scope >>> (24 - 8 * i)
  return COMPACT_BYTES.zone
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
  const whole = compactLength(bytes, from)
  if (whole === 0 || from + whole > bytes.length) return -1
  const kind = type === COMPACT_TYPE.ipv4 ? 'ipv4' : 'ipv6'
  const length = COMPACT_BYTES[kind]
  sockaddr.fill(0, to, to + SOCKADDR_BYTES[kind])
  writeFamily(sockaddr, to, kind === 'ipv4' ? 4 : 6)
  sockaddr[to + 2] = bytes[from + 1]!
  sockaddr[to + 3] = bytes[from + 2]!
  const host = to + SOCKADDR_HOST_AT[kind]
  for (let i = 3; i < length; i++) sockaddr[host + i - 3] = bytes[from + i]!
  if (type === COMPACT_TYPE.zone) {
    let scope = 0
    for (let i = length; i < whole; i++) scope = (scope << 8) | bytes[from + i]!
    writeScope(sockaddr, to, scope)
  }
  return SOCKADDR_BYTES[kind]
}
