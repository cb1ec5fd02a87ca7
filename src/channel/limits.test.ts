/** What is too much for a channel, and what is wrong: requests, bytes, answers, options. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SOCKETCHANNEL_PARTS_MAX, SOCKETCHANNEL_UNASKED_MAX } from '../base/limits.ts'
import type { AnswerReader, AnswerSink } from './answers.ts'
import { type BookHost, OrderBook } from './book.ts'
import { LineParser, outcome, readLine, scene } from './channel.kit.ts'
import type { ParsedChannel } from './channels.ts'
import { socketChannel } from './make.ts'
import type { Request } from './request.ts'
import type { SocketChannel } from './socket-channel.ts'

const parser = (answers: AnswerSink<string>): LineParser => new LineParser(answers)

// Proves: docs/channel.md#full
test('bytes that wait are bounded, whether there is a connection or not', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, maxBytes: 10, parser })
  const first = channel.request('12345')
  const refused = [
    channel.request('123456'),
    channel.request(['123', '456']),
    channel.request('ééé'),
    channel.send('123456'),
  ]
  const second = channel.request(Buffer.from('67890'))
  for (const each of refused) {
    await assert.rejects(each, {
      code: 'ERR_SOCKETCHANNEL_FULL',
      info: { address: 'main:1', what: 'bytes', count: 11, limit: 10 },
    })
  }
  await settled()
  assert.equal(peer.last.heard, '1234567890')
  peer.last.bufferedAmount = 5
  assert.equal(channel.bufferedAmount, 5)
  assert.equal(await outcome(channel.request('123456')), 'ERR_SOCKETCHANNEL_FULL')
  const third = channel.request('12345')
  peer.last.say('+1\n+2\n+3\n')
  assert.deepEqual(await Promise.all([first, second, third]), ['1', '2', '3'])
})

/** A channel whose next bytes are much that waits, and what its `overload` is told. */
async function overloaded(t: TestContext) {
  const { skynet, to, settled, peer } = await scene(t)
  const told: boolean[] = []
  const overload = (isOverloaded: boolean): unknown => told.push(isOverloaded)
  const channel = socketChannel(skynet, { ...to, parser, overload })
  await channel.connect()
  peer.last.isSlow = true
  return { channel, told, settled, peer }
}

// Proves: docs/channel.md#overload
test('overload is told once when much waits, and once when all has left', async (t) => {
  const { channel, told, settled, peer } = await overloaded(t)
  void channel.request('a\n').catch(() => {})
  void channel.request('b\n').catch(() => {})
  await settled()
  assert.deepEqual(told, [true])
  peer.last.relieve()
  await settled()
  assert.deepEqual(told, [true, false])
  peer.last.isSlow = true
  void channel.request('c\n').catch(() => {})
  await settled()
  peer.last.relieve(1)
  await settled()
  assert.deepEqual(told, [true, false, true], 'something was written while that left')
  peer.last.relieve()
  await settled()
  assert.deepEqual(told, [true, false, true, false])
})

// Proves: docs/channel.md#overload
test('overload is told that nothing waits when the connection is lost', async (t) => {
  const { channel, told, settled, peer } = await overloaded(t)
  void channel.request('a\n').catch(() => {})
  peer.last.finish()
  await settled()
  assert.deepEqual(told, [true, false])
})

const LEAVING = {
  close: ['ERR_SOCKETCHANNEL_CLOSED', (channel) => void channel.close()],
  changeHost: ['ERR_SOCKETCHANNEL_LOST', (channel) => channel.changeHost('other')],
} satisfies Record<string, [code: string, leave: (channel: SocketChannel) => void]>

for (const [name, [code, leave]] of Object.entries(LEAVING)) {
  test(`an overload that calls ${name}() ends the request that was told of`, async (t) => {
    const { skynet, to, settled, peer } = await scene(t)
    const overload = (isOverloaded: boolean): void => {
      if (isOverloaded) leave(channel)
    }
    const channel: ParsedChannel<string> = socketChannel(skynet, { ...to, parser, overload })
    await channel.connect()
    peer.last.isSlow = true
    const ended = outcome(channel.request('a\n'))
    await settled()
    assert.equal(await ended, code)
    assert.equal(channel.pending, 0)
  })
}

