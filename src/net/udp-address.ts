/** The address of a UDP peer. */
import { types } from 'node:util'
import { checkInteger, checkText, refusal } from '../base/check.ts'
import { formatAddress, socketAddress } from '../os/address.ts'
import { compactAddress, compactLength, expandAddress } from '../os/compact.ts'
import type { SocketAddress } from '../os/os.ts'

/**
 * Immutable. Kept as the 7 (IPv4) or 19 (IPv6) bytes that Skynet has, or 23 of a link-local one
 * with its zone; text is made when asked.
 */
export class UdpAddress {
  /** Type, port and address in network order, then the zone: what `UdpAddress.fromBytes` takes. */
  readonly bytes: Uint8Array
  #expanded: SocketAddress | undefined

  private constructor(bytes: Uint8Array, expanded?: SocketAddress) {
    this.bytes = bytes
    this.#expanded = expanded
  }

  /**
   * @param host An address, not a name: names are looked up by `udpDial` and `connect`.
   * @throws `TypeError`, `RangeError`
   */
  static of(host: string, port: number): UdpAddress {
    checkText('make a UDP address', 'host', host)
    checkInteger('make a UDP address', 'port', port, 1, 65535)
    const address = socketAddress(host, port)
    if (address === undefined) {
      throw refusal('value', 'make a UDP address', 'host', 'an IP address', host)
    }
    return new UdpAddress(compactAddress(address), address)
  }

  /** @param bytes 7, 19 or 23 of them; copied. @throws `TypeError` when they are no address. */
  static fromBytes(bytes: Uint8Array): UdpAddress {
    const isBytes = types.isUint8Array(bytes)
    const isWhole = isBytes && compactLength(bytes, 0) === bytes.length
    const expanded = isWhole ? expandAddress(bytes) : undefined
    if (expanded === undefined) {
      throw refusal('value', 'make a UDP address', 'bytes', '7, 19 or 23 of one', bytes)
    }
    return new UdpAddress(Uint8Array.from(bytes), expanded)
  }

  /** @internal Bytes that came from the kernel, which the result keeps. */
  static received(bytes: Uint8Array): UdpAddress {
    return new UdpAddress(bytes)
  }

  /**
   * `127.0.0.1`, `::1`, `fe80::1%2` (the number of an interface). An IPv4 peer of an IPv6 socket is
   * shown as IPv4.
   */
  get host(): string {
    return this.#expand().host
  }

  get port(): number {
    return this.#expand().port
  }

  get family(): 4 | 6 {
    return this.#expand().family
  }

  equals(other: UdpAddress): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0
  }

  /** `127.0.0.1:53`, `[::1]:53`: also good as a key of a map. */
  toString(): string {
    return formatAddress(this.#expand())
  }

  #expand(): SocketAddress {
    this.#expanded ??= expandAddress(this.bytes) ?? { family: 4, host: '0.0.0.0', port: 0 }
    return this.#expanded
  }
}
