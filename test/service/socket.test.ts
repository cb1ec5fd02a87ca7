/** TCP connections of a service: reading, writing, and every way in which they end. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Connection, Skynet } from 'skynet-ts'
import { portOf } from '../../src/os/address.ts'
import { posixOs } from '../../src/os/posix.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { dial, drink, listen, ours, pair, stretch } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

const MB = 1024 * 1024
const text = (bytes: Buffer | null) => bytes?.toString()

// --- reading -----------------------------------------------------------------------------------

// Proves: docs/semantics.md#read
check('read() gives bytes as they come, then null at the end', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.write('abc')
  assert.equal(text(await connection.read()), 'abc')
  const next = connection.read()
  client.end('def')
  assert.equal(text(await next), 'def')
  assert.equal(await connection.read(), null)
  assert.equal(await connection.read(), null)
  assert.equal(connection.isOpen, true, 'the peer has ended, this side has not')
  await connection.close()
})

// Proves: docs/semantics.md#read
check('read(count) gives exactly so many bytes', async (skynet) => {
  const { client, connection } = await pair(skynet)
  for (const byte of 'abcdefgh') client.write(byte)
  assert.equal(text(await connection.read(3)), 'abc')
  assert.equal(text(await connection.read(0)), '')
  assert.equal(text(await connection.read(5)), 'defgh')
  const large = connection.read(3 * MB)
  client.end(stretch(0, 3 * MB + 2))
  assert.ok((await large).equals(stretch(0, 3 * MB)))
  const ended = { code: 'ERR_SOCKET_ENDED', info: { id: connection.id, wanted: 3, received: 2 } }
  await assert.rejects(connection.read(3), ended)
  assert.ok((await connection.read(2)).equals(stretch(3 * MB, 2)), 'the rest stays readable')
  await assert.rejects(connection.read(1), { code: 'ERR_SOCKET_ENDED' })
  for (const count of [-1, 1.5, Number.NaN])
    await assert.rejects(connection.read(count), RangeError)
})

// Proves: docs/semantics.md#read
check('readLine() ends lines at \\n and \\r\\n, and takes a last one without', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const bytes = Buffer.from('one\r\n\ntwo\rhalf\n界😀\nlast')
  for (const byte of bytes) {
    client.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  client.end()
  const lines: (string | null)[] = []
  for (let i = 0; i < 6; i++) lines.push(await connection.readLine())
  assert.deepEqual(lines, ['one', '', 'two\rhalf', '界😀', 'last', null])
})

// Proves: docs/semantics.md#read-gives-up
check('readLine() refuses a line longer than max and leaves it readable', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const tooLong = { code: 'ERR_LINE_TOO_LONG' }
  client.write('12345\r\n12345\n')
  assert.equal(await connection.readLine({ max: 5 }), '12345')
  assert.equal(await connection.readLine({ max: 5 }), '12345')
  client.write('123456\n')
  await assert.rejects(connection.readLine({ max: 5 }), tooLong)
  assert.equal(await connection.readLine(), '123456')
  client.write('no end in sight')
  await assert.rejects(connection.readLine({ max: 5 }), tooLong)
  assert.equal(text(await connection.read(2)), 'no')
  client.end('x'.repeat(MB))
  await assert.rejects(connection.readLine(), tooLong)
  assert.equal((await connection.readAll()).length, MB + 13)
})

// Proves: docs/semantics.md#read
check('readAll() gives everything up to the end', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.end(stretch(0, 5 * MB))
  assert.ok((await connection.readAll()).equals(stretch(0, 5 * MB)))
  assert.equal((await connection.readAll()).length, 0)
})

// Proves: docs/semantics.md#read-end
check('lines() and for await go to the end, and close', async (skynet) => {
  const first = await pair(skynet)
  first.client.end('a\nb\nc')
  const lines: string[] = []
  for await (const line of first.connection.lines()) lines.push(line)
  assert.deepEqual(lines, ['a', 'b', 'c'])
  assert.equal(first.connection.isOpen, false)

  const second = await pair(skynet)
  second.client.end(stretch(0, MB))
  const chunks: Buffer[] = []
  for await (const chunk of second.connection) chunks.push(chunk)
  assert.ok(Buffer.concat(chunks).equals(stretch(0, MB)))
  assert.equal(second.connection.isOpen, false)
})

// Proves: docs/semantics.md#read-end
check('leaving a for await loop closes the connection', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const ended = once(client.resume(), 'end')
  client.write('abc')
  for await (const _chunk of connection) break
  assert.equal(connection.isOpen, false)
  await ended
})

// Proves: docs/semantics.md#read-busy
check('a second read at a time is refused', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const first = connection.read()
  for (const second of [connection.read(), connection.readLine(), connection.readAll()]) {
    await assert.rejects(second, { code: 'ERR_SOCKET_BUSY' })
  }
  client.write('x')
  assert.equal(text(await first), 'x')
})

// Proves: docs/semantics.md#read-gives-up
check('read() gives up in time or with its signal, and loses nothing', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.write('abc')
  const late = { code: 'ERR_SOCKET_TIMEOUT' }
  await assert.rejects(connection.read(5, { timeoutMs: 10 }), late)
  await assert.rejects(connection.readLine({ timeoutMs: 10 }), late)
  await assert.rejects(connection.readAll({ timeoutMs: 10 }), late)
  const aborted = { name: 'AbortError', code: 'ABORT_ERR' }
  const before = connection.read(5, { signal: AbortSignal.abort() })
  await assert.rejects(before, aborted)
  const controller = new AbortController()
  const after = connection.read(5, { signal: controller.signal })
  controller.abort()
  await assert.rejects(after, aborted)
  client.write('de')
  assert.equal(text(await connection.read(5, { timeoutMs: 60_000 })), 'abcde')
})

// Proves: docs/limits.md#receive-buffer
check('reading pauses at the receive buffer limit, and nothing is lost', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.write(stretch(0, 1))
  await connection.read(1)
  const size = 24 * MB
  client.end(stretch(1, size - 1))
  // All buffers of the kernel fill; then the client cannot go on.
  let last = -1
  let still = 0
  await until('the client is stuck', () => {
    still = client.writableLength === last ? still + 1 : 0
    last = client.writableLength
    return still > 30
  })
  assert.ok(last > 0, 'the client is not rid of its bytes')
  const rest = await connection.readAll()
  assert.ok(rest.equals(stretch(1, size - 1)))
})

// Proves: docs/semantics.md#read-fails
check('a reset by the peer rejects the read that waits', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const read = connection.read()
  client.resetAndDestroy()
  const failed = { code: 'ERR_SOCKET_FAILED', message: /ECONNRESET/ }
  await assert.rejects(read, failed)
  await assert.rejects(connection.read(), failed)
  await assert.rejects(connection.readLine(), failed)
  assert.equal(connection.isOpen, false)
  assert.throws(() => connection.write('x'), { code: 'ERR_SOCKET_CLOSED' })
  await connection.close()
})

// --- writing -----------------------------------------------------------------------------------

// Proves: docs/semantics.md#write-order
check('what is written arrives in order, small and large, at a slow reader', async (skynet) => {
  const seed = seedOf()
  const random = seeded(seed)
  const { client, connection } = await pair(skynet)
  client.pause()
  let offset = 0
  while (offset < 14 * MB) {
    const size = Math.floor(random() < 0.7 ? random() * 300 : random() * 200_000)
    const bytes = stretch(offset, size)
    offset += size
    connection.write(bytes)
    bytes.fill(0) // It is ours again.
    if (random() < 0.05) await skynet.sleep(0)
  }
  assert.ok(connection.bufferedAmount > 0)
  void connection.close()
  const got = await drink(client)
  assert.equal(got.length, offset)
  assert.ok(got.equals(stretch(0, offset)), `SEED=${seed}`)
})

/** More than the system takes for a peer that does not read, and less than the limit. */
function pileUp(connection: Connection): void {
  for (let i = 0; i < 12; i++) connection.write(Buffer.alloc(MB))
}

