/** A client of a gate, on node:net: frames out in any pieces, bytes in. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { until } from './until.ts'

/** A message behind its length, in two bytes. */
export function framed(body: string | Uint8Array): Buffer {
  const bytes = Buffer.from(body)
  const frame = Buffer.allocUnsafe(2 + bytes.length)
  frame.writeUInt16BE(bytes.length)
  frame.set(bytes, 2)
  return frame
}

export class FramedClient {
  readonly socket: Socket
  /** What has come. */
  received: Buffer = Buffer.alloc(0)
  /** The server has said FIN. */
  hasEnded = false
  isClosed = false
  /** `ECONNRESET`, say. */
  failure: string | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data])
    })
    socket.on('end', () => {
      this.hasEnded = true
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.failure = error.code
    })
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  static async connect(port: number): Promise<FramedClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    const client = new FramedClient(socket)
    await once(socket, 'connect')
    return client
  }

  send(...messages: (string | Uint8Array)[]): void {
    this.socket.write(Buffer.concat(messages.map(framed)))
  }

  /** Each piece by itself: the next leaves when the kernel has taken it. */
  async write(pieces: Iterable<Uint8Array>): Promise<void> {
    for (const piece of pieces) {
      if (this.isClosed) return
      await new Promise((resolve) => this.socket.write(piece, resolve))
    }
  }

  /** Wait for a look that finds something. */
  when(what: string, look: () => unknown): Promise<unknown> {
    return until(what, look, { on: [[this.socket, 'data', 'end', 'close']] })
  }

  /** Nothing more will come. */
  get isOver(): boolean {
    return this.hasEnded || this.isClosed
  }

  /** The messages that have come whole. */
  get messages(): Buffer[] {
    const found: Buffer[] = []
    let at = 0
    while (at + 2 <= this.received.length) {
      const end = at + 2 + this.received.readUInt16BE(at)
      if (end > this.received.length) break
      found.push(this.received.subarray(at + 2, end))
      at = end
    }
    return found
  }

  /** Wait until so many have come, and hand out the last of them. */
  async message(count = 1): Promise<Buffer> {
    await this.when(`${count} messages`, () => this.messages.length >= count || this.isClosed)
    return this.messages[count - 1] ?? Buffer.from('(closed)')
  }

  /** Wait until the server has ended. */
  ended(): Promise<unknown> {
    return this.when('the end', () => this.isOver)
  }

  /** Say FIN; reading goes on. */
  end(): void {
    this.socket.end()
  }

  reset(): void {
    this.socket.resetAndDestroy()
  }

  close(): void {
    this.socket.destroy()
  }
}
