import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { test } from 'node:test'
import { type StandaloneServer, UdpAddress } from 'skynet-ts/socket-server'
import {
  ends,
  library,
  listening,
  next,
  pump,
  pumpUntil,
  queuedOf,
  soon,
  stall,
} from '../support/library.ts'
import { dial, stretch } from '../support/sockets.ts'

const timeout = 60_000

/** A connection to a client of node:net, which does not read yet. */
async function accepted(server: StandaloneServer): Promise<{ id: number; client: Socket }> {
  const { port } = listening(server)
  const dialled = dial(port)
  const { client: id } = await soon(server, 'accept')
  server.start(id)
  await soon(server, 'open')
  const client = await dialled
  client.pause()
  return { id, client }
}

/** All that the client gets, while the server polls. */
async function received(server: StandaloneServer, client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  let hasEnded = false
  client.on('data', (chunk: Buffer) => chunks.push(chunk))
  client.on('end', () => {
    hasEnded = true
    client.end()
  })
  client.resume()
  await pumpUntil(server, () => hasEnded)
  return Buffer.concat(chunks)
}

/** Buffers to give away, and how often each was freed. */
class Ledger {
  readonly counts = new Map<string, number>()

  free(name: string): () => void {
    this.counts.set(name, 0)
    return () => {
      this.counts.set(name, this.counts.get(name)! + 1)
    }
  }

  get text(): string {
    return [...this.counts].map(([name, count]) => `${name} ${count}`).join(', ')
  }
}

// Proves: docs/sockets.md#poll-send
test('send() keeps the order, whatever the size and whoever owns the bytes', {
  timeout,
}, async (t) => {
  const server = library(t)
  const { id, client } = await accepted(server)
  const ledger = new Ledger()
  let sent = 0
  for (let i = 0; i < 400; i++) {
    const length = [1, 100, 17_000, 70_000][i % 4]!
    const bytes = stretch(sent, length)
    const options = i % 3 === 0 ? { free: ledger.free(`${i}`) } : {}
    assert.equal(server.send(id, bytes, options), true)
    if (i % 3 !== 0) bytes.fill(0) // ours again
    sent += length
  }
  server.close(id)
  assert.equal(server.send(id, 'closing'), false)
  const got = await received(server, client)
  assert.equal(got.length, sent)
  assert.ok(got.equals(stretch(0, sent)))
  assert.ok([...ledger.counts.values()].every((count) => count === 1))
})

// Proves: docs/sockets.md#poll-send
test('send() with low priority leaves when nothing else waits', { timeout }, async (t) => {
  const server = library(t)
  const { id, client } = await accepted(server)
  const ledger = new Ledger()
  const filler = stall(server, id)
  server.send(id, 'high 1,')
  server.send(id, 'low 1,', { priority: 'low' })
  server.send(id, 'low 2,', { priority: 'low', free: ledger.free('low 2') })
  server.send(id, 'high 2,', { priority: 'high', free: ledger.free('high 2') })
  assert.equal(ledger.text, 'low 2 0, high 2 0')
  server.close(id)
  const got = await received(server, client)
  assert.equal(got.toString('latin1', filler), 'high 1,high 2,low 1,low 2,')
  assert.equal(ledger.text, 'low 2 1, high 2 1')
})

// Proves: docs/sockets.md#poll-bytes
test('bytes that are given away are not copied, and freed when they have left', {
  timeout,
}, async (t) => {
  const server = library(t)
  const { id, client } = await accepted(server)
  stall(server, id)
  const ledger = new Ledger()
  const late = Buffer.from('one')
  assert.equal(server.send(id, late, { free: ledger.free('late') }), true)
  late.write('two') // which one must not do: that it arrives shows that there is no copy
  assert.equal(ledger.text, 'late 0')
  server.close(id)
  const got = await received(server, client)
  assert.equal(got.toString('latin1', got.length - 3), 'two')
  assert.equal(ledger.text, 'late 1')
})

// Proves: docs/sockets.md#poll-bytes
test('what is given away is freed once, however it ends', (t) => {
  const server = library(t)
  const { near, listener } = ends(server)
  const ledger = new Ledger()
  const give = (id: number, name: string, text = name): boolean =>
    server.send(id, text, { free: ledger.free(name) })
  assert.equal(give(near, 'sent at once'), true)
  assert.equal(give(near, 'empty', ''), true)
  assert.equal(give(999_999, 'no such socket'), false)
  assert.equal(give(listener, 'a listener'), false)
  assert.equal(ledger.text, 'sent at once 1, empty 1, no such socket 1, a listener 1')

  ledger.counts.clear()
  stall(server, near)
  assert.equal(give(near, 'waits'), true)
  assert.equal(give(near, 'waits, large', 'x'.repeat(100_000)), true)
  assert.equal(ledger.text, 'waits 0, waits, large 0')
  server.shutdown(near)
  assert.equal(give(near, 'stale'), false)
  assert.equal(ledger.text, 'waits 1, waits, large 1, stale 1')

  const other = library(t)
  const id = ends(other).near
  stall(other, id)
  assert.equal(other.send(id, 'x', { free: ledger.free('released') }), true)
  other.release()
  assert.match(ledger.text, /released 1$/)
})

