/** IP addresses: text ⇄ the eight groups of IPv6, in which IPv4 is `::ffff:a.b.c.d`. */

/** Eight numbers of 16 bits. */
export type IpGroups = readonly number[]

const MAPPED = 0xffff

/**
 * 4 or 6; 0: it is no IP address. Asked of Node.js, whose module for that is loaded with the first
 * question: most threads have none, and it takes each of them half a millisecond.
 */
export const ipFamily = (host: string): number => process.getBuiltinModule('node:net').isIP(host)

/** Undefined: it is no IP address. A zone is left out. */
export function ipGroups(text: string): IpGroups | undefined {
  const family = ipFamily(text)
  if (family === 0) return undefined
  return family === 4 ? [0, 0, 0, 0, 0, MAPPED, ...words(text)] : groupsOf(text.split('%')[0]!)
}

/** Is it one of IPv4? */
export const isMapped = (groups: IpGroups): boolean =>
  groups[5] === MAPPED && groups.slice(0, 5).every((group) => group === 0)

/** `1.2.3.4`, also of `::ffff:1.2.3.4`; else as RFC 5952 has it: `2001:db8::1`. */
export function ipText(groups: IpGroups): string {
  if (!isMapped(groups)) return shortest(groups)
  const [high, low] = groups.slice(6) as [number, number]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** The groups in `bytes` from `at` on. */
export function ipRead(bytes: Uint8Array, at: number): IpGroups {
  const groups: number[] = []
  for (let i = at; i < at + 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!)
  return groups
}

/** `text` is a valid IPv6 address without a zone. */
function groupsOf(text: string): IpGroups {
  const [head, tail] = text.split('::') as [string, string | undefined]
  const left = words(head)
  if (tail === undefined) return left
  const right = words(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}

function words(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((word) => {
    if (!word.includes('.')) return Number.parseInt(word, 16)
    const [a, b, c, d] = word.split('.').map(Number) as [number, number, number, number]
    return [(a << 8) | b, (c << 8) | d]
  })
}

/** The longest run of two or more zero groups becomes `::`, the first one of equals. */
function shortest(groups: IpGroups): string {
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
