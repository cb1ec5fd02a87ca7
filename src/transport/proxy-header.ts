/**
 * What a proxy says in front of the bytes of a client: the PROXY protocol of HAProxy, version 1 as
 * a line of text, version 2 as bytes.
 *
 * | 12 bytes | 1 | 1 | 2 | so many | the rest |
 * | --- | --- | --- | --- | --- | --- |
 * | signature | version, command | family, transport | length behind this | addresses | TLVs |
 */
import { SkynetError } from '../base/errors.ts'
import { hostPortText } from '../base/host-port.ts'
import { ipFamily, ipGroups, ipRead, ipText } from '../base/ip.ts'
import { PROXY_HEADER_BYTES_MAX } from '../base/limits.ts'
import { crc32c } from './crc32c.ts'

/** A piece of what a proxy knows besides, by the number of its type: 0x02 is the server name. */
export interface ProxyTlv {
  readonly type: number
  readonly value: Buffer
}

export interface ProxyHeader {
  readonly version: 1 | 2
  /**
   * The client, `ip:port` or `unix:/path`; undefined where the proxy has connected for itself (a
   * check of health), or does not know.
   */
  readonly source: string | undefined
  /** Whom the client has connected to: undefined as `source`. */
  readonly destination: string | undefined
  readonly tlvs: readonly ProxyTlv[]
}

/** The least that a header has: `PROXY UNKNOWN\r\n`. */
const LEAST_BYTES = 15
const LINE_BYTES_MAX = 107
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const HEAD_BYTES = 16
const LOCAL = 0x20
const PROXY = 0x21
const TRANSPORTS_MAX = 2
const TLV_HEAD_BYTES = 3
const TLV = { crc32c: 3, noop: 4 } as const

interface Addresses {
  readonly source: string
  readonly destination: string
}

/** By the number of its family: how many bytes addresses take, and what they are. */
const FAMILIES: readonly {
  readonly bytes: number
  readonly read: (at: Buffer) => Addresses | undefined
}[] = [
  { bytes: 0, read: () => undefined },
  {
    bytes: 12,
    read: (at) => ({
      source: hostPortText({ host: at.subarray(0, 4).join('.'), port: at.readUInt16BE(8) }),
      destination: hostPortText({ host: at.subarray(4, 8).join('.'), port: at.readUInt16BE(10) }),
    }),
  },
  {
    bytes: 36,
    read: (at) => ({
      source: hostPortText({ host: ipText(ipRead(at, 0)), port: at.readUInt16BE(32) }),
      destination: hostPortText({ host: ipText(ipRead(at, 16)), port: at.readUInt16BE(34) }),
    }),
  },
  {
    bytes: 216,
    read: (at) => ({
      source: unixText(at.subarray(0, 108)),
      destination: unixText(at.subarray(108)),
    }),
  },
]

const malformed = (reason: string): SkynetError => new SkynetError('ERR_PROXY_HEADER', { reason })

/**
 * Takes a header apart as it comes: `wants` more bytes, no one of which belongs to what follows.
 * Once there is a header it wants nothing.
 */
export class ProxyParser {
  #bytes = Buffer.alloc(0)
  #header: ProxyHeader | undefined

  /** So many bytes must come next; 0: it is whole. */
  get wants(): number {
    if (this.#header !== undefined) return 0
    const bytes = this.#bytes
    if (bytes.length < LEAST_BYTES) return LEAST_BYTES - bytes.length
    if (!isBinary(bytes)) return bytes.at(-1) === CR ? 1 : 2
    if (bytes.length < HEAD_BYTES) return HEAD_BYTES - bytes.length
    return HEAD_BYTES + bytes.readUInt16BE(14) - bytes.length
  }

  /**
   * @param bytes At most as many as it wants.
   * @returns The header, once it is whole.
   * @throws {SkynetError} `ERR_PROXY_HEADER` it is none, as soon as that shows.
   */
  push(bytes: Uint8Array): ProxyHeader | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    this.#header = headerIn(this.#bytes)
    return this.#header
  }
}

const CR = 0x0d

const isBinary = (bytes: Buffer): boolean =>
  bytes.subarray(0, SIGNATURE.length).equals(SIGNATURE.subarray(0, bytes.length))

/** Undefined: something is missing. */
function headerIn(bytes: Buffer): ProxyHeader | undefined {
  return isBinary(bytes) ? binaryIn(bytes) : lineIn(bytes.toString('latin1'))
}

// --- version 1 ---------------------------------------------------------------------------------

