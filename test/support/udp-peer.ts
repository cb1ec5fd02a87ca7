/** The other end of a UDP socket under test, on system calls. */
import assert from 'node:assert/strict'
import { portOf } from '../../src/os/address.ts'
import { COMPACT_BYTES_MAX, compactAddress } from '../../src/os/compact.ts'
import type { Os } from '../../src/os/os.ts'
import type { ServerDriver } from './server-driver.ts'

const BYTES_MAX = 65_535

export class UdpPeer {
  readonly fd: number
  /** Where it is, compact. */
  readonly address: Uint8Array
  readonly #os: Os
  /** The call itself, whatever a test puts in its place later. */
  readonly #sendTo: Os['sendTo']
  readonly #family: 4 | 6
  readonly #region

  constructor(driver: ServerDriver, family: 4 | 6 = 4) {
    this.#os = driver.os
    this.#sendTo = driver.os.sendTo.bind(driver.os)
    this.#family = family
    this.#region = this.#os.region(new SharedArrayBuffer(BYTES_MAX + COMPACT_BYTES_MAX))
    this.fd = driver.keep(this.#os.datagram(family))
    assert.equal(this.#os.bindDatagram(this.fd, this.#place(0)), 0)
    this.address = compactAddress(this.#place(portOf(this.#os.localAddress(this.fd))))
  }

  #place(port: number) {
    return { family: this.#family, host: this.#family === 4 ? '127.0.0.1' : '::1', port }
  }

  send(port: number, data: string | Uint8Array): void {
    const bytes = Buffer.from(data)
    const to = compactAddress(this.#place(port))
    assert.equal(this.#sendTo(this.fd, bytes, 0, bytes.length, to), bytes.length)
  }

  /** The next datagram, if there is one. */
  receive(): Buffer | undefined {
    const count = this.#os.receiveFrom(this.fd, this.#region, 0, BYTES_MAX)
    return count < 0 ? undefined : Buffer.from(this.#region.bytes.subarray(0, count))
  }

  /** Everything that is there, as text. */
  texts(): string[] {
    const texts: string[] = []
    for (let next = this.receive(); next !== undefined; next = this.receive()) {
      texts.push(next.toString())
    }
    return texts
  }
}