// Proves: docs/sockets.md#poll-bytes
test('what is given away is freed when the peer resets, or too much waits', {
  timeout,
}, async (t) => {
  const server = library(t, { sendLimitBytes: 8 * 1024 * 1024 })
  const { id, client } = await accepted(server)
  const ledger = new Ledger()
  stall(server, id)
  server.send(id, 'reset', { free: ledger.free('reset') })
  client.resetAndDestroy()
  await pump(server, (event) => event.type === 'close' && event.id === id)
  assert.equal(ledger.text, 'reset 1')

  const second = await accepted(server)
  stall(server, second.id)
  const large = Buffer.alloc(8 * 1024 * 1024)
  assert.equal(server.send(second.id, large, { free: ledger.free('up to the limit') }), true)
  assert.equal(server.send(second.id, 'x', { free: ledger.free('too much') }), false)
  assert.equal(ledger.text, 'reset 1, up to the limit 1, too much 1')
  const error = await soon(server, 'error')
  assert.match(error.text, /bytes wait to be sent$/)
  assert.equal((await soon(server, 'close')).id, second.id)
})

test('a policy that drops says so, and frees what it drops', { timeout }, async (t) => {
  const server = library(t, { sendLimitBytes: 4 * 1024 * 1024, sendPolicy: 'drop-new' })
  const { id, client } = await accepted(server)
  stall(server, id)
  const ledger = new Ledger()
  const large = Buffer.alloc(4 * 1024 * 1024)
  assert.equal(server.send(id, large), true)
  assert.equal(server.send(id, 'small'), false)
  assert.equal(server.send(id, 'small', { free: ledger.free('small') }), false)
  assert.equal(server.send(id, 'small', { priority: 'low' }), false)
  assert.equal(ledger.text, 'small 1')
  client.resume()
  await pumpUntil(server, () => queuedOf(server, id) === 0)
  assert.equal(server.send(id, 'small'), true)
  client.destroy()
})

test('free() may call the server', (t) => {
  const server = library(t)
  const { near } = ends(server)
  const left = ['two', 'three']
  const again = (): void => {
    const text = left.shift()
    if (text !== undefined) server.send(near, text, { free: again })
  }
  server.send(near, 'one', { free: again })
  let got = ''
  while (got.length < 11) got += next(server, 'data').data
  assert.equal(got, 'onetwothree')
})

test('warnings tell what waits to be sent, and once when all has left', { timeout }, async (t) => {
  const server = library(t)
  const { id, client } = await accepted(server)
  stall(server, id)
  const large = Buffer.alloc(1024 * 1024)
  for (let i = 0; i < 4; i++) server.send(id, large)
  const queued = [await soon(server, 'warning'), await soon(server, 'warning')]
  assert.ok(queued[0]!.queuedKiB >= 1024 && queued[0]!.queuedKiB < 2048)
  assert.ok(queued[1]!.queuedKiB >= 2048)
  client.resume()
  for (let kib = -1; kib !== 0; ) kib = (await soon(server, 'warning')).queuedKiB
  assert.equal(queuedOf(server, id), 0)
})

test('broadcast() reaches all who are there, one that is slow too', { timeout }, async (t) => {
  const server = library(t)
  const slow = await accepted(server)
  const filler = stall(server, slow.id)
  const { near, far } = ends(server)
  const ids = [slow.id, near, 777_777, far]
  server.broadcast(ids, 'to all')
  server.broadcast(ids, '')
  server.broadcast(ids, Buffer.alloc(100_000, 'b'))
  const got = new Map([near, far].map((id) => [id, 0]))
  await pump(server, (event) => {
    if (event.type === 'data') got.set(event.id, got.get(event.id)! + event.data.length)
    return [...got.values()].every((length) => length === 100_006)
  })
  server.close(slow.id)
  const all = await received(server, slow.client)
  assert.equal(all.length, filler + 100_006)
  assert.equal(all.toString('latin1', filler, filler + 7), 'to allb')
})