// Proves: docs/limits.md#send-warning
check('write() says when to wait, drain() when to go on', async (skynet) => {
  const { client, connection } = await pair(skynet)
  assert.equal(connection.write('small'), true)
  await connection.drain()
  assert.equal(connection.bufferedAmount, 0)
  client.pause()
  let written = 5
  while (connection.write(stretch(written, 500_000))) {
    written += 500_000
    await skynet.sleep(0)
  }
  assert.ok(connection.bufferedAmount >= MB)
  pileUp(connection)
  await assert.rejects(connection.drain({ timeoutMs: 10 }), { code: 'ERR_SOCKET_TIMEOUT' })
  const drained = connection.drain()
  client.resume()
  await drained
  assert.equal(connection.bufferedAmount, 0)
  connection.write('goes on')
  await connection.drain()
})

// Proves: docs/limits.md#send-queue
check('a connection whose peer lets 16 MiB pile up is closed', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.pause()
  const read = connection.read()
  const drained = (async () => {
    for (;;) {
      connection.write(stretch(0, MB))
      await skynet.sleep(0)
    }
  })()
  await assert.rejects(read, { code: 'ERR_SOCKET_FAILED' })
  await assert.rejects(drained, { code: 'ERR_SOCKET_CLOSED' })
  await assert.rejects(connection.drain(), { code: 'ERR_SOCKET_CLOSED' })
  client.destroy()
})

