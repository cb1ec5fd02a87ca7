/** What a proxy may say in front of a client, as rows of `PARSERS`. */
import { isSkynetError } from '../../src/base/errors.ts'
import { crc32c } from '../../src/transport/crc32c.ts'
import { binary, ipv4, ipv6, tlv } from '../../src/transport/proxy-header.kit.ts'
import { ProxyParser } from '../../src/transport/proxy-header.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const V4 = ['1.2.3.4', '255.255.255.255', '0.0.0.0'] as const
const V6 = ['::', '2001:db8::1', '::ffff:1.2.3.4', 'fe80::1:2:3:4'] as const
const pick = <T>(random: Random, list: readonly T[]): T => list[below(random, list.length)]!
const port = (random: Random): number => below(random, 65_536)

function lineOf(random: Random): Buffer {
  const [family, hosts] = pick(random, [
    ['TCP4', V4],
    ['TCP6', V6],
    ['UNKNOWN', V4],
  ] as const)
  const host = (): string => pick(random, hosts)
  return Buffer.from(`PROXY ${family} ${host()} ${host()} ${port(random)} ${port(random)}\r\n`)
}

function binaryOf(random: Random): Buffer {
  const isIPv4 = below(random, 2) === 0
  const addresses = isIPv4
    ? ipv4(pick(random, V4), port(random), pick(random, V4), port(random))
    : ipv6(pick(random, V6), port(random), pick(random, V6), port(random))
  const tlvs = Array.from({ length: below(random, 4) }, () =>
    tlv(5 + below(random, 250), 'x'.repeat(below(random, 20))),
  )
  const sum = tlv(3, Buffer.alloc(4))
  const header = binary(isIPv4 ? 0x11 : 0x21, Buffer.concat([addresses, sum, ...tlvs]))
  header.writeUInt32BE(crc32c(header), 16 + addresses.length + 3)
  return header
}

/** As `withProxy` reads it: what comes behind the header is the client's. */
function parsed(chunks: readonly Buffer[]): unknown {
  const parser = new ProxyParser()
  let rest = 0
  let header: unknown
  try {
    for (const chunk of chunks) {
      let at = 0
      while (at < chunk.length && parser.wants > 0) {
        const end = Math.min(chunk.length, at + parser.wants)
        header = parser.push(chunk.subarray(at, end))
        at = end
      }
      rest += chunk.length - at
    }
    return { header, rest }
  } catch (error) {
    if (!isSkynetError(error)) throw error
    return error.code
  }
}

export const TRANSPORT_PARSERS: readonly Parser[] = [
  { name: 'PROXY, version 1', isStream: true, bytesOf: lineOf, parse: parsed },
  { name: 'PROXY, version 2', isStream: true, bytesOf: binaryOf, parse: parsed },
]
