import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isSkynetError, type SocketEvent, UdpAddress } from 'skynet-ts/socket-server'
import { freePort } from '../support/free-port.ts'
import { descriptors, ends, library, listening, next, one, soon } from '../support/library.ts'

const timeout = 60_000

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'skynet-library-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

// --- events ----------------------------------------------------------------------------------

const short = ({ type, ...rest }: SocketEvent): string => {
  const { text, data } = rest as { text?: string; data?: Buffer }
  return `${type} ${text?.replace(/\d{4,5}$/, 'port') ?? data ?? ''}`.trimEnd()
}

for (const [host, shown] of [
  ['127.0.0.1', '127.0.0.1'],
  ['::1', '[::1]'],
] as const) {
  test(`poll() tells the life of a connection to ${host} in order`, (t) => {
    const server = library(t)
    const listener = server.listen({ host, port: 0 })
    const { port, owner } = next(server, 'open')
    assert.equal(owner, 1)
    server.start(listener)
    const client = server.connect({ host, port })
    assert.equal(server.send(client, 'early'), true)
    const told: string[][] = [[], [], [], []]
    for (let event = one(server); event !== undefined; event = one(server)) {
      told[event.id]!.push(short(event))
      if (event.type === 'accept') server.start(event.client)
      if (event.type === 'data') server.close(event.id)
      if (event.type === 'close' && event.id === client) {
        server.close(client)
        server.close(listener)
      }
    }
    assert.deepEqual(told.slice(1), [
      ['open start', `accept ${shown}:port`, 'close'],
      [`open ${shown}:port`, 'close'],
      ['open start', 'data early', 'close'],
    ])
  })
}

// Proves: docs/sockets.md#poll
test('poll() gives all events of a turn at once', (t) => {
  const server = library(t)
  const id = server.udp({ host: '127.0.0.1', port: 0 })
  const to = UdpAddress.of('127.0.0.1', next(server, 'open').port)
  for (const text of ['one', 'two', 'three']) server.sendTo(id, to, text)
  assert.deepEqual(server.poll().map(short), ['udp one', 'udp two', 'udp three'])
})

test('a peer process that is killed is a close, and what it sent comes before', {
  timeout,
}, async (t) => {
  const server = library(t)
  const { port } = listening(server)
  const program = `require('node:net').connect(${port}, '127.0.0.1').write('last words')`
  const peer = spawn(process.execPath, ['-e', program])
  const exited = once(peer, 'exit')
  const { client } = await soon(server, 'accept')
  server.start(client)
  assert.equal((await soon(server, 'data')).data.toString(), 'last words')
  peer.kill('SIGKILL')
  assert.equal((await soon(server, 'close')).id, client)
  assert.equal(server.close(client), true)
  await exited
})

// Proves: docs/sockets.md#poll-sleep
test('poll() gives nothing when nothing comes in time, or no socket is left', (t) => {
  const server = library(t)
  assert.equal(one(server), undefined)
  assert.equal(one(server, 20), undefined)
  const { listener } = listening(server)
  assert.equal(one(server, 0), undefined)
  assert.equal(one(server, 20), undefined)
  server.close(listener)
  assert.equal(next(server, 'close').id, listener)
  assert.equal(one(server), undefined)
})

// Proves: docs/sockets.md#poll
test('poll() gives events that overfill their ring, all and in order', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  const count = 60_000
  for (let i = 0; i < count; i++) server.start(1_000_000 + i)
  server.send(near, 'after')
  for (let i = 0; i < count; i++) {
    const event = one(server) // nothing else would end a sleep here
    if (event?.type !== 'error' || event.id !== 1_000_000 + i) assert.fail(JSON.stringify(event))
  }
  const { id, data } = next(server, 'data')
  assert.deepEqual([id, String(data)], [far, 'after'])
})

// Proves: docs/sockets.md#poll
test('poll() reads on when the ring was too full for what all sockets had', { timeout }, (t) => {
  const server = library(t)
  const size = 1024 * 1024
  const pairs = Array.from({ length: 16 }, () => ends(server))
  const left = new Map(pairs.map(({ far }) => [far, size]))
  for (const { near } of pairs) server.send(near, Buffer.alloc(size, near))
  const senders = new Map(pairs.map(({ near, far }) => [far, near]))
  while (left.size > 0) {
    const event = one(server)
    if (event?.type === 'warning') continue
    assert.equal(event?.type, 'data')
    const { id, data } = event
    if (!data.every((byte) => byte === (senders.get(id)! & 255))) assert.fail(`mixed up: ${id}`)
    left.set(id, left.get(id)! - data.length)
    if (left.get(id) === 0) left.delete(id)
  }
})

// Proves: docs/sockets.md#poll-bytes
test('an event keeps its bytes when more come', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  const parts: Buffer[] = []
  for (let i = 0; i < 200; i++) {
    server.send(near, Buffer.alloc(50_000, i))
    for (let got = 0; got < 50_000; ) {
      const { data } = next(server, 'data')
      got += data.length
      parts.push(data)
    }
  }
  const all = Buffer.concat(parts)
  for (let i = 0; i < 200; i++) {
    assert.ok(all.subarray(i * 50_000, (i + 1) * 50_000).every((byte) => byte === i))
  }
  server.shutdown(far)
})

test('start() moves a socket to another owner, whose events are those from then on', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  server.send(near, 'one')
  assert.equal(next(server, 'data').owner, 1)
  server.start(far, 0xffff_fff0)
  const moved = next(server, 'open')
  assert.deepEqual([moved.id, moved.owner, moved.text], [far, 0xffff_fff0, 'transfer'])
  server.send(near, 'two')
  const { owner, data } = next(server, 'data')
  assert.deepEqual([owner, String(data)], [0xffff_fff0, 'two'])
})

