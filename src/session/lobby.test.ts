import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  FIN_WAIT_MS,
  REFUSED_MAX,
  SESSION_STRANGERS_DEFAULT,
  SESSION_VISITORS_MAX,
} from '../base/limits.ts'
import type { CloseCode } from '../client/close-codes.ts'
import { decodeWire, FROM_SERVER } from '../client/wire.ts'
import type { Timer } from '../kernel/timer.ts'
import type { ClientVisit } from '../skynet/client-transport.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { checkSessionGate } from './gate-options.ts'
import { Lobby, type Stranger } from './lobby.ts'

const LOGIN_MS = 5000

/** Time by hand, and what is logged. */
class Service {
  readonly hasEnded = false
  readonly lines: string[] = []
  #now = 0
  readonly #timers = new Map<() => void, number>()

  now(): number {
    return this.#now
  }

  say(_level: string, text: string): void {
    this.lines.push(text)
  }

  after(ms: number, task: () => void): Timer {
    this.#timers.set(task, this.#now + ms)
    const timer = { cancel: () => this.#timers.delete(task) }
    return timer as unknown as Timer
  }

  advance(ms: number): void {
    this.#now += ms
    for (const [task, at] of [...this.#timers]) {
      if (at > this.#now || !this.#timers.delete(task)) continue
      task()
    }
  }

  get timers(): number {
    return this.#timers.size
  }
}

/** Somebody's stream: what was sent to it, and how it was closed. */
class Stream {
  readonly codes: string[] = []
  closedWith: number | undefined

  send(bytes: Uint8Array): boolean {
    const message = decodeWire(FROM_SERVER, bytes)
    if (message.kind === 'close') this.codes.push(message.code)
    return true
  }

  async close(code?: number): Promise<void> {
    this.closedWith = code ?? 0
  }

  get asStream(): MessageStream {
    return this as unknown as MessageStream
  }
}

const NONE = { connections: 0, opensPerSecond: 0, strangers: 0 }

function lobbyOf(perAddress = NONE) {
  const service = new Service()
  const refused: CloseCode[] = []
  const entered: MessageStream[] = []
  const strangers: Stranger[] = []
  const lobby = new Lobby(
    service,
    {
      refused: (code) => void refused.push(code),
      entered: (stream, _address, _transport, stranger) => {
        entered.push(stream)
        strangers.push(stranger)
      },
    },
    {
      ...{ perAddress, loginTimeoutMs: LOGIN_MS, messageBytesMax: 100, sendLimitBytes: 100 },
      listenWhileStopping: true,
    },
  )
  const door = lobby.doorOf('tcp')
  const knock = (address = '10.0.0.1:1'): ClientVisit | undefined => door.knock(address)
  return { service, lobby, refused, entered, strangers, knock }
}

// Proves: docs/limits.md#session-visitors
test('of a flood of strangers so many are held; of the next the first ones hear why', () => {
  const { service, lobby, refused, knock } = lobbyOf()
  const visits: (ClientVisit | undefined)[] = []
  for (let i = 0; i < SESSION_VISITORS_MAX; i++) visits.push(knock())
  assert.equal(lobby.strangers, SESSION_VISITORS_MAX)
  assert.equal(refused.length, 0)
  for (let i = 0; i < REFUSED_MAX; i++) {
    const stream = new Stream()
    knock()!.enter(stream.asStream)
    assert.deepEqual([stream.codes, stream.closedWith], [['full'], 1013])
  }
  assert.equal(knock(), undefined)
  assert.equal(knock(), undefined)
  assert.equal(refused.length, REFUSED_MAX + 2)
  assert.deepEqual(service.lines, ['gate: refused 10.0.0.1:1: full'])
  service.advance(FIN_WAIT_MS)
  assert.match(service.lines[1]!, /65 more clients were refused/)
  assert.notEqual(knock(), undefined)
  visits[0]!.leave()
  visits[0]!.leave()
  assert.equal(lobby.strangers, SESSION_VISITORS_MAX - 1)
  const stream = new Stream()
  knock()!.enter(stream.asStream)
  assert.deepEqual(stream.codes, [])
})

test('a visit ends once: by enter, by leave, or when its time is up', () => {
  const { service, lobby, entered, knock } = lobbyOf()
  const one = knock()!
  const { signal } = one
  service.advance(LOGIN_MS - 1)
  assert.equal(signal.aborted, false)
  service.advance(1)
  assert.equal(signal.aborted, true)
  const late = new Stream()
  one.enter(late.asStream)
  assert.deepEqual([entered.length, late.closedWith], [0, 0])
  one.leave()
  assert.equal(lobby.strangers, 0)

  const two = knock()!
  assert.equal(two.signal.aborted, false)
  two.enter(new Stream().asStream)
  assert.equal(entered.length, 1)
  assert.equal(lobby.strangers, 1, 'he is in, and has no session')
  two.leave()
  const again = new Stream()
  two.enter(again.asStream)
  assert.deepEqual([entered.length, again.closedWith, lobby.strangers], [1, 0, 1])
  service.advance(LOGIN_MS)
  assert.equal(two.signal.aborted, false)
  assert.equal(service.timers, 0)
})

test('close() ends those at their handshake', () => {
  const { lobby, knock } = lobbyOf()
  const visit = knock()!
  const { signal } = visit
  lobby.close()
  assert.equal(signal.aborted, true)
  visit.leave()
  assert.equal(lobby.strangers, 0)
})

// Proves: docs/session.md#per-address
test('an address has its place again when the connection is over, or the visit', () => {
  const { refused, strangers, knock } = lobbyOf({ ...NONE, connections: 1 })
  knock()!.leave()
  const visit = knock()!
  visit.enter(new Stream().asStream)
  const stream = new Stream()
  knock()!.enter(stream.asStream)
  assert.deepEqual([stream.codes, stream.closedWith, refused], [['address'], 4001, ['address']])
  strangers[0]!.left()
  const next = new Stream()
  knock()!.enter(next.asStream)
  assert.deepEqual(next.codes, [])
})

// Proves: docs/limits.md#session-strangers
test('by default an address has a quarter of the places of strangers, and others the rest', () => {
  const { perAddress } = checkSessionGate({ listen: [{ open() {} }], login() {} })
  const { refused, strangers, knock } = lobbyOf(perAddress)
  const crowd = (address: string): void => {
    for (let i = 0; i < SESSION_STRANGERS_DEFAULT; i++) {
      knock(`${address}:${i}`)!.enter(new Stream().asStream)
    }
  }
  crowd('10.0.0.1')
  assert.deepEqual(refused, [])
  const stream = new Stream()
  knock('10.0.0.1:9')!.enter(stream.asStream)
  assert.deepEqual([stream.codes, refused], [['address'], ['address']])
  for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) crowd(address)
  assert.deepEqual(refused, ['address'])
  strangers[0]!.known()
  knock('10.0.0.1:9')!.enter(new Stream().asStream)
  assert.deepEqual(refused, ['address'])
})

// Proves: docs/limits.md#session-lingering
test('who was sent away takes no place of others while he lingers, but one of his address', () => {
  const { lobby, refused, strangers, knock } = lobbyOf({ ...NONE, strangers: 2 })
  for (let i = 0; i < 2; i++) knock()!.enter(new Stream().asStream)
  for (const stranger of strangers) stranger.closed()
  assert.equal(lobby.strangers, 0)
  knock()!.enter(new Stream().asStream)
  assert.deepEqual(refused, ['address'])
  strangers[0]!.left()
  knock()!.enter(new Stream().asStream)
  assert.deepEqual([refused, lobby.strangers], [['address'], 1])
})

test('a login that goes on for nobody keeps its place', () => {
  const { lobby, refused, strangers, knock } = lobbyOf({ ...NONE, strangers: 1 })
  knock()!.enter(new Stream().asStream)
  strangers[0]!.left()
  assert.equal(lobby.strangers, 1)
  knock()!.enter(new Stream().asStream)
  strangers[0]!.known()
  assert.equal(lobby.strangers, 0)
  knock()!.enter(new Stream().asStream)
  assert.deepEqual([refused, lobby.strangers], [['address'], 1])
})
