/** The other end of a socket under test, without an event loop: a client on system calls. */
import assert from 'node:assert/strict'
import { portOf } from '../../src/os/address.ts'
import { ERRNO, isAgain } from '../../src/os/errno.ts'
import type { Os } from '../../src/os/os.ts'

export class Peer {
  readonly fd: number
  readonly #os: Os
  readonly #region
  #isOpen = true
  /** What was received so far. */
  readonly chunks: Buffer[] = []
  bytesReceived = 0
  hasEnded = false
  /** The errno, negative, of a read that failed: ECONNRESET after RST. */
  error = 0

  constructor(os: Os, port: number) {
    this.#os = os
    this.#region = os.region(new SharedArrayBuffer(256 * 1024))
    this.fd = os.socket(4)
    const result = os.connect(this.fd, { family: 4, host: '127.0.0.1', port })
    assert.ok(result === 0 || result === -ERRNO.EINPROGRESS)
  }

  /** `127.0.0.1:port` of this end. */
  get address(): string {
    return `127.0.0.1:${portOf(this.#os.localAddress(this.fd))}`
  }

  /** Returns how much was taken: 0 when the other side does not read. */
  write(data: string | Uint8Array): number {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const count = this.#os.write(this.fd, bytes, 0, bytes.length)
    return count < 0 && (isAgain(count) || count === -ERRNO.ENOTCONN) ? 0 : count
  }

  /** Read what there is, once. Returns how much. */
  read(): number {
    const count = this.#os.read(this.fd, this.#region, 0, this.#region.bytes.length)
    // Behind an error there is 0 as well.
    if (count === 0 && this.error === 0) this.hasEnded = true
    if (count > 0) {
      this.chunks.push(Buffer.from(this.#region.bytes.subarray(0, count)))
      this.bytesReceived += count
    } else if (count < 0 && !isAgain(count)) this.error = count
    return Math.max(0, count)
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString()
  }

  /** Say FIN; reading goes on. */
  end(): void {
    this.#os.shutdown(this.fd, 'write')
  }

  /** Close with RST. */
  reset(): void {
    this.#os.setOption(this.fd, 'lingerSeconds', 0)
    this.close()
  }

  /** Close. With bytes unread, that sends RST. */
  close(): void {
    if (this.#isOpen) this.#os.close(this.fd)
    this.#isOpen = false
  }
}
