import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SEND_POLICY } from '../net/settings.ts'
import { TestPool } from '../testing/test-pool.ts'
import { Connection } from './connection.ts'
import { framed } from './framed-stream.ts'

const U16 = { header: 'u16be' } as const

function setUp() {
  const sockets = new TestPool()
  const connection = new Connection(sockets.pool, 1, 'waiting', '127.0.0.1:5000')
  const come = (text: string): void => sockets.emit('DATA', 1, 0, text)
  return { sockets, connection, stream: connection.frames(U16), come }
}

/** What waits in promises has gone on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// Proves: docs/frames.md#gathered
test('send() gathers what a turn sends, and hands it on at once', () => {
  const { sockets, connection, stream } = setUp()
  assert.equal(stream.send('ab'), true)
  assert.equal(stream.send(Buffer.from('c')), true)
  assert.equal(stream.send(''), true)
  connection.write('bytes')
  assert.deepEqual([sockets.sent, stream.bufferedAmount], [[], 14])
  connection.leave()
  assert.deepEqual(sockets.sent, ['\0\x02ab\0\x01c\0\0bytes'])
})

test('send() hands on what is large in one piece, behind what was gathered', () => {
  const { sockets, stream } = setUp()
  stream.send('ab')
  stream.send('x'.repeat(16 * 1024))
  stream.send('c')
  assert.deepEqual(sockets.sent, ['\0\x02ab', `\x40\0${'x'.repeat(16 * 1024)}`])
})

// Proves: docs/frames.md#dropped
test('send() drops a message whole, by the policy of the connection, or throws', () => {
  const { sockets, connection, stream } = setUp()
  sockets.slot.policy = SEND_POLICY['drop-new']
  sockets.slot.queued = 90
  // Its header alone would have had room.
  stream.send('x'.repeat(20))
  stream.send('y')
  assert.equal(connection.dropped, 1)
  connection.leave()
  assert.deepEqual(sockets.sent, [`\0\x14${'x'.repeat(20)}`])
  sockets.slot.policy = SEND_POLICY['pause-producer']
  sockets.slot.queued = 100
  assert.throws(() => stream.send('x'), { code: 'ERR_SOCKET_FULL' })
})

// Proves: docs/frames.md#paused
test('each() hands nothing out while the peer has to take first', async () => {
  const { sockets, stream, come } = setUp()
  sockets.slot.policy = SEND_POLICY['pause-producer']
  const messages: string[] = []
  void stream.each((message) => {
    messages.push(message.toString())
    sockets.slot.queued = 60
  })
  come('\0\x01a\0\x01b\0\x01c')
  await settled()
  assert.deepEqual(messages, ['a'])
  for (const expected of [
    ['a', 'b'],
    ['a', 'b', 'c'],
  ]) {
    sockets.slot.queued = 0
    sockets.emit('DRAIN', 1, 1)
    await settled()
    assert.deepEqual(messages, expected)
  }
})

// Proves: docs/frames.md#half-kept
test('receive() has one time limit for a message, however slowly it comes', async () => {
  const { sockets, stream, come } = setUp()
  const receive = stream.receive({ timeoutMs: 100 })
  for (const part of ['\0', '\x02', 'a']) {
    come(part)
    await settled()
  }
  assert.deepEqual(sockets.timers, [100])
  come('b')
  assert.equal(`${await receive}`, 'ab')
})

// Proves: docs/frames.md#half-kept
test('receive() has one time limit for a message on any stream', async () => {
  const limits: number[] = []
  const chunks = ['\0', '\x02', 'ab'].map((text) => Buffer.from(text))
  const below = {
    async read(_count: undefined, { timeoutMs }: { timeoutMs: number }) {
      limits.push(timeoutMs)
      await settled()
      return chunks.shift() ?? null
    },
    write: () => true,
  }
  const stream = framed(below as never, U16)
  assert.equal(`${await stream.receive({ timeoutMs: 1000 })}`, 'ab')
  assert.ok(limits[0]! > limits[1]! && limits[1]! > limits[2]! && limits[2]! > 0, `${limits}`)
  assert.equal(await stream.receive({ timeoutMs: 1000 }), null)
})

test('receive() and each() refuse one more who waits', async () => {
  const { sockets, stream, come } = setUp()
  const busy = { code: 'ERR_SOCKET_BUSY', info: { id: 1 } }
  const done = stream.each(async () => {
    await assert.rejects(stream.receive(), busy)
  })
  await assert.rejects(stream.receive(), busy)
  come('\0\x01a')
  await settled()
  void stream.close()
  sockets.emit('CLOSE', 1)
  await done
})

test('each() calls for all that came in one turn', async () => {
  const { stream, come } = setUp()
  const messages: string[] = []
  void stream.each((message) => void messages.push(message.toString()))
  come('\0\x01a\0\x01b\0\x01c\0')
  await settled()
  assert.deepEqual(messages, ['a', 'b', 'c'])
  come('\x01d')
  await settled()
  assert.deepEqual(messages, ['a', 'b', 'c', 'd'])
})

test('each() hands out nothing after the end of the service', async () => {
  const { sockets, stream, come } = setUp()
  const messages: string[] = []
  const done = stream.each((message) => {
    messages.push(message.toString())
    sockets.end()
    return Promise.reject(new Error('of a service that has ended'))
  })
  come('\0\x01a\0\x01b')
  // Where somebody of the thread has a store, each() itself calls, and hears of the promise first.
  await assert.rejects(done, { message: /has ended$/ })
  assert.deepEqual(messages, ['a'])
})

test('each() rejects with what a promise of its last call rejects with', async () => {
  const { connection, stream, come } = setUp()
  const mine = new Error('mine')
  const done = stream.each(async () => {
    connection.shutdown()
    throw mine
  })
  come('\0\x01a\0\x01b')
  await assert.rejects(done, mine)
})

// Proves: docs/frames.md#handover
test('a connection that moves gives back all that was in no message', async () => {
  const { sockets, stream, come } = setUp()
  come('\0\x01a\0\x01b\0\x02c')
  come('d\0')
  assert.equal(`${await stream.receive()}`, 'a')
  sockets.emit('YIELD', 1)
  assert.deepEqual(sockets.unread, ['\0\x01b\0\x02cd\0'])
})

// Proves: docs/frames.md#closed
test('what came is dropped when the connection is closed, by whichever of its ends', async () => {
  for (const end of ['close', 'shutdown', 'frames'] as const) {
    const { sockets, connection, stream, come } = setUp()
    const messages: string[] = []
    come('\0\x01a\0\x01b\0\x02c')
    await stream.each((message) => {
      messages.push(message.toString())
      if (end === 'frames') void stream.close()
      else void connection[end]()
      sockets.emit('CLOSE', 1)
    })
    assert.deepEqual(messages, ['a'], end)
    assert.equal(await stream.receive(), null)
  }
})

test('frames() and framed() refuse options that make no sense, and change nothing', () => {
  const sockets = new TestPool()
  const connection = new Connection(sockets.pool, 1, 'waiting', '127.0.0.1:5000')
  const wrong = [
    undefined,
    {},
    { header: 'u8' },
    { ...U16, max: 0 },
    { ...U16, maxBytes: 1 },
    { ...U16, codec: 5 },
    { ...U16, codec: { encode: String } },
  ]
  for (const options of wrong) {
    assert.throws(() => connection.frames(options as never), /Cannot frame/)
    assert.throws(() => framed(connection, options as never), /Cannot frame/)
  }
  connection.frames(U16)
  assert.deepEqual(sockets.orders, [])
})
