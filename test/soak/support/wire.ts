/** A connection of a hostile client, on system calls: bytes one by one, RST when it likes. */
import { ERRNO, isAgain } from '../../../src/os/errno.ts'
import type { Os } from '../../../src/os/os.ts'
import { posixOs } from '../../../src/os/posix.ts'

const os: Os = posixOs()
const READ_BYTES = 256 * 1024
const region = os.region(new SharedArrayBuffer(READ_BYTES))
const NOTHING = Buffer.alloc(0)

export class Wire {
  readonly #fd: number
  #unsent: Buffer = NOTHING
  #isOpen = true
  /** The peer has ended, or the connection broke. */
  isOver = false
  received = 0
  sent = 0

  /** @param receiveBufferBytes A small one makes the other side wait soon. */
  constructor(port: number, receiveBufferBytes?: number) {
    this.#fd = os.socket(4)
    if (this.#fd < 0) throw new Error(`Cannot open a socket: ${os.errorText(this.#fd)}`)
    os.noDelay(this.#fd, true)
    if (receiveBufferBytes !== undefined) {
      os.setOption(this.#fd, 'receiveBufferBytes', receiveBufferBytes)
    }
    const result = os.connect(this.#fd, { family: 4, host: '127.0.0.1', port })
    if (result < 0 && result !== -ERRNO.EINPROGRESS) {
      this.close()
      throw new Error(`Cannot connect: ${os.errorText(result)}`)
    }
  }

  /** To be sent by `push`, after what waits already. */
  say(data: string | Uint8Array): void {
    this.#unsent = Buffer.concat([
      this.#unsent,
      typeof data === 'string' ? Buffer.from(data) : data,
    ])
  }

  get hasSaidAll(): boolean {
    return this.#unsent.length === 0
  }

  /** Send up to `max` bytes of what waits. */
  push(max = Number.POSITIVE_INFINITY): void {
    const length = Math.min(max, this.#unsent.length)
    if (length === 0) return
    const count = os.write(this.#fd, this.#unsent, 0, length)
    if (count >= 0) {
      this.#unsent = this.#unsent.subarray(count)
      this.sent += count
    } else if (!isAgain(count) && count !== -ERRNO.ENOTCONN) this.isOver = true
  }

  /** What is there, at most `max` bytes. Yours until the next call. */
  pull(max = READ_BYTES): Buffer {
    const count = os.read(this.#fd, region, 0, Math.min(max, READ_BYTES))
    if (count > 0) {
      this.received += count
      return region.bytes.subarray(0, count)
    }
    if (count === 0 || (!isAgain(count) && count !== -ERRNO.ENOTCONN)) this.isOver = true
    return NOTHING
  }

  /** Say FIN; reading goes on. */
  end(): void {
    os.shutdown(this.#fd, 'write')
  }

  close(): void {
    if (this.#isOpen) os.close(this.#fd)
    this.#isOpen = false
  }

  /** Close by RST, whatever is under way. */
  reset(): void {
    if (this.#isOpen) os.setOption(this.#fd, 'lingerSeconds', 0)
    this.close()
  }
}