// Proves: docs/channel.md#order
test('an overload that asks gets its own answer, and so does the request before it', async (t) => {
  const { skynet, to, peer } = await scene(t)
  const asked: Promise<string>[] = []
  const overload = (isOverloaded: boolean): void => {
    if (isOverloaded) asked.push(channel.request('b\n'))
  }
  const channel: ParsedChannel<string> = socketChannel(skynet, { ...to, parser, overload })
  await channel.connect()
  peer.last.isSlow = true
  asked.unshift(channel.request('a\n'))
  assert.equal(peer.last.heard, 'a\nb\n')
  peer.last.say('+A\n+B\n')
  assert.deepEqual(await Promise.all(asked), ['A', 'B'])
})

test('who hears that nothing waits any more, as the connection is lost, may connect', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const overload = (isOverloaded: boolean): void => {
    if (!isOverloaded) void channel.connect()
  }
  const channel: ParsedChannel<string> = socketChannel(skynet, { ...to, parser, overload })
  await channel.connect()
  peer.last.isSlow = true
  const ended = outcome(channel.request('a\n'))
  await settled()
  peer.last.finish()
  assert.equal(await ended, 'ERR_SOCKETCHANNEL_LOST')
  await settled()
  assert.deepEqual([peer.tried.length, channel.isOpen], [2, true])
})

test('an overload that throws is logged, and the request goes on', async (t) => {
  const { skynet, to, node, peer } = await scene(t)
  const overload = (): never => {
    throw new Error('it broke')
  }
  const channel = socketChannel(skynet, { ...to, parser, overload })
  await channel.connect()
  peer.last.isSlow = true
  const answer = channel.request('a\n')
  peer.last.say('+A\n')
  assert.equal(await answer, 'A')
  assert.match(node.log.all.map(({ text }) => text).join('\n'), /overload.*it broke/s)
})

test('answers that nobody asks for make the server wait, and are kept', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, parser })
  await channel.connect()
  for (let i = 0; i < SOCKETCHANNEL_UNASKED_MAX; i++) peer.last.say(`+${i}\n`)
  peer.last.say('+late\n')
  await settled()
  const { reads } = peer.last
  peer.last.say('+later\n')
  await settled()
  assert.equal(peer.last.reads, reads)
  for (let i = 0; i < SOCKETCHANNEL_UNASKED_MAX; i++) {
    assert.equal(await channel.response(), `${i}`)
  }
  assert.equal(await channel.response(), 'late')
  assert.equal(await channel.response(), 'later')
})

test('a request reads on behind answers that nobody has asked for', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, parser })
  await channel.connect()
  for (let i = 0; i < SOCKETCHANNEL_UNASKED_MAX; i++) peer.last.say(`+${i}\n`)
  await settled()
  const answer = channel.request('a\n')
  peer.last.say('+A\n')
  assert.equal(await answer, 'A')
})

test('bytes that no reader wants make the server wait', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, to)
  await channel.connect()
  peer.last.say(`+${'x'.repeat(200_000)}\n`)
  await settled()
  const { reads } = peer.last
  peer.last.say('+next\n')
  await settled()
  assert.equal(peer.last.reads, reads)
  assert.equal((await channel.response(readLine)).length, 200_000)
  assert.equal(await channel.response(readLine), 'next')
})

test('an answer has so many parts and no more', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, parser })
  const parts = channel.request('a\n')
  await settled()
  peer.last.say(`${'~\n'.repeat(SOCKETCHANNEL_PARTS_MAX - 1)}+\n`)
  assert.equal((await parts).length, SOCKETCHANNEL_PARTS_MAX)
  const tooMany = outcome(channel.request('a\n'))
  peer.last.say(`${'~\n'.repeat(SOCKETCHANNEL_PARTS_MAX)}+\n`)
  assert.equal(await tooMany, 'ERR_SOCKETCHANNEL_PROTOCOL')
})

