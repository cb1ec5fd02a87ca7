/** Headers as proxies make them, for tests. */
import { ipGroups } from '../base/ip.ts'

export const SIGNATURE = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10])

/** Version 2. @param command Version and command, 0x21 unless told otherwise. */
export function binary(family: number, addresses: Uint8Array, command = 0x21): Buffer {
  const head = Buffer.from([...SIGNATURE, command, family, 0, 0])
  head.writeUInt16BE(addresses.length, 14)
  return Buffer.concat([head, addresses])
}

/** Two addresses of IPv4, and their ports. */
export function ipv4(source: string, port: number, destination: string, at: number): Buffer {
  const ports = Buffer.alloc(4)
  ports.writeUInt16BE(port)
  ports.writeUInt16BE(at, 2)
  return Buffer.from([...source.split('.'), ...destination.split('.'), ...ports].map(Number))
}

export function ipv6(source: string, port: number, destination: string, at: number): Buffer {
  const bytes = Buffer.alloc(36)
  const groups = [...ipGroups(source)!, ...ipGroups(destination)!, port, at]
  for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, 2 * i)
  return bytes
}

export function tlv(type: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 255]), bytes])
}
