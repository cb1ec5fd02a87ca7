/** IP addresses: text ⇄ `SocketAddress` ⇄ the bytes of a sockaddr. */
import { isIP } from 'node:net'
import { endianness } from 'node:os'
import { C } from './libc.ts'
import type { SocketAddress } from './os.ts'

/** Room for either kind of sockaddr. */
export const SOCKADDR_BYTES_MAX = 28

const IN_BYTES = 16
const IN6_BYTES = 28
/** BSD: length u8, family u8. Linux: family u16 in the order of the machine. */
const FAMILY_AT = process.platform !== 'linux' || endianness() === 'BE' ? 1 : 0
const HAS_LENGTH = process.platform !== 'linux'

/**
 * The address that `host` writes out, canonical (`::0:1` → `::1`, `::ffff:1.2.3.4` → `1.2.3.4`);
 * undefined when `host` is a name, or has a zone (`fe80::1%eth0`).
 *
 * @throws {RangeError} `port` is not an integer in 0..65535.
 */
export function socketAddress(host: string, port: number): SocketAddress | undefined {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new RangeError(`Cannot use port as it must be in 0..65535: current value is ${port}`)
  }
  const family = isIP(host)
  if (family === 4) return { family: 4, host, port }
  if (family === 0 || host.includes('%')) return undefined
  return fromGroups(parseGroups(host), port)
}

/** `1.2.3.4:80`, `[::1]:80`. */
export function formatAddress({ family, host, port }: SocketAddress): string {
  return family === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** Write the sockaddr of `address` to the start of `bytes`. Returns its length. */
export function writeSockaddr(bytes: Uint8Array, address: SocketAddress): number {
  const { family, host, port } = address
  const length = family === 4 ? IN_BYTES : IN6_BYTES
  bytes.fill(0, 0, length)
  if (HAS_LENGTH) bytes[0] = length
  bytes[FAMILY_AT] = family === 4 ? C.AF_INET : C.AF_INET6
  bytes[2] = port >> 8
  bytes[3] = port
  if (family === 4) {
    bytes.set(host.split('.').map(Number), 4)
    return length
  }
  let at = 8
  for (const group of parseGroups(host)) {
    bytes[at++] = group >> 8
    bytes[at++] = group
  }
  return length
}

/** Read a sockaddr from the start of `bytes`; undefined when it is no IP address. */
export function readSockaddr(bytes: Uint8Array): SocketAddress | undefined {
  const port = (bytes[2]! << 8) | bytes[3]!
  const family = bytes[FAMILY_AT]
  if (family === C.AF_INET) {
    return { family: 4, host: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port }
  }
  if (family !== C.AF_INET6) return undefined
  const groups: number[] = []
  for (let at = 8; at < 24; at += 2) groups.push((bytes[at]! << 8) | bytes[at + 1]!)
  return fromGroups(groups, port)
}

/** A v4-mapped address (`::ffff:0:0/96`) is the v4 address. */
function fromGroups(groups: readonly number[], port: number): SocketAddress {
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0)
  if (!mapped) return { family: 6, host: formatGroups(groups), port }
  const [high, low] = groups.slice(6) as [number, number]
  return { family: 4, host: `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`, port }
}

/** `text` is a valid IPv6 address without a zone. */
function parseGroups(text: string): number[] {
  const [head, tail] = text.split('::') as [string, string | undefined]
  const left = parseWords(head)
  if (tail === undefined) return left
  const right = parseWords(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function parseWords(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((word) => {
    if (!word.includes('.')) return Number.parseInt(word, 16)
    const [a, b, c, d] = word.split('.').map(Number) as [number, number, number, number]
    return [(a << 8) | b, (c << 8) | d]
  })
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`, the first one of equals. */
function formatGroups(groups: readonly number[]): string {
  let start = 0
  let length = 1
  for (let at = 0; at < 8; at++) {
    let end = at
    while (groups[end] === 0) end++
    if (end - at > length) {
      start = at
      length = end - at
    }
  }
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}