const WRONG_READERS: Readonly<Record<string, AnswerReader>> = {
  'throws at once': () => {
    throw new Error('no')
  },
  'rejects when it has read': async (input) => {
    await input.read(1)
    throw new Error('no')
  },
  'gives no answer': async () => undefined as never,
  'says neither yes nor no': async () => ({ data: 1 }) as never,
  'reads a line that is too long': async (input) => ({
    ok: true,
    data: await input.readLine({ max: 3 }),
  }),
  'reads twice at a time': async (input) => {
    void input.read(5000).catch(() => {})
    return { ok: true, data: await input.read(1) }
  },
  'asks for no number': async (input) => ({ ok: true, data: await input.read(-1) }),
}

for (const [name, reader] of Object.entries(WRONG_READERS)) {
  // Proves: docs/channel.md#parser-error
  test(`a reader that ${name} closes the connection, and ends all who wait`, async (t) => {
    const { skynet, to, settled, peer } = await scene(t)
    const channel = socketChannel(skynet, to)
    const waiting = [channel.request('a\n', readLine), channel.request('b\n', reader)]
    waiting.push(channel.request('c\n', readLine))
    const outcomes = waiting.map(outcome)
    await settled()
    peer.last.say('+A\nmore\nmore\n')
    const protocol = 'ERR_SOCKETCHANNEL_PROTOCOL'
    assert.deepEqual(await Promise.all(outcomes), ['A', protocol, protocol])
    assert.deepEqual([channel.isOpen, peer.last.isOpen], [false, false])
    const next = channel.request('d\n', readLine)
    await settled()
    peer.last.say('+D\n')
    assert.equal(await next, 'D')
  })
}

test('a reader reads chunks, counts and lines, however they come', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, to)
  const answer = channel.request('a\n', async (input) => {
    const length = Number(await input.readLine())
    const body = await input.read(length)
    const nothing = await input.read(0)
    const rest = await input.read()
    return { ok: true, data: [`${body}`, `${nothing}`, `${rest}`] }
  })
  await settled()
  for (const byte of '5\r\nhello') {
    peer.last.say(byte)
    await settled()
  }
  peer.last.say('!')
  assert.deepEqual(await answer, ['hello', '', '!'])
})

const to = { host: 'main', port: 1 }

// Proves: docs/channel.md#options
test('options that are wrong are refused by name', async (t) => {
  const { skynet } = await scene(t)
  const rows: [object, RegExp][] = [
    [{ ...to, port: 0 }, /'port'/],
    [{ host: 'main' }, /'port'/],
    [{ ...to, path: '/x' }, /'path'/],
    [{ ...to, host: '' }, /'host'/],
    [{ ...to, backup: 'second' }, /'backup'/],
    [{ ...to, backup: [''] }, /'backup'/],
    [{ ...to, backup: [5] }, /'backup'/],
    [{ ...to, backup: [{ hots: 'x', port: 1 }] }, /option 'hots'/],
    [{ ...to, backup: [{ host: 'x', port: -1 }] }, /'port'/],
    [{ ...to, auth: 'secret' }, /'auth'/],
    [{ ...to, overload: true }, /'overload'/],
    [{ ...to, open: {} }, /'open'/],
    [{ ...to, noDelay: 1 }, /'noDelay'/],
    [{ ...to, timeoutMs: -1 }, /'timeoutMs'/],
    [{ ...to, connectTimeoutMs: 0 }, /'connectTimeoutMs'/],
    [{ ...to, silenceMs: '1' }, /'silenceMs'/],
    [{ ...to, retryMs: 0 }, /'retryMs'/],
    [{ ...to, retryMsMax: Number.NaN }, /'retryMsMax'/],
    [{ ...to, maxRequests: 0 }, /'maxRequests'/],
    [{ ...to, maxBytes: 1.5 }, /'maxBytes'/],
    [{ ...to, parser: {} }, /'parser'/],
    [{ ...to, response: 1 }, /'response'/],
    [{ ...to, parser, response: () => {} }, /'parser'/],
    [{ ...to, retrys: 1 }, /option 'retrys'/],
  ]
  for (const [options, pattern] of rows) {
    assert.throws(() => socketChannel(skynet, options as never), pattern)
  }
  const names = ['host', 'port', 'path', 'backup', 'auth', 'overload', 'noDelay', 'timeoutMs']
  names.push('connectTimeoutMs', 'silenceMs', 'maxRequests', 'maxBytes', 'retryMs', 'retryMsMax')
  for (const name of [...names, 'open', 'parser', 'response', 'sessionParser']) {
    const options = { ...to, [name]: null } as never
    assert.throws(() => socketChannel(skynet, options), new RegExp(`'${name}'`), `${name}: null`)
  }
  const channel = socketChannel(skynet, to)
  await assert.rejects(channel.connect({ once: 1 } as never), /'once'/)
  await assert.rejects(channel.connect({ one: true } as never), /option 'one'/)
  await assert.rejects(channel.request('a', 'reader' as never), /'reader'/)
  await assert.rejects(channel.response(undefined as never), /'reader'/)
  assert.throws(() => channel.changeHost('', 1), /'host'/)
  assert.throws(() => channel.changeHost('x', 0), /'port'/)
  assert.throws(() => channel.changeHost('x', null as never), /'port'/)
  assert.throws(() => channel.changeBackup([5 as never]), /'backup'/)
  assert.equal(channel.address, 'main:1')
})