check('drain() rejects when a peer that has ended resets the connection', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.pause()
  client.end('last words')
  assert.equal(text(await connection.readAll()), 'last words')
  pileUp(connection)
  const drained = connection.drain()
  client.destroy()
  await assert.rejects(drained, { code: 'ERR_SOCKET_FAILED' })
  await connection.close()
})

check('drain() rejects when the connection fails', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.pause()
  await connection.read(0)
  pileUp(connection)
  const drained = connection.drain()
  client.resetAndDestroy()
  await assert.rejects(drained, { code: 'ERR_SOCKET_FAILED' })
})

// Proves: docs/semantics.md#write-order
check('strings are sent as UTF-8, and nothing as nothing', async (skynet) => {
  const { client, connection } = await pair(skynet)
  connection.setNoDelay()
  connection.write('界😀')
  connection.write('')
  connection.write(Buffer.alloc(0))
  connection.write('é'.repeat(100_000))
  void connection.close()
  assert.equal((await drink(client)).toString(), `界😀${'é'.repeat(100_000)}`)
})

// --- the end -----------------------------------------------------------------------------------

// Proves: docs/semantics.md#close
check('close() sends 8 MB that were written to a slow reader, then the end', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.pause()
  connection.write(stretch(0, 8 * MB))
  await connection.close()
  assert.equal(connection.isOpen, false)
  assert.throws(() => connection.write('late'), { code: 'ERR_SOCKET_CLOSED' })
  assert.ok((await drink(client)).equals(stretch(0, 8 * MB)))
})

// Proves: docs/semantics.md#close
check('close() gives the end to a read that waits', async (skynet) => {
  const { connection } = await pair(skynet)
  const read = connection.read()
  const closed = connection.close()
  assert.equal(await read, null)
  await closed
  await connection.close()
  assert.equal(await connection.read(), null)
  assert.throws(() => connection.write('late'), { code: 'ERR_SOCKET_CLOSED' })
  await assert.rejects(connection.drain(), { code: 'ERR_SOCKET_CLOSED' })
})

// Proves: docs/semantics.md#close-port
check(
  'close() of a listener and of a UDP socket resolves when the port is free',
  async (skynet) => {
    const place = { host: '127.0.0.1', port: 0 }
    const { socket } = skynet
    for (let cycle = 0; cycle < 100; cycle++) {
      const listener = await socket.listen(place)
      place.port = listener.port
      await (cycle % 2 === 0 ? listener.close() : listener[Symbol.asyncDispose]())
      await listener.close()
    }
    const listener = await socket.listen(place)
    const closing = listener.close()
    assert.equal(listener.close(), closing, 'the same one for all who close it')
    await closing
    const path = `/tmp/skynet-close-${process.pid}.sock`
    for (let cycle = 0; cycle < 100; cycle++) await (await socket.listen({ path })).close()
    for (let cycle = 0; cycle < 100; cycle++) {
      const udp = await socket.udp(place)
      udp.sendTo({ host: '127.0.0.1', port: 9 }, 'leaves')
      await udp.close()
      await udp.close()
    }
  },
)

