/** Clients of a login server over `node:net`, as they come with Skynet. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { LoginRequest, type LoginTicket } from 'skynet-ts/gate'
import { until } from './until.ts'

/** How a client hands its bytes to the kernel: whole, or in pieces. */
export type Pieces = (bytes: Buffer) => Iterable<Buffer>

export const byByte: Pieces = (bytes) => Array.from(bytes, (byte) => Buffer.from([byte]))

export function atRandom(random: () => number): Pieces {
  return function* pieces(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random() * 12)
      yield bytes.subarray(at, end)
      at = end
    }
  }
}

export class LineClient {
  readonly socket: Socket
  readonly #pieces: Pieces
  #text = ''
  #sending: Promise<void> = Promise.resolve()
  /** The server has said FIN, or the connection was lost. */
  hasEnded = false

  private constructor(socket: Socket, pieces: Pieces) {
    this.socket = socket
    this.#pieces = pieces
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#text += text
    })
    for (const name of ['end', 'close']) {
      socket.on(name, () => {
        this.hasEnded = true
      })
    }
    socket.on('error', () => {})
  }

  static async connect(port: number, pieces: Pieces = (bytes) => [bytes]): Promise<LineClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    await once(socket, 'connect')
    return new LineClient(socket, pieces)
  }

  /** Each piece leaves in a system call of its own. */
  send(data: string | Buffer): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    this.#sending = this.#sending.then(async () => {
      for (const piece of this.#pieces(bytes)) {
        await new Promise<void>((resolve) => this.socket.write(piece, () => resolve()))
      }
    })
  }

  /** The next line, or undefined when the server has ended before. */
  async next(): Promise<string | undefined> {
    const isThere = (): boolean => this.#text.includes('\n')
    const on = [[this.socket, 'data', 'end', 'close']] as const
    await until('a line of the server', () => isThere() || this.hasEnded, { on })
    if (!isThere()) return undefined
    const end = this.#text.indexOf('\n')
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 1)
    return line
  }

  /** What came and was not taken, once the server has ended. */
  async rest(): Promise<string> {
    const on = [[this.socket, 'end', 'close']] as const
    await until('the end of the connection', () => this.hasEnded, { on })
    return this.#text
  }

  /** Say FIN behind what was sent. */
  end(): void {
    this.#sending = this.#sending.then(() => {
      this.socket.end()
    })
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Log in. Rejects as `LoginRequest` throws; an end before any result is an error. */
export async function logIn(port: number, token: string | Buffer): Promise<LoginTicket> {
  const client = await LineClient.connect(port)
  const request = new LoginRequest(token)
  try {
    for (;;) {
      const line = await client.next()
      if (line === undefined) throw new Error('the server has closed without an answer')
      const ticket = request.take(line, (answer) => client.send(`${answer}\n`))
      if (ticket !== undefined) return ticket
    }
  } finally {
    client.close()
  }
}
