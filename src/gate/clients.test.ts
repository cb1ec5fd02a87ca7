import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { GATE_ENDED_MAX, GATE_ENDED_MS } from '../base/limits.ts'
import type { Timer } from '../kernel/timer.ts'
import type { Connection } from '../sockets/connection.ts'
import type { MessageStream } from '../sockets/message-stream.ts'
import { type ClientHandler, Clients, type ClientsHost } from './clients.ts'

/** A stream in the hands of the test. */
class FakeStream {
  readonly isOpen = true
  readonly sent: string[] = []
  isClosed = false
  take!: (message: string) => void | Promise<void>
  end!: () => void
  fail!: (error: unknown) => void

  each(take: FakeStream['take']): Promise<void> {
    this.take = take
    return new Promise((resolve, reject) => {
      this.end = resolve
      this.fail = reject
    })
  }

  send(message: string): boolean {
    this.sent.push(message)
    return true
  }

  close(): Promise<void> {
    this.isClosed = true
    this.end?.()
    return Promise.resolve()
  }
}

/** Time and tasks in the hands of the test. */
class FakeHost implements ClientsHost {
  hasEnded = false
  time = 0
  readonly faults: string[] = []
  readonly timers = new Set<{ at: number; task: () => unknown }>()

  now(): number {
    return this.time
  }

  fork(task: () => unknown): void {
    void task()
  }

  timeout(ms: number, task: () => unknown): Timer {
    const timer = { at: this.time + ms, task }
    this.timers.add(timer)
    return { cancel: () => void this.timers.delete(timer) } as Timer
  }

  fault(what: string, error: unknown): void {
    this.faults.push(`${what}: ${(error as Error).message}`)
  }

  advance(ms: number): void {
    this.time += ms
    for (const timer of [...this.timers]) {
      if (timer.at > this.time || !this.timers.delete(timer)) continue
      timer.task()
    }
  }
}

