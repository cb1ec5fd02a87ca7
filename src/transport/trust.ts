/** Which proxies are believed when they say for whom they stand. */
import { checkArray, checkString, refusal } from '../base/check.ts'
import { readHostPort } from '../base/host-port.ts'
import { type IpGroups, ipGroups, isMapped } from '../base/ip.ts'
import { TRUSTED_MAX } from '../base/limits.ts'

interface Range {
  readonly groups: IpGroups
  readonly isIPv4: boolean
  /** So many bits are compared, of 128. */
  readonly bits: number
}

/** Whoever connects by a Unix socket. */
const UNIX = 'unix'
const PREFIX = /^\d{1,3}$/
const EXPECTED = `addresses such as 10.0.0.0/8, 192.0.2.1, fd00::/8, or '${UNIX}'`

/**
 * Addresses of proxies that are trusted: `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`; `unix` is every
 * peer of a Unix socket. An IPv4 address within IPv6, `::ffff:10.0.0.1`, is the IPv4 one.
 */
export class TrustedProxies {
  readonly #ranges: readonly Range[]
  readonly #isUnixTrusted: boolean

  /** @throws `TypeError`, `RangeError` naming the range that is none. */
  constructor(ranges: readonly string[], what = 'trust proxies') {
    checkArray(what, 'trust', ranges)
    if (ranges.length > TRUSTED_MAX) {
      throw refusal('range', what, 'trust.length', `at most ${TRUSTED_MAX}`, ranges.length)
    }
    for (const range of ranges) checkString(what, 'trust', range)
    this.#isUnixTrusted = ranges.includes(UNIX)
    this.#ranges = ranges.filter((range) => range !== UNIX).map((range) => rangeOf(what, range))
  }

  /** @param address With a port or without: `10.0.0.1`, `10.0.0.1:80`, `[::1]:80`, `unix:/path`. */
  has(address: string): boolean {
    if (this.#ranges.length === 0 && !this.#isUnixTrusted) return false
    if (address.startsWith('unix:')) return this.#isUnixTrusted
    const groups = ipGroups(readHostPort(address)?.host ?? address)
    return groups !== undefined && this.#ranges.some((range) => isIn(range, groups))
  }
}

function rangeOf(what: string, text: string): Range {
  const [host, prefix, ...rest] = text.split('/') as [string, ...string[]]
  const groups = host.includes('%') ? undefined : ipGroups(host)
  const isRight = rest.length === 0 && (prefix === undefined || PREFIX.test(prefix))
  if (groups === undefined || !isRight) throw refusal('value', what, 'trust', EXPECTED, text)
  const bitsMax = host.includes(':') ? 128 : 32
  const bits = prefix === undefined ? bitsMax : Number(prefix)
  if (bits > bitsMax) throw refusal('range', what, 'trust', `with at most /${bitsMax}`, text)
  const isIPv4 = isMapped(groups) && bits + 128 - bitsMax >= 96
  return { groups, isIPv4, bits: bits + 128 - bitsMax }
}

/** What stands for all of IPv6 does not stand for IPv4. */
function isIn({ groups, isIPv4, bits }: Range, address: IpGroups): boolean {
  if (isMapped(address) !== isIPv4) return false
  return groups.every((group, i) => {
    const ignored = Math.min(16, Math.max(0, 16 * (i + 1) - bits))
    return group >> ignored === address[i]! >> ignored
  })
}
