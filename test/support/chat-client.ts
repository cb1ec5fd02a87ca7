/** A client of the chat, as `nc` would be: lines out, lines in. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { startTestNode, type TestNode } from './node.ts'
import { until } from './until.ts'

const CONFIG = new URL('../../examples/chat/skynet.config.ts', import.meta.url)
/** Of a chat without clients: logger, service manager, gate, nicks, rooms. */
const SERVICES = 5

export interface ChatNode extends TestNode {
  readonly port: number
}

/** Start the chat on a port of the system's choice. Its `stats` are at rest when this resolves. */
export async function startChat(t: TestContext): Promise<ChatNode> {
  const chat = await startTestNode(t, CONFIG, ['env.PORT=0', 'thread=2'])
  const [, port] = await chat.logged(/listens on 127\.0\.0\.1:(\d+)/)
  await until('the end of the bootstrap service', () => chat.node.stats().services === SERVICES)
  return Object.assign(chat, { port: Number(port) })
}

export class ChatClient {
  readonly socket: Socket
  /** Lines that came and were not taken by `next`. */
  readonly lines: string[] = []
  /** The server has closed, or the connection was lost. */
  isClosed = false
  #rest = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      const parts = (this.#rest + text).split('\n')
      this.#rest = parts.pop()!
      this.lines.push(...parts)
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isClosed = true
    })
  }

  /** Resolves when the chat has said welcome: the client is in the lobby then. */
  static async open(port: number): Promise<ChatClient> {
    const client = await ChatClient.connect(port)
    assert.match(await client.next(), /^welcome/)
    return client
  }

  static async connect(port: number): Promise<ChatClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const client = new ChatClient(socket)
    await once(socket, 'connect')
    return client
  }

  write(data: string | Uint8Array): void {
    this.socket.write(data)
  }

  /** The next line. */
  async next(): Promise<string> {
    await until('a line', () => this.lines.length > 0 || this.isClosed, {
      on: [[this.socket, 'data', 'close']],
    })
    const line = this.lines.shift()
    assert.ok(line !== undefined, 'the connection was closed, and no line is left')
    return line
  }

  /** Send a line and take the next that comes. */
  ask(line: string): Promise<string> {
    this.write(`${line}\n`)
    return this.next()
  }

  /** Wait for the end of the connection. */
  async closed(): Promise<void> {
    await until('the end of the connection', () => this.isClosed, { on: [[this.socket, 'close']] })
  }

  /** Leave, as a terminal does that is closed. */
  end(): void {
    this.socket.end()
  }

  /** Die: the server gets RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }
}