test('parts of an answer that nobody waits for any more count, too', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, parser })
  const stop = new AbortController()
  const given = outcome(channel.request('a\n', { signal: stop.signal }))
  const behind = outcome(channel.request('b\n'))
  await settled()
  stop.abort()
  assert.equal(await given, 'ABORT_ERR')
  peer.last.say('~part\n'.repeat(SOCKETCHANNEL_PARTS_MAX))
  await settled()
  assert.equal(channel.isOpen, true)
  peer.last.say('~part\n')
  assert.equal(await behind, 'ERR_SOCKETCHANNEL_PROTOCOL')
})

test('a reader that says that more comes, and takes nothing, closes the connection', async (t) => {
  const { skynet, to, settled, peer } = await scene(t)
  const nothing: readonly AnswerReader[] = [
    () => ({ ok: true, data: 1, padding: true }),
    async (input) => ({ ok: true, data: await input.read(0), padding: true }),
  ]
  for (const reader of nothing) {
    const channel = socketChannel(skynet, to)
    const stop = new AbortController()
    const first = outcome(channel.request('a\n', readLine))
    const given = outcome(channel.request('b\n', reader, { signal: stop.signal }))
    const behind = outcome(channel.request('c\n', readLine))
    await settled()
    stop.abort()
    assert.equal(await given, 'ABORT_ERR')
    peer.last.say('+A\n')
    assert.equal(await first, 'A')
    assert.equal(await behind, 'ERR_SOCKETCHANNEL_PROTOCOL')
  }
})

// Proves: docs/channel.md#given-up
test('a response that was given up behind a request keeps no place, and no memory', async (t) => {
  const { skynet, to, peer } = await scene(t)
  const channel = socketChannel(skynet, { ...to, parser, maxRequests: 3 })
  const first = channel.request('a\n')
  await channel.connect()
  const stays = channel.response()
  for (let i = 0; i < 100; i++) {
    const stop = new AbortController()
    const given = outcome(channel.response({ signal: stop.signal }))
    await Promise.resolve()
    assert.equal(channel.pending, 3)
    stop.abort()
    assert.equal(await given, 'ABORT_ERR')
    assert.equal(channel.pending, 2)
  }
  const last = channel.request('b\n')
  peer.last.say('+A\n+pushed\n+B\n')
  assert.deepEqual(await Promise.all([first, stays, last]), ['A', 'pushed', 'B'])
  assert.equal(channel.pending, 0)
})

test('OrderBook puts away who has left behind a request that waits long', () => {
  const host = { partsMax: 1, failed: Error, taken: Error, dropped() {} } as unknown as BookHost
  const book = new OrderBook(host)
  for (const kind of ['request', 'response']) {
    book.add({ kind, hasLeft: false, isOver: false, take: () => true } as unknown as Request)
  }
  for (let i = 0; i < 10_000; i++) {
    const each = { kind: 'response', hasLeft: false } as Request
    book.add(each)
    book.left(each)
    assert.equal(book.size, 2)
    assert.ok(book.places < 30, `${book.places} places`)
  }
  book.answer('A')
  book.answer('pushed')
  assert.deepEqual([book.size, book.owed, book.next], [0, 0, undefined])
})