// Proves: docs/semantics.md#shutdown
check('shutdown() drops what has not left', async (skynet) => {
  const [connection, peer] = await ours(skynet)
  connection.write(stretch(0, 14 * MB))
  connection.shutdown()
  assert.equal(connection.isOpen, false)
  connection.shutdown()
  // The peer reads only when the socket is gone: a reader as fast as the writer could get it all.
  await until('the end of the socket', () => connection.bufferedAmount === 0)
  await assert.rejects(peer.readAll(), { code: 'ERR_SOCKET_FAILED' })
})

// Proves: docs/semantics.md#half-close
check('a peer that has ended can still be answered', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const answer = drink(client)
  client.end('question')
  assert.equal(text(await connection.readAll()), 'question')
  connection.write('answer')
  connection.write(stretch(0, MB))
  await connection.drain()
  await connection.close()
  assert.equal((await answer).length, MB + 6)
})

check('a connection knows its peer', async (skynet) => {
  const { client, connection } = await pair(skynet)
  assert.equal(connection.remoteAddress, `127.0.0.1:${client.localPort}`)
  const [connected, accepted] = await ours(skynet)
  assert.match(connected.remoteAddress, /^127\.0\.0\.1:\d+$/)
  assert.match(accepted.remoteAddress, /^127\.0\.0\.1:\d+$/)
})

check('both ends ours: bytes go both ways at once', async (skynet) => {
  const [left, right] = await ours(skynet)
  const size = 8 * MB
  const pour = async (end: Connection): Promise<void> => {
    for (let at = 0; at < size; at += 100_000) {
      if (!end.write(stretch(at, Math.min(100_000, size - at)))) await end.drain()
    }
  }
  const reads = [left.read(size), right.read(size)]
  await Promise.all([pour(left), pour(right)])
  for (const got of await Promise.all(reads)) assert.ok(got.equals(stretch(0, size)))
})

// --- listening and connecting --------------------------------------------------------------------

// Proves: docs/semantics.md#listen
check('listen() on port 0 says which port it is', async (skynet) => {
  const listener = await listen(skynet)
  assert.ok(listener.port > 0)
  assert.equal(listener.address, `127.0.0.1:${listener.port}`)
  const client = await dial(listener.port)
  assert.equal((await listener.accept())?.remoteAddress, `127.0.0.1:${client.localPort}`)
})

// Proves: docs/semantics.md#listen
check('listen() rejects what cannot be bound', async (skynet) => {
  const { port } = await listen(skynet)
  const inUse = { code: 'ERR_LISTEN', message: /EADDRINUSE/ }
  await assert.rejects(skynet.socket.listen({ host: '127.0.0.1', port }), inUse)
  const other = skynet.socket.listen({ host: '192.0.2.1', port: 0 })
  await assert.rejects(other, { code: 'ERR_LISTEN', message: /EADDRNOTAVAIL/ })
  const unknown = skynet.socket.listen({ host: 'no-such-host.invalid', port: 0 })
  await assert.rejects(unknown, { code: 'ERR_LISTEN' })
  for (const wrong of [-1, 65_536, 1.5]) {
    await assert.rejects(skynet.socket.listen({ port: wrong }), RangeError)
  }
})

