/** The least that is a client of a gate of sessions, over sockets of a service: one connection. */
import type { FramedStream, Skynet } from 'skynet-ts'
import { decodeWire, encodeWire, FROM_CLIENT, FROM_SERVER } from '../../src/client/wire.ts'

const EMPTY = new Uint8Array(0)
const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

export class SessionUser {
  /** For the next connection. */
  token: Uint8Array = EMPTY
  readonly #stream: FramedStream
  #requests = 0

  private constructor(stream: FramedStream) {
    this.#stream = stream
  }

  /**
   * @param who The name of one who is new, or the token of one who was here.
   * @throws An error with the code that the gate has closed with.
   */
  static async enter(skynet: Skynet, port: number, who: string | Uint8Array): Promise<SessionUser> {
    const connection = await skynet.socket.connect({ port })
    const user = new SessionUser(connection.frames({ header: 'u16be' }))
    const isNew = typeof who === 'string'
    const hello = { kind: 'hello', version: 1, attempt: Date.now() } as const
    const seen = { pushesUpTo: 0, answersUpTo: 0 }
    const login = isNew ? json({ name: who }) : EMPTY
    const token = isNew ? EMPTY : who
    user.#stream.send(encodeWire(FROM_CLIENT, { ...hello, ...seen, token, login }))
    const welcome = await user.#next('welcome')
    user.token = welcome.token
    user.#requests = welcome.requestsUpTo
    // What a refusing agent says comes behind it.
    if (who === 'nobody') await user.#next('answer')
    return user
  }

  /** The next message of that kind. */
  async #next<K extends 'welcome' | 'answer'>(kind: K) {
    for (;;) {
      const bytes = await this.#stream.receive()
      if (bytes === null) throw new Error('the end')
      const message = decodeWire(FROM_SERVER, bytes)
      if (message.kind === kind) return message as Extract<typeof message, { kind: K }>
      if (message.kind !== 'close' && message.kind !== 'failed') continue
      await this.#stream.close()
      throw Object.assign(new Error(message.text), { code: message.code })
    }
  }

  /** @throws Unless that is the answer. */
  async ask(name: string, value: unknown, expected: string): Promise<void> {
    const number = ++this.#requests
    const request = { kind: 'request', number, flags: 0, name, body: json(value) } as const
    this.#stream.send(encodeWire(FROM_CLIENT, request))
    let answer = await this.#next('answer')
    // Those that were not acknowledged come once more on another connection.
    while (answer.number < number) answer = await this.#next('answer')
    const { body } = answer
    if (Buffer.from(body).toString() !== expected) throw new Error(`another answer: ${body}`)
  }

  /** The connection ends without a word. */
  cut(): Promise<void> {
    return this.#stream.close()
  }

  async leave(): Promise<void> {
    this.#stream.send(encodeWire(FROM_CLIENT, { kind: 'bye' }))
    while ((await this.#stream.receive()) !== null);
    await this.#stream.close()
  }
}