test('netstat() and totals() tell what the sockets did', (t) => {
  const server = library(t)
  const { near, far } = ends(server)
  server.send(near, 'four')
  next(server, 'data')
  const infos = new Map(server.netstat().map((info) => [info.id, info]))
  assert.equal(infos.get(near)?.sent, 4)
  assert.equal(infos.get(far)?.received, 4)
  assert.match(infos.get(far)!.address, /^127\.0\.0\.1:\d+$/)
  server.shutdown(near)
  const { accepted, opened, closed, sent, received, states } = server.totals()
  assert.deepEqual([accepted, opened, closed, sent, received], [1, 1, 1, 4, 4])
  assert.equal(states.LISTEN, 1)
  // One send(2) is one call, although client and server both count on this thread.
  const { calls } = server.totals()
  server.send(far, 'x')
  assert.equal(server.totals().calls, calls + 1)
})

test('setOption() and configure() change one socket; a listener, what it accepts', (t) => {
  const server = library(t)
  const { near, listener } = ends(server)
  assert.equal(server.setOption(near, 'noDelay', 1), true)
  assert.throws(() => server.setOption(near, 'ipv6Only', 1), { code: 'ERR_SYSCALL' })
  assert.throws(() => server.setOption(near, 'noSuch' as never, 1), TypeError)
  assert.equal(server.configure(listener, { sendLimitBytes: 1024, sendPolicy: 'drop-new' }), true)
  const port = Number(
    server
      .netstat()
      .find(({ id }) => id === listener)!
      .address.split(':')[1],
  )
  server.connect({ port })
  const { client } = next(server, 'accept')
  server.start(client)
  while (server.send(client, Buffer.alloc(256 * 1024)));
  assert.ok(queuedOf(server, client) >= 1024)
  assert.equal(server.configure(client, { sendLimitBytes: 1024 * 1024 * 1024 }), true)
  assert.equal(server.send(client, 'x'), true)
})

for (const [family, host] of [
  ['udp4', '127.0.0.1'],
  ['udp6', '::1'],
] as const) {
  test(`${family}: datagrams go to and fro, empty ones too`, { timeout }, async (t) => {
    const server = library(t)
    const id = server.udp({ host, port: 0 })
    const { port } = next(server, 'open')
    const peer = createSocket(family).bind(0, host)
    t.after(() => peer.close())
    await once(peer, 'listening')
    peer.send('question', port, host)
    const { data, from } = await soon(server, 'udp')
    const local = peer.address() as AddressInfo
    assert.deepEqual([String(data), from.host, from.port], ['question', host, local.port])
    assert.equal(from.bytes.length, family === 'udp4' ? 7 : 19)

    assert.equal(server.sendTo(id, from, 'answer'), true)
    assert.equal(String((await once(peer, 'message'))[0]), 'answer')
    assert.equal(server.send(id, 'no peer yet'), false)
    assert.equal(server.udpConnect(id, UdpAddress.of(host, local.port)), true)
    let freed = 0
    assert.equal(server.send(id, 'usual', { free: () => freed++ }), true)
    assert.equal(String((await once(peer, 'message'))[0]), 'usual')
    assert.equal(freed, 1)
    peer.send('', port, host)
    assert.equal((await soon(server, 'udp')).data.length, 0)
    assert.throws(() => server.sendTo(id, from, Buffer.alloc(65_508)), RangeError)
    server.close(id)
    assert.equal(next(server, 'close').id, id)
    assert.equal(server.sendTo(id, from, 'x'), false)
  })
}

test('a UDP socket of IPv6 reaches IPv4, one of IPv4 does not reach IPv6', (t) => {
  const server = library(t)
  const four = server.udp({ host: '127.0.0.1', port: 0 })
  const { port } = next(server, 'open')
  const both = server.udp({ host: '::', port: 0 })
  const open = next(server, 'open')
  assert.equal(server.sendTo(both, UdpAddress.of('127.0.0.1', port), 'mapped'), true)
  const { id, data, from } = next(server, 'udp')
  assert.deepEqual([id, String(data), `${from}`], [four, 'mapped', `127.0.0.1:${open.port}`])
  assert.equal(server.sendTo(four, from, 'back'), true)
  const back = next(server, 'udp')
  assert.deepEqual([back.id, back.from.host], [both, '127.0.0.1'])
  assert.equal(server.sendTo(four, UdpAddress.of('::1', open.port), 'x'), false)
  assert.equal(server.udpConnect(four, UdpAddress.of('::1', open.port)), false)
})

test('an unbound UDP socket is bound by its first datagram', (t) => {
  const server = library(t)
  const target = server.udp({ host: '127.0.0.1', port: 0 })
  const { port } = next(server, 'open')
  const source = server.udp()
  next(server, 'open')
  const large = Buffer.alloc(65_507, 'L')
  assert.equal(server.sendTo(source, UdpAddress.of('127.0.0.1', port), large), true)
  const { id, data } = next(server, 'udp')
  assert.equal(id, target)
  assert.ok(data.equals(large))
})
