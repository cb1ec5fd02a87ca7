/**
 * A gate of one process for clients under test: the core of sessions over WebSocket and framed TCP
 * of others, with handlers in place of agents.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import type { MessageBodies } from '../../src/client/bodies.ts'
import { CLOSE_CODES } from '../../src/client/close-codes.ts'
import { FrameFormat } from '../../src/frames/frame-format.ts'
import { FrameParser } from '../../src/frames/frame-parser.ts'
import type { ClientSession } from '../../src/session/core/client-session.ts'
import type { SessionLimits } from '../../src/session/core/session-limits.ts'
import type { SessionLink } from '../../src/session/core/session-link.ts'
import { SessionTable } from '../../src/session/core/session-table.ts'
import type { Visitor } from '../../src/session/core/visitor.ts'

export type StandInSession = ClientSession<unknown>
type Handler = (session: StandInSession, value: unknown) => unknown

const LIMITS: SessionLimits = {
  keepMs: 60_000,
  loginTimeoutMs: 5000,
  heartbeatMs: 15_000,
  missed: 2,
  maxSessions: 1000,
  messageBytesMax: 65_000,
  messagesPerSecond: 10_000,
  window: 64,
  answerBytesMax: 1024 * 1024,
  pushesMax: 1000,
  pushBytesMax: 1024 * 1024,
  sendMarkBytes: 1024 * 1024,
}

/** No bytes are nothing, as clients have it. */
export const read = (bytes: Uint8Array): unknown =>
  bytes.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(bytes))
export const written = (value: unknown): Uint8Array =>
  value === undefined ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(value))
const JSON_BODIES: MessageBodies = {
  encode: (_part, _name, value) => written(value),
  decode: (_part, _name, bytes) => read(bytes),
}

export class SessionServer {
  readonly table: SessionTable<unknown>
  /** The sessions that have begun, in their order. */
  readonly sessions: StandInSession[] = []
  readonly #handlers: Readonly<Record<string, Handler>>
  readonly #bodies: MessageBodies
  readonly #cuts = new Set<() => void>()
  readonly #format = new FrameFormat({ header: 'u16be' })
  /** What is answered to whoever loads a page. */
  page = ''
  readonly #http = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(this.page)
  })
  readonly #tcp = createTcpServer((socket) => this.#enterTcp(socket))
  readonly #timer: NodeJS.Timeout

  constructor(
    handlers: Readonly<Record<string, Handler>>,
    limits: Partial<SessionLimits> = {},
    bodies = JSON_BODIES,
  ) {
    this.#handlers = handlers
    this.#bodies = bodies
    this.table = new SessionTable<unknown>(this.#host(), { ...LIMITS, ...limits })
    this.#timer = setInterval(() => this.table.tick(), this.table.tickMs)
    const server = new WebSocketServer({ server: this.#http })
    server.on('connection', (socket) => this.#enterWebSocket(socket))
  }

  async start(): Promise<this> {
    this.#http.listen(0, '127.0.0.1')
    this.#tcp.listen(0, '127.0.0.1')
    await Promise.all([once(this.#http, 'listening'), once(this.#tcp, 'listening')])
    return this
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#http.address() as AddressInfo).port}`
  }

  get tcpPort(): number {
    return (this.#tcp.address() as AddressInfo).port
  }

  /** As `tcpPort`, over TLS. */
  async tls(options: TlsOptions): Promise<number> {
    const server = createTlsServer(options, (socket) => this.#enterTcp(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    server.unref()
    return (server.address() as AddressInfo).port
  }

  /** All connections break; sessions stay. @returns How many. */
  cut(): number {
    const cuts = [...this.#cuts]
    for (const cut of cuts) cut()
    return cuts.length
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#http.close()
    this.#tcp.close()
    this.cut()
  }

  #host() {
    return {
      now: () => performance.now(),
      randomBytes: (count: number) => randomBytes(count),
      login: (visitor: Visitor<unknown>, bytes: Uint8Array) => {
        const { name } = Object(this.#bodies.decode('login', '', bytes)) as { name?: string }
        if (name === 'nobody') visitor.close('login', 'There is no such user')
        else visitor.admit(String(name), undefined)
      },
      attached: (session: StandInSession, isResume: boolean) => {
        if (!isResume) this.sessions.push(session)
      },
      detached() {},
      ended() {},
      request: (session: StandInSession, number: number, name: string, body: Uint8Array) => {
        void this.#run(session, number, name, body)
      },
    }
  }

  async #run(session: StandInSession, number: number, name: string, body: Uint8Array) {
    try {
      const value = this.#bodies.decode('request', name, body)
      const answer = await this.#handlers[name]!(session, value)
      session.answer(number, this.#bodies.encode('response', name, answer))
    } catch (error) {
      session.fail(number, 'ERR_HANDLER', String(error))
    }
  }

  #enterWebSocket(socket: WebSocket): void {
    const cut = (): void => socket.terminate()
    this.#cuts.add(cut)
    const visitor = this.table.enter({
      address: '',
      transport: 'ws',
      get bufferedAmount() {
        return socket.bufferedAmount
      },
      send: (message) => socket.send(message),
      close(message, code, text) {
        socket.send(message)
        socket.close(CLOSE_CODES[code].webSocket, text)
      },
    } satisfies SessionLink)
    socket.on('message', (data: Buffer) => visitor.heard(data))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#cuts.delete(cut)
      visitor.lost()
    })
  }

  #enterTcp(socket: Socket): void {
    const cut = (): void => void socket.destroy()
    this.#cuts.add(cut)
    const format = this.#format
    const visitor = this.table.enter({
      address: '',
      transport: 'tcp',
      get bufferedAmount() {
        return socket.writableLength
      },
      send: (message) => socket.write(format.encode(message)),
      close: (message) => socket.end(format.encode(message)),
    } satisfies SessionLink)
    const parser = new FrameParser(format)
    socket.on('data', (chunk: Buffer) => parser.take(chunk, (frame) => visitor.heard(frame)))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#cuts.delete(cut)
      visitor.lost()
    })
  }
}