test('a socket of an owner passes it on to what it accepts', (t) => {
  const server = library(t)
  const listener = server.listen({ host: '127.0.0.1', port: 0, owner: 7 })
  const { port } = next(server, 'open')
  server.start(listener)
  assert.equal(next(server, 'open').owner, 7)
  server.connect({ host: ['127.0.0.1'], port, owner: 8 })
  const events = [one(server), one(server)]
  assert.deepEqual(events.map((event) => `${event?.type} ${event?.owner}`).sort(), [
    'accept 7',
    'open 8',
  ])
})

test('pause() leaves bytes in the kernel until start()', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  server.pause(far)
  server.send(near, 'later')
  assert.equal(one(server, 50), undefined)
  server.start(far)
  assert.equal(String(next(server, 'data').data), 'later')
})

test('a peer that has ended can be answered, and end() leaves reading open', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  server.send(near, 'question')
  server.end(near)
  assert.equal(server.send(near, 'too late'), false)
  assert.equal(String(next(server, 'data').data), 'question')
  assert.equal(next(server, 'close').id, far)
  assert.equal(server.send(far, 'answer'), true)
  server.close(far)
  const { id, data } = next(server, 'data')
  assert.deepEqual([id, String(data)], [near, 'answer'])
  assert.equal(next(server, 'close').id, near)
})

test('a connect that fails is one error, and its id is gone', async (t) => {
  const server = library(t)
  const id = server.connect({ host: ['127.0.0.1', '::1'], port: await freePort() })
  assert.match(next(server, 'error').text, /^ECONNREFUSED/)
  assert.equal(one(server), undefined)
  assert.equal(server.send(id, 'anybody?'), false)
})

// --- opening and closing ---------------------------------------------------------------------

test('listen() and udp() open at once, or say why not', (t) => {
  const server = library(t)
  const { port } = listening(server)
  const again = (): number => server.listen({ host: '127.0.0.1', port })
  assert.throws(again, (error) => isSkynetError(error, 'ERR_LISTEN'))
  const udp = server.udp({ host: '127.0.0.1', port: 0 })
  const open = next(server, 'open')
  assert.deepEqual([open.id, open.text], [udp, 'udp'])
  const twice = (): number => server.udp({ host: '127.0.0.1', port: open.port })
  assert.throws(twice, (error) => isSkynetError(error, 'ERR_BIND'))
  const elsewhere = (): number => server.listen({ host: '203.0.113.1', port: 0 })
  assert.throws(elsewhere, (error) => isSkynetError(error, 'ERR_LISTEN'))
})

test('a Unix listener takes connections, and its file goes with it', (t) => {
  const server = library(t)
  const path = join(folder(t), 'socket')
  const listener = server.listen({ path })
  assert.equal(next(server, 'open').text, `unix:${path}`)
  server.start(listener)
  next(server, 'open')
  const near = server.connect({ path })
  const events = [one(server), one(server)]
  assert.deepEqual(events.map((event) => event?.type).sort(), ['accept', 'open'])
  server.shutdown(near)
  server.close(listener)
  assert.ok(!existsSync(path))
  const second = join(folder(t), 'socket')
  server.listen({ path: second })
  server.release()
  assert.ok(!existsSync(second))
})

test('bind() reads and writes a pipe, and leaves it open', (t) => {
  const server = library(t)
  const path = join(folder(t), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const writer = openSync(path, constants.O_WRONLY)
  const input = server.bind(reader)
  const output = server.bind(writer, { owner: 9 })
  assert.equal(next(server, 'open').text, 'binding')
  assert.equal(next(server, 'open').owner, 9)
  assert.equal(server.send(output, 'through'), true)
  assert.equal(String(next(server, 'data').data), 'through')
  server.close(output)
  assert.equal(next(server, 'close').id, output)
  writeSync(writer, ' again')
  assert.equal(String(next(server, 'data').data), ' again')
  closeSync(writer)
  assert.equal(next(server, 'close').id, input)
  server.close(input)
  assert.ok(fstatSync(reader).isFIFO())
  closeSync(reader)
})

test('bind() of what is no descriptor is an error event, and its id is gone', (t) => {
  const server = library(t)
  const id = server.bind(999_999)
  const error = next(server, 'error')
  assert.equal(error.id, id)
  assert.match(error.text, /^EBADF/)
  assert.equal(one(server), undefined)
})

// Proves: docs/sockets.md#poll-release
test('1,000 connections: each gets its own answer, and nothing is left', { timeout }, (t) => {
  const before = descriptors()
  const server = library(t)
  const idle = descriptors()
  const { listener, port } = listening(server)
  const clients = new Map<number, string>()
  for (let i = 0; i < 1000; i++) {
    const id = server.connect({ host: '127.0.0.1', port })
    clients.set(id, '')
    server.send(id, `number ${i}\n`)
  }
  const served = new Set<number>()
  for (let answers = 0; answers < 1000; ) {
    const event = one(server)
    if (event?.type === 'accept') {
      served.add(event.client)
      server.start(event.client)
    }
    if (event?.type !== 'data') continue
    if (served.has(event.id)) server.send(event.id, event.data)
    else {
      clients.set(event.id, `${clients.get(event.id)}${event.data}`)
      answers++
    }
  }
  assert.deepEqual(
    [...clients.values()],
    Array.from({ length: 1000 }, (_, i) => `number ${i}\n`),
  )
  assert.equal(server.netstat().length, 2001)
  for (const id of [...clients.keys(), listener]) server.close(id)
  for (let event = one(server); event !== undefined; event = one(server)) {
    if (event.type === 'close') server.close(event.id)
  }
  assert.deepEqual(server.netstat(), [])
  assert.equal(descriptors(), idle)
  server.release()
  assert.equal(descriptors(), before)
})