const BEGIN = 'PROXY '
const PORT = /^(?:0|[1-9]\d{0,4})$/
const LINE_FAMILIES: Readonly<Record<string, number>> = { TCP4: 4, TCP6: 6 }

function lineIn(text: string): ProxyHeader | undefined {
  if (!text.startsWith(BEGIN.slice(0, text.length)))
    throw malformed('it begins with something else')
  const end = text.indexOf('\r\n')
  if (end < 0 ? text.length >= LINE_BYTES_MAX : end + 2 > LINE_BYTES_MAX) {
    throw malformed(`its line has no end within ${LINE_BYTES_MAX} bytes`)
  }
  if (end < 0) return undefined
  const [, family, ...words] = text.slice(0, end).split(' ') as [string, string, ...string[]]
  const nothing = { source: undefined, destination: undefined }
  const addresses = family === 'UNKNOWN' ? nothing : lineAddresses(LINE_FAMILIES[family], words)
  return { version: 1, ...addresses, tlvs: [] }
}

function lineAddresses(family: number | undefined, words: readonly string[]): Addresses {
  const [source, destination, sourcePort, destinationPort] = words
  const isWhole = words.length === 4 && family !== undefined
  if (!isWhole) throw malformed('its line is none of TCP4, TCP6 or UNKNOWN')
  return {
    source: lineAddress(family, source!, sourcePort!),
    destination: lineAddress(family, destination!, destinationPort!),
  }
}

function lineAddress(family: number, host: string, digits: string): string {
  const port = PORT.test(digits) ? Number(digits) : Number.NaN
  if (ipFamily(host) !== family || host.includes('%') || !(port <= 0xffff)) {
    throw malformed('an address in its line is none')
  }
  return hostPortText({ host: ipText(ipGroups(host)!), port })
}

// --- version 2 ---------------------------------------------------------------------------------

function binaryIn(bytes: Buffer): ProxyHeader | undefined {
  if (bytes.length < HEAD_BYTES) return undefined
  const command = bytes[12]!
  if (command !== LOCAL && command !== PROXY) {
    throw malformed(`it has version and command 0x${command.toString(16)}`)
  }
  const length = HEAD_BYTES + bytes.readUInt16BE(14)
  if (length > PROXY_HEADER_BYTES_MAX) {
    throw malformed(`it has ${length} bytes, the limit is ${PROXY_HEADER_BYTES_MAX}`)
  }
  if (bytes.length < length) return undefined
  const nothing = { version: 2, source: undefined, destination: undefined, tlvs: [] } as const
  if (command === LOCAL) return nothing
  const family = FAMILIES[bytes[13]! >> 4]
  const size = family?.bytes ?? Number.POSITIVE_INFINITY
  if ((bytes[13]! & 15) > TRANSPORTS_MAX || HEAD_BYTES + size > length) {
    throw malformed(`its addresses of kind 0x${bytes[13]!.toString(16)} are none, or cut`)
  }
  const tlvs = tlvsIn(bytes, HEAD_BYTES + size)
  return { ...nothing, ...family!.read(bytes.subarray(HEAD_BYTES, HEAD_BYTES + size)), tlvs }
}

/** @param bytes The whole header. */
function tlvsIn(bytes: Buffer, begin: number): ProxyTlv[] {
  const tlvs: ProxyTlv[] = []
  for (let at = begin; at < bytes.length; ) {
    const valueAt = at + TLV_HEAD_BYTES
    const end = valueAt > bytes.length ? Number.NaN : valueAt + bytes.readUInt16BE(at + 1)
    if (!(end <= bytes.length)) throw malformed('a TLV in it is cut')
    const type = bytes[at]!
    const value = bytes.subarray(valueAt, end)
    if (type === TLV.crc32c) checkSum(bytes, value)
    else if (type !== TLV.noop) tlvs.push({ type, value })
    at = end
  }
  return tlvs
}

/** @param sum Within `bytes`, and 0 when it was made. */
function checkSum(bytes: Buffer, sum: Buffer): void {
  const told = sum.length === 4 ? sum.readUInt32BE() : undefined
  const at = sum.byteOffset - bytes.byteOffset
  const blank = Buffer.from(bytes).fill(0, at, at + sum.length)
  if (told !== crc32c(blank)) throw malformed('its checksum is wrong')
}

/** The path up to its first NUL; one that begins with NUL is a name without a file. */
function unixText(bytes: Buffer): string {
  const end = bytes.indexOf(0, 1)
  const path = bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
  return `unix:${path.replace(/^\0$/, '').replace(/^\0/, '@')}`
}