// Proves: docs/semantics.md#listener-close
check('a listener that closes ends accept() and what nobody took', async (skynet) => {
  const listener = await listen(skynet)
  const taken = await dial(listener.port)
  const connection = await listener.accept()
  const untaken = await dial(listener.port)
  const ended = once(untaken.resume(), 'end')
  listener.close()
  await ended
  assert.equal(listener.isOpen, false)
  assert.equal(await listener.accept(), null)
  taken.write('still there')
  assert.equal(text(await connection!.read()), 'still there')
  const late = await listen(skynet)
  const accepting = late.accept()
  late.close()
  late.close()
  assert.equal(await accepting, null)
  for await (const _ of late) assert.fail('it is closed')
  await assert.rejects(dial(listener.port), { code: 'ECONNREFUSED' })
})

// Proves: docs/semantics.md#connect-gives-up
check('accept() gives up in time or with its signal, one caller at a time', async (skynet) => {
  const listener = await listen(skynet)
  await assert.rejects(listener.accept({ timeoutMs: 10 }), { code: 'ERR_SOCKET_TIMEOUT' })
  const before = listener.accept({ signal: AbortSignal.abort() })
  await assert.rejects(before, { code: 'ABORT_ERR' })
  const controller = new AbortController()
  const waiting = listener.accept({ signal: controller.signal })
  await assert.rejects(listener.accept(), { code: 'ERR_SOCKET_BUSY' })
  controller.abort()
  await assert.rejects(waiting, { code: 'ABORT_ERR' })
  await dial(listener.port)
  assert.notEqual(await listener.accept(), null)
})

// Proves: docs/semantics.md#listener-close
check('for await over a listener takes everybody, in a burst too', async (skynet) => {
  const listener = await listen(skynet)
  const clients = Promise.all(Array.from({ length: 200 }, () => dial(listener.port)))
  let count = 0
  for await (const connection of listener) {
    connection.write(`${++count}\n`)
    if (count === 200) break
  }
  assert.equal(listener.isOpen, false, 'leaving the loop closes it')
  for (const client of await clients) client.destroy()
})

// Proves: docs/semantics.md#connect
check('connect() rejects when nobody listens, or nobody has that name', async (skynet) => {
  const listener = await listen(skynet)
  const { port } = listener
  listener.close()
  for (const host of ['127.0.0.1', 'localhost']) {
    const refused = skynet.socket.connect({ host, port })
    await assert.rejects(refused, { code: 'ERR_CONNECT', message: /ECONNREFUSED/ })
  }
  const unknown = skynet.socket.connect({ host: 'no-such-host.invalid', port })
  await assert.rejects(unknown, { code: 'ERR_CONNECT' })
  for (const wrong of [0, 65_536]) {
    await assert.rejects(skynet.socket.connect({ port: wrong }), RangeError)
  }
})

// Proves: docs/semantics.md#connect
// Proves: docs/skynet.md#testdns
check('connect() tries every address of a name', async (skynet) => {
  // `localhost` is ::1 and 127.0.0.1 on most machines: the first is refused.
  const { port } = await listen(skynet)
  const connection = await skynet.socket.connect({ host: 'localhost', port })
  assert.equal(connection.remoteAddress, `127.0.0.1:${port}`)
})

/** A listener whose queue is full: further clients get no answer at all. */
async function silentPort(skynet: Skynet): Promise<{ port: number; close: () => void }> {
  const os = posixOs()
  const fd = os.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1)
  const port = portOf(os.localAddress(fd))
  for (;;) {
    const filled = await skynet.socket.connect({ port, timeoutMs: 50 }).catch(() => undefined)
    if (filled === undefined) return { port, close: () => os.close(fd) }
  }
}

// Proves: docs/semantics.md#connect-gives-up
check('connect() gives up in time or with its signal', async (skynet) => {
  const { port, close } = await silentPort(skynet)
  const late = skynet.socket.connect({ port, timeoutMs: 20 })
  await assert.rejects(late, { code: 'ERR_SOCKET_TIMEOUT' })
  const controller = new AbortController()
  const aborted = skynet.socket.connect({ port, signal: controller.signal })
  controller.abort(new Error('enough'))
  await assert.rejects(aborted, { name: 'AbortError', code: 'ABORT_ERR' })
  const before = skynet.socket.connect({ port, signal: AbortSignal.abort() })
  await assert.rejects(before, { name: 'AbortError', code: 'ABORT_ERR' })
  close()
})