function setUp(more: Partial<ClientHandler<string>> = {}) {
  const host = new FakeHost()
  const told: string[] = []
  const handler: ClientHandler<string> = {
    connect: (fd, address) => void told.push(`connect ${fd} ${address}`),
    message: (fd, message) => void told.push(`message ${fd} ${message}`),
    disconnect: (fd) => void told.push(`disconnect ${fd}`),
    error: (fd, reason) => void told.push(`error ${fd} ${reason}`),
    ...more,
  }
  const streams = new Map<number, FakeStream>()
  const streamOf = ({ id }: Connection): MessageStream<string, string> => {
    const stream = new FakeStream()
    streams.set(id, stream)
    return stream as unknown as MessageStream<string, string>
  }
  const clients = new Clients<string, string>(host, handler, streamOf)
  const admit = (id: number): FakeStream => {
    const close = (): Promise<void> => Promise.resolve()
    clients.admit({ id, remoteAddress: 'here', close } as unknown as Connection)
    clients.open(id)
    return streams.get(id)!
  }
  return { host, told, clients, admit, streams }
}
/** Promises that are settled have had their turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// Proves: docs/gate.md#half-close
test('Clients closes who has ended after a while, unless that was closed before', async () => {
  const { host, told, clients, admit } = setUp()
  const [one, two] = [admit(1), admit(2)]
  one.end()
  two.end()
  await turn()
  assert.deepEqual(told.slice(2), ['disconnect 1', 'disconnect 2'])
  assert.equal(clients.count, 0)
  assert.equal(clients.send(1, 'still'), true)
  assert.equal(clients.close(2), true)
  assert.equal(host.timers.size, 1)
  host.advance(GATE_ENDED_MS - 1)
  assert.equal(one.isClosed, false)
  host.advance(1)
  assert.equal(one.isClosed, true)
  await turn()
  assert.deepEqual([clients.close(1), clients.send(1, 'late')], [false, false])
  assert.equal(told.length, 4)
})

// Proves: docs/limits.md#gate-ended
test('Clients keeps a bounded number of clients that have ended: the oldest go first', async () => {
  const { clients, admit } = setUp()
  const streams = Array.from({ length: GATE_ENDED_MAX + 1 }, (_, n) => admit(n + 1))
  for (const stream of streams) {
    stream.end()
    await Promise.resolve()
  }
  await turn()
  assert.deepEqual(
    streams.filter(({ isClosed }) => isClosed),
    [streams[0]],
  )
  assert.equal(clients.count, 0)
})

// Proves: docs/gate.md#order
test('Clients hands on no message while a promise for the last one is pending', async () => {
  let done!: () => void
  const { host, admit } = setUp({
    message: (_fd, text) => {
      if (text === 'throw') throw new Error('at once')
      if (text === 'reject') return Promise.reject(new Error('later'))
      return text === 'wait' ? new Promise<void>((resolve) => (done = resolve)) : undefined
    },
  })
  const stream = admit(1)
  assert.equal(stream.take('quick'), undefined)
  const waiting = stream.take('wait')
  assert.ok(waiting instanceof Promise)
  done()
  await waiting
  assert.equal(stream.take('throw'), undefined)
  await stream.take('reject')
  assert.deepEqual(host.faults, ['message of a client: at once', 'message of a client: later'])
  assert.equal(stream.isClosed, false)
})

// Proves: docs/gate.md#gate-end
test('Clients tells each end once: an error first, and nothing behind it', async () => {
  const { told, clients, admit } = setUp()
  const [failed, closed, cut] = [admit(1), admit(2), admit(3)]
  told.length = 0
  failed.fail(new SkynetError('ERR_SOCKET_FAILED', { id: 1, reason: 'Connection reset by peer' }))
  clients.close(2)
  closed.fail(new SkynetError('ERR_SOCKET_FAILED', { id: 2, reason: 'Broken pipe' }))
  assert.equal(closed.take('behind'), undefined)
  cut.fail(new SkynetError('ERR_FRAME_CUT', { received: 1 }))
  await turn()
  assert.deepEqual(told.sort(), [
    'disconnect 1',
    'disconnect 2',
    'disconnect 3',
    'error 1 Connection reset by peer',
  ])
  assert.equal(failed.isClosed, true)
  assert.equal(clients.count, 0)
})

// Proves: docs/gate.md#gate-end
test('Clients closes one whose end is being told, and tells no more', async () => {
  const { told, clients, admit } = setUp({ error: (fd) => clients.close(fd) })
  const stream = admit(1)
  stream.fail(new Error('odd'))
  await turn()
  assert.deepEqual(told, ['connect 1 here', 'disconnect 1'])
  assert.equal(clients.count, 0)
})

// Proves: docs/gate.md#silence
test('Clients ends who says nothing for so long, but not whose message is handled', async () => {
  let done!: () => void
  const { host, told, clients, admit } = setUp({
    message: (_fd, text) =>
      text === 'wait' ? new Promise<void>((resolve) => (done = resolve)) : undefined,
  })
  clients.limitSilence(800)
  const [silent, talking, waiting] = [admit(1), admit(2), admit(3)]
  const held = waiting.take('wait')
  for (let n = 0; n < 9; n++) {
    host.advance(100)
    void talking.take('hello')
  }
  await turn()
  assert.deepEqual(told.slice(3), ['error 1 no message within 800 ms', 'disconnect 1'])
  assert.equal(silent.isClosed, true)
  done()
  await held
  host.advance(100)
  assert.equal(clients.count, 2)
  clients.limitSilence(0)
  assert.equal(host.timers.size, 0)
})

test('Clients sets no timer for who says nothing while nobody is there', async () => {
  const { host, clients, admit } = setUp()
  clients.limitSilence(8)
  assert.equal(host.timers.size, 0)
  admit(1)
  assert.equal(host.timers.size, 1)
  clients.close(1)
  await turn()
  host.advance(1)
  assert.equal(host.timers.size, 0)
  admit(2)
  assert.equal(host.timers.size, 1)
})

// Proves: docs/gate.md#message-rate
test('Clients ends who sends more messages than a second may have', async () => {
  const { host, told, clients, admit } = setUp()
  clients.limitRate(3)
  const [fast, slow] = [admit(1), admit(2)]
  told.length = 0
  host.advance(5000)
  for (const text of ['a', 'b', 'c']) {
    void fast.take(text)
    void slow.take(text)
  }
  host.advance(999)
  for (const text of ['d', 'e']) void fast.take(text)
  host.advance(1)
  void slow.take('d')
  await turn()
  const of = (fd: number): string[] => told.filter((line) => line.split(' ')[1] === `${fd}`)
  const abc = (fd: number): string[] => ['a', 'b', 'c'].map((text) => `message ${fd} ${text}`)
  const why = 'error 1 more than 3 messages within a second'
  assert.deepEqual(of(1), [...abc(1), why, 'disconnect 1'])
  assert.deepEqual(of(2), [...abc(2), 'message 2 d'])
  assert.equal(fast.isClosed, true)
  assert.equal(clients.count, 1)
})
