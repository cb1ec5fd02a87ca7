/** What a client says to a gate of sessions, and what a gate says to a client. */
import { ClientCore, type CoreCall, type CoreHost } from '../../src/client/core.ts'
import {
  encodeWire,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  type FromServer,
  QUIET,
} from '../../src/client/wire.ts'
import { TestGate } from '../../src/session/core/gate.kit.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const NOTHING = new Uint8Array(0)
const text = (random: Random): Uint8Array => Buffer.alloc(below(random, 30), 'é')

/** Each behind its length: what is spoiled may be anything but where a message ends. */
function joined(messages: readonly Uint8Array[]): Buffer {
  const parts = messages.flatMap((each) => [Buffer.of(each.length & 0xff, each.length >> 8), each])
  return Buffer.concat(parts)
}

/** More are never heard: what costs most is to make buffers of bytes that are nothing. */
const MESSAGES = 2000

function split(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at + 2 <= bytes.length && messages.length < MESSAGES; ) {
    const end = Math.min(bytes.length, at + 2 + bytes.readUInt16LE(at))
    messages.push(bytes.subarray(at + 2, end))
    at = end
  }
  return messages
}

/** The tokens that the gate gives, one after the other: what it takes for chance is a count. */
const token = (number: number): Uint8Array =>
  Buffer.concat([Buffer.alloc(8, 1), Buffer.alloc(16, number + 1)])

const hello = (login: Uint8Array, shown: Uint8Array, pushesUpTo: number): FromClient => ({
  kind: 'hello',
  version: 1,
  attempt: 1,
  token: shown,
  pushesUpTo,
  answersUpTo: 0,
  login,
})

function clientSays(random: Random): FromClient[] {
  const said: FromClient[] = [hello(text(random), NOTHING, 0)]
  for (let number = 1; number < 2 + below(random, 4); number++) {
    const flags = below(random, 2) * QUIET
    said.push({ kind: 'request', number, flags, name: 'draw', body: text(random) })
  }
  said.push({ kind: 'ack', pushesUpTo: below(random, 3), answersUpTo: 0, answers: [1] })
  said.push({ kind: 'ping', value: below(random, 2 ** 40) })
  if (random() < 0.3) said.push({ kind: 'bye' })
  for (let number = 1; number < 1 + below(random, 4); number++) {
    said.push(hello(NOTHING, token(number), 1), { kind: 'ping', value: 1 })
  }
  return said
}

/** How many connections there are is no matter of what is said on them. */
const CONNECTIONS = 8

/** A gate goes on, whatever one client says; what it keeps of it stays in its bounds. */
function gateHears(bytes: Buffer): unknown {
  const gate = new TestGate({ messagesPerSecond: 100_000 })
  let link = gate.connect()
  for (const message of split(bytes)) {
    const isHello = message[0] === FROM_CLIENT.hello.code
    if (isHello && gate.table.counters.entered < CONNECTIONS) link = gate.connect()
    link.visitor.heard(message)
    const { session } = link.visitor
    session?.push('line', message.subarray(0, 8), random8(message))
    for (let number = 1; number < 5; number++) session?.answer(number, message.subarray(0, 8))
  }
  gate.pass(100_000)
  return [link.heard, gate.told, gate.table.size, gate.table.counters]
}

const random8 = (message: Uint8Array): string | undefined =>
  message.length % 2 === 0 ? undefined : String(message.length % 8)

function gateSays(random: Random): FromServer[] {
  const said: FromServer[] = [
    {
      kind: 'welcome',
      version: 1,
      isResumed: 0,
      session: 'abc',
      token: Buffer.alloc(24, below(random, 256)),
      epoch: 1,
      requestsUpTo: 0,
      pushesUpTo: 0,
      heartbeatMs: 15_000,
      missed: 2,
      keepMs: 60_000,
      window: 1 + below(random, 64),
      messageBytesMax: 1000,
      messagesPerSecond: 1 + below(random, 200),
      open: [],
    },
  ]
  for (let number = 1; number < 1 + below(random, 5); number++) {
    said.push({ kind: 'push', number, name: 'line', body: text(random) })
    said.push({ kind: 'answer', number, body: text(random) })
  }
  said.push({ kind: 'failed', number: 5, code: 'ERR_HANDLER', text: '' })
  said.push({ kind: 'ping', value: 1 })
  if (random() < 0.3) said.push({ kind: 'close', code: 'drain', text: '', retryMs: 100, isOver: 1 })
  return said
}

/** A client goes on, or is closed, whatever its server says; nobody is left waiting. */
function clientHears(bytes: Buffer): unknown {
  const told: string[] = []
  let time = 1000
  let connection = 0
  const host: CoreHost = {
    now: () => time,
    random: () => 0.5,
    login: () => NOTHING,
    open: (number) => {
      connection = number
    },
    send: () => {},
    end: () => {},
    timer: () => {},
    changed: (state) => told.push(state),
    push: (name) => told.push(name),
  }
  const core = new ClientCore(host, {
    callsMax: 10,
    callBytesMax: 1000,
    openTimeoutMs: 1000,
    retryMsMin: 100,
    retryMsMax: 1000,
  })
  core.start()
  for (let call = 0; call < 6; call++) {
    const end: CoreCall['end'] = (failure) => told.push(`${call} ${failure?.code ?? 'answered'}`)
    core.call({ name: 'draw', body: NOTHING, isQuiet: call % 2 === 0, end })
  }
  core.opened(connection)
  for (const message of split(bytes)) {
    core.heard(connection, message)
    time += 10
    core.tick()
    core.opened(connection)
  }
  const { state } = core
  core.close()
  return [told, state, core.callCount]
}

export const SESSION_PARSERS: readonly Parser[] = [
  {
    name: 'session: a client',
    bytesOf: (random) =>
      joined(clientSays(random).map((message) => encodeWire(FROM_CLIENT, message))),
    parse: ([bytes]) => gateHears(bytes!),
    // What is written down of each answer, to be compared: ten times what the gate needs for it.
    fixedBytes: 16 * 1024 * 1024,
  },
  {
    name: 'session: a server',
    bytesOf: (random) =>
      joined(gateSays(random).map((message) => encodeWire(FROM_SERVER, message))),
    parse: ([bytes]) => clientHears(bytes!),
  },
]