// Proves: docs/semantics.md#socket-arguments
check('write() refuses what is no string and no bytes, and the socket goes on', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const received = drink(client)
  const big = { length: 1_000_000 }
  for (const data of [5, true, {}, big, [1, 2], new ArrayBuffer(4), undefined, null, NaN]) {
    assert.throws(() => connection.write(data as unknown as string), /'data' must be a string or/)
    assert.throws(() => skynet.socket.write(connection.id, data as unknown as string), TypeError)
  }
  assert.equal(connection.write('still here'), true)
  await connection.close()
  assert.equal(text(await received), 'still here')
})

// Proves: docs/semantics.md#half-close
check('end() says FIN after what was written, and reading goes on', async (skynet) => {
  const { client, connection } = await pair(skynet)
  let received = 0
  client.on('data', (chunk: Buffer) => {
    received += chunk.length
  })
  const ended = once(client, 'end')
  connection.write(stretch(0, 2 * MB))
  connection.end()
  assert.throws(() => connection.write('more'), { code: 'ERR_SOCKET_CLOSED' })
  await ended
  assert.equal(received, 2 * MB)
  client.end('an answer after your end')
  assert.equal(text(await connection.readAll()), 'an answer after your end')
  await connection.close()
})

// Proves: docs/semantics.md#half-close
check('end() after the end of the peer closes the connection', async (skynet) => {
  const { client, connection } = await pair(skynet)
  const received = drink(client)
  client.end()
  await connection.readAll()
  connection.write('bye')
  connection.end()
  assert.equal(text(await received), 'bye')
  await until('the socket is gone', () => !skynet.socket.write(connection.id, 'x'))
})

// Proves: docs/semantics.md#close-drops
check('what came before close() is not read after it', async (skynet) => {
  const { client, connection } = await pair(skynet)
  client.write('one\ntwo\n')
  assert.equal(await connection.readLine(), 'one')
  const closed = connection.close()
  assert.equal(await connection.readLine(), null)
  await closed
})

// Proves: docs/semantics.md#socket-arguments
check('arguments that make no sense are refused and named', async (skynet) => {
  const { connection } = await pair(skynet)
  const bad = (value: unknown) => value as never
  await assert.rejects(skynet.socket.listen(bad(undefined)), /'options' must be a plain object/)
  await assert.rejects(skynet.socket.listen({ host: '', port: 1 }), /'host' must be a string, not/)
  await assert.rejects(skynet.socket.connect({ host: bad(null), port: 1 }), /'host' must be/)
  await assert.rejects(connection.readLine({ max: NaN }), /'max' must be a whole number in 1/)
  await assert.rejects(connection.read(undefined, { timeoutMs: -1 }), /'timeoutMs' must be/)
  await assert.rejects(connection.read(undefined, { signal: bad(5) }), /'signal' must be an Abort/)
  await assert.rejects(skynet.sleep(bad('')), /'ms' must be a number in 0/)
  await assert.rejects(skynet.sleep(1, bad('x')), /'options' must be a plain object/)
  assert.throws(() => skynet.fork(bad(5)), /'task' must be a function: current value is 5/)
  assert.throws(() => skynet.timeout(1, bad('x')), /'task' must be a function/)
  assert.throws(() => skynet.onExit(bad(undefined)), /'hook' must be a function/)
  assert.throws(() => skynet.register(bad(undefined)), /'name' must be a string/)
  assert.throws(() => skynet.isAlive(1.5), /'address' must be a whole number/)
  assert.throws(
    () => skynet.ref(bad({})),
    /'address' must be a handle, a name or a reference of a service: .* an object/,
  )
  await assert.rejects(
    skynet.kill(bad(null)),
    /'address' must be a handle, a name or a reference of a service: .* null$/,
  )
  await assert.rejects(skynet.newService('./x.ts', { args: bad('xyz') }), /'args' must be an array/)
  await assert.rejects(skynet.newService('./x.ts', bad({ timeout: 5 })), /option 'timeout': there/)
})
