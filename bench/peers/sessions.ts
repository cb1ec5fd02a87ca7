/** Entry: what a gate does for its sessions, beside the same as JSON that promises nothing. */
import { decodeWire, encodeWire, FROM_CLIENT, FROM_SERVER } from '../../src/client/wire.ts'
import type { ClientSession } from '../../src/session/core/client-session.ts'
import type { SessionLink } from '../../src/session/core/session-link.ts'
import { type SessionHost, SessionTable } from '../../src/session/core/session-table.ts'
import type { Visitor } from '../../src/session/core/visitor.ts'
import type { Measure } from '../support/bench.ts'
import { serve } from '../support/serve.ts'
import { cpuMs } from '../support/usage.ts'

const BODY = Buffer.from(JSON.stringify({ x: 100, y: 200, color: '#ff0000', id: 12_345 }))
const NOTHING = new Uint8Array(0)
/** What each session keeps while its client is away. */
const ANSWERS = 2
const PUSHES = 8
/** Answers between two ACKs, as the client has it. */
const ACK_EVERY = 16

const LIMITS = {
  keepMs: 60_000,
  loginTimeoutMs: 5000,
  heartbeatMs: 15_000,
  missed: 2,
  maxSessions: 100_000,
  messageBytesMax: 65_536,
  messagesPerSecond: 1e9,
  window: 64,
  answerBytesMax: 65_536,
  pushesMax: 1000,
  pushBytesMax: 262_144,
  sendMarkBytes: 65_536,
}

/** A connection that keeps the last WELCOME, and counts what comes. */
class CountingLink implements SessionLink {
  readonly address = '127.0.0.1:1'
  readonly transport = 'bench'
  readonly bufferedAmount = 0
  count = 0
  bytes = 0
  welcome: Uint8Array = NOTHING
  readonly visitor: Visitor<null>

  constructor(table: SessionTable<null>) {
    this.visitor = table.enter(this)
  }

  send(message: Uint8Array): void {
    this.count++
    this.bytes += message.length
    if (message[0] === FROM_SERVER.welcome.code) this.welcome = message
  }

  close(): void {}

  hello(attempt: number): Uint8Array {
    let token: Uint8Array = NOTHING
    if (this.welcome.length > 0) {
      const welcome = decodeWire(FROM_SERVER, this.welcome)
      if (welcome.kind === 'welcome') token = welcome.token
    }
    const said = { version: 1, attempt, token, pushesUpTo: 0, answersUpTo: 0, login: BODY }
    return encodeWire(FROM_CLIENT, { kind: 'hello', ...said })
  }
}

/** Answers each request at once, unless it is told to be slow. */
class BenchGate implements SessionHost<null> {
  readonly table = new SessionTable<null>(this, LIMITS)
  isSlow = false
  #random = 0
  now = (): number => performance.now()

  randomBytes(count: number): Uint8Array {
    const bytes = Buffer.alloc(count, 7)
    bytes.writeUInt32LE(++this.#random)
    return bytes
  }

  login(visitor: Visitor<null>): void {
    visitor.admit('bob', null)
  }

  request(session: ClientSession<null>, number: number, _name: string, body: Uint8Array): void {
    if (!this.isSlow) session.answer(number, body)
  }

  attached(): void {}
  detached(): void {}
  ended(): void {}
}

const perCpuSecond = (completed: number, work: () => void): Measure => {
  const before = cpuMs()
  work()
  return { completed, value: (completed * 1000) / Math.max(cpuMs() - before, 0.001) }
}

interface Count {
  readonly count: number
}

/** All clients are away, each with answers and pushes that it has not; all come back at once. */
function resume({ count }: Count): Measure {
  const gate = new BenchGate()
  const links = Array.from({ length: count }, () => new CountingLink(gate.table))
  const body = { flags: 0, name: 'draw', body: BODY }
  for (const link of links) {
    link.visitor.heard(link.hello(1))
    gate.isSlow = true
    const { session } = link.visitor
    for (let number = 1; number <= ANSWERS; number++) {
      link.visitor.heard(encodeWire(FROM_CLIENT, { kind: 'request', number, ...body }))
    }
    link.visitor.lost()
    for (let number = 1; number <= ANSWERS; number++) session!.answer(number, BODY)
    for (let i = 0; i < PUSHES; i++) session!.push('line', BODY)
  }
  const hellos = links.map((link) => link.hello(2))
  const again: CountingLink[] = []
  const measure = perCpuSecond(count, () => {
    for (const hello of hellos) {
      const link = new CountingLink(gate.table)
      again.push(link)
      link.visitor.heard(hello)
    }
  })
  const whole = 1 + ANSWERS + PUSHES
  if (again.some((link) => link.count !== whole)) throw new Error('a session is not whole')
  return measure
}

/** The same messages, by the name of the client, for whoever comes. */
function resumeJson({ count }: Count): Measure {
  const text = BODY.toString()
  const kept = new Map<string, object[]>()
  const hellos: string[] = []
  for (let i = 0; i < count; i++) {
    const messages: object[] = []
    for (let number = 1; number <= ANSWERS; number++) {
      messages.push({ kind: 'answer', number, body: text })
    }
    for (let number = 1; number <= PUSHES; number++) {
      messages.push({ kind: 'push', number, name: 'line', body: text })
    }
    kept.set(`token ${i}`, messages)
    hellos.push(JSON.stringify({ kind: 'hello', version: 1, token: `token ${i}`, pushesUpTo: 0 }))
  }
  let sent = 0
  const send = (message: object): void => {
    sent += Buffer.from(JSON.stringify(message)).length
  }
  const measure = perCpuSecond(count, () => {
    for (const hello of hellos) {
      const { token } = JSON.parse(hello) as { token: string }
      send({ kind: 'welcome', version: 1, token, pushesUpTo: 0, open: [1, 2], ...LIMITS })
      for (const message of kept.get(token)!) send(message)
    }
  })
  if (sent < count * BODY.length * (ANSWERS + PUSHES)) throw new Error('a session is not whole')
  return measure
}

/** Requests of one client, each answered at once, acknowledged as the client does. */
function request({ count }: Count): Measure {
  const gate = new BenchGate()
  const link = new CountingLink(gate.table)
  link.visitor.heard(link.hello(1))
  const said: Uint8Array[] = []
  for (let number = 1; number <= count; number++) {
    said.push(
      encodeWire(FROM_CLIENT, { kind: 'request', number, flags: 0, name: 'draw', body: BODY }),
    )
    if (number % ACK_EVERY > 0) continue
    const ack = { pushesUpTo: 0, answersUpTo: number, answers: [] }
    said.push(encodeWire(FROM_CLIENT, { kind: 'ack', ...ack }))
  }
  const measure = perCpuSecond(count, () => {
    for (const message of said) link.visitor.heard(message)
  })
  if (link.count !== count + 1) throw new Error(`${link.count} messages for ${count} requests`)
  return measure
}

function requestJson({ count }: Count): Measure {
  const body = BODY.toString()
  const said = Array.from({ length: count }, (_, number) =>
    Buffer.from(JSON.stringify({ kind: 'request', number, name: 'draw', body })),
  )
  let sent = 0
  const measure = perCpuSecond(count, () => {
    for (const message of said) {
      const { number, body } = JSON.parse(message.toString()) as { number: number; body: string }
      sent += Buffer.from(JSON.stringify({ kind: 'answer', number, body })).length
    }
  })
  if (sent < count * BODY.length) throw new Error('not all were answered')
  return measure
}

serve({ resume, resumeJson, request, requestJson })
