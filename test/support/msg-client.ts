/** Clients of a message server over `node:net`. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { handshakeText, type LoginTicket, readAnswer, requestFrame } from 'skynet-ts/gate'
import type { Pieces } from './login-client.ts'
import { until } from './until.ts'

const whole: Pieces = (bytes) => [bytes]

/** Frames out, frames in. */
export class FrameClient {
  readonly socket: Socket
  readonly frames: Buffer[] = []
  readonly #pieces: Pieces
  #rest = Buffer.alloc(0)
  #sending: Promise<void> = Promise.resolve()
  /** The server has said FIN, or the connection was lost. */
  hasEnded = false

  private constructor(socket: Socket, pieces: Pieces) {
    this.socket = socket
    this.#pieces = pieces
    socket.on('data', (data: Buffer) => this.#received(data))
    for (const name of ['end', 'close']) {
      socket.on(name, () => {
        this.hasEnded = true
      })
    }
    socket.on('error', () => {})
  }

  static async connect(port: number, pieces: Pieces = whole): Promise<FrameClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new FrameClient(socket, pieces)
  }

  send(frame: string | Buffer): void {
    const body = Buffer.from(frame as string)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(body.length)
    const bytes = Buffer.concat([length, body])
    if (this.#pieces === whole) {
      this.socket.write(bytes)
      return
    }
    // Each piece leaves in a system call of its own.
    this.#sending = this.#sending.then(async () => {
      for (const piece of this.#pieces(bytes)) {
        await new Promise<void>((resolve) => this.socket.write(piece, () => resolve()))
      }
    })
  }

  /** The next frame, or undefined when the server has ended before. */
  async next(): Promise<Buffer | undefined> {
    await until('a frame of the server', () => this.frames.length > 0 || this.hasEnded, {
      on: [[this.socket, 'data', 'end', 'close']],
    })
    return this.frames.shift()
  }

  /** Say whose it is. Resolves with what the server says to that. */
  async enter(ticket: LoginTicket & { uid: string; server: string }, index: number) {
    this.send(handshakeText(ticket, index, ticket.secret))
    return `${await this.next()}`
  }

  request(body: string | Buffer, session: number): void {
    this.send(requestFrame(body, session))
  }

  /** The next answer. */
  async answer(): Promise<{ isOk: boolean; session: number; text: string }> {
    const frame = await this.next()
    assert.ok(frame !== undefined, 'the server has closed, and no answer is left')
    const { isOk, session, body } = readAnswer(frame)!
    return { isOk, session, text: body.toString() }
  }

  /** Behind what was sent. */
  close(): void {
    void this.#sending.then(() => this.socket.destroy())
  }

  #received(data: Buffer): void {
    let bytes = Buffer.concat([this.#rest, data])
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE()) {
      const end = 2 + bytes.readUInt16BE()
      this.frames.push(bytes.subarray(2, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
  }
}
