import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { asyncProperty, assert as holds, nat, uniqueArray } from 'fast-check'
import { DUPLEX_PIECE_BYTES, DUPLEX_UNSENT_BYTES } from '../base/limits.ts'
import type { Connection } from '../sockets/connection.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import type { TestClient } from '../testing/test-client.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { StreamDuplex } from './duplex.ts'

interface Scene {
  readonly node: TestNode
  readonly clock: FakeClock
  readonly far: TestClient
  readonly stream: Connection
  readonly near: StreamDuplex
}

async function scene(t: TestContext): Promise<Scene> {
  const clock = new FakeClock()
  const node = await testNode({ clock })
  t.after(() => node.stop())
  const [far, id] = node.connection()
  const stream = await node.skynet.socket.start(id)
  return { node, clock, far, stream, near: new StreamDuplex(node.skynet, stream) }
}

/** What comes of it, while the node does all that it has to do. */
async function during<T>({ node }: Scene, promise: Promise<T>): Promise<T> {
  let isOver = false
  const over = (): void => {
    isOver = true
  }
  promise.then(over, over)
  while (!isOver) await node.settled()
  return promise
}

/** So many bytes, each other than its neighbours. */
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let at = 0; at < length; at++) bytes[at] = at * 7
  return bytes
}

test('StreamDuplex brings both ways, and the ends of both', async (t) => {
  const all = await scene(t)
  const { far, near } = all
  const heard = near.toArray()
  const closed = once(near, 'close')
  far.write('abc')
  far.end()
  near.write('é', 'latin1')
  near.write('é')
  near.end(Buffer.from('!'))
  const bytes = Buffer.concat(await during(all, heard))
  assert.equal(bytes.toString(), 'abc')
  assert.equal((await far.readAll()).toString('hex'), 'e9c3a921')
  await during(all, closed)
})

test('StreamDuplex knows its peer', async (t) => {
  const { node, far, near } = await scene(t)
  assert.equal(`${near.remoteAddress}:${near.remotePort}`, far.localAddress)
  assert.equal(near.remoteFamily, 'IPv4')
  assert.equal(near.encrypted, false)
  const other = { read() {}, write() {}, remoteAddress: '[fe80::1]:80', encrypted: true }
  const of = new StreamDuplex(node.skynet, other as never)
  assert.deepEqual(
    [of.remoteAddress, of.remotePort, of.remoteFamily, of.encrypted],
    ['fe80::1', 80, 'IPv6', true],
  )
})

test('StreamDuplex refuses what is no stream', async (t) => {
  const { node } = await scene(t)
  for (const none of [{}, undefined, Promise.resolve(), 'x']) {
    const message = /'stream' must be a byte stream: current value is/
    assert.throws(() => new StreamDuplex(node.skynet, none as never), message)
  }
})

// Proves: docs/http.md#duplex-pressure
test('StreamDuplex reads no more than somebody wants', async (t) => {
  const all = await scene(t)
  const { node, far, near, stream } = all
  near.pause()
  far.write(pattern(4 * 1024 * 1024))
  await node.settled()
  near.read(0)
  await node.settled()
  assert.ok(near.readableLength < 512 * 1024, `${near.readableLength} bytes are kept`)
  assert.ok(far.bufferedAmount > 0, 'the peer does not wait')
  let count = 0
  near.on('data', (chunk: Buffer) => {
    count += chunk.length
  })
  far.end()
  near.resume()
  await during(all, once(near, 'end'))
  assert.equal(count, 4 * 1024 * 1024)
  assert.equal(stream.isOpen, true)
})

// Proves: docs/http.md#duplex-pressure
test('StreamDuplex writes no more than may wait, in pieces, and nothing is lost', async (t) => {
  const { node, far, near, stream } = await scene(t)
  const bytes = pattern(20 * 1024 * 1024)
  let isDone = false
  near.write(bytes, () => {
    isDone = true
  })
  near.end('the end')
  await node.settled()
  assert.equal(isDone, false)
  assert.ok(stream.bufferedAmount <= DUPLEX_UNSENT_BYTES + DUPLEX_PIECE_BYTES)
  const all = await far.readAll()
  assert.ok(all.equals(Buffer.concat([bytes, Buffer.from('the end')])))
  assert.ok(isDone)
})

// Proves: docs/http.md#duplex-failure
test('StreamDuplex joins what is written at once, and keeps it in order', async (t) => {
  const all = await scene(t)
  const { far, near } = all
  const sizes = [1, 0, 15, 16 * 1024, 100, DUPLEX_PIECE_BYTES, 3, 2 * DUPLEX_PIECE_BYTES + 1, 7]
  const parts = sizes.map((size, at) => pattern(size + at).subarray(at))
  near.cork()
  for (const part of parts) near.write(part)
  near.write('é')
  near.write('é', 'latin1')
  near.uncork()
  for (const part of parts) near.write(part)
  near.end()
  const once = Buffer.concat(parts)
  const expected = Buffer.concat([once, Buffer.from('é'), Buffer.from('é', 'latin1'), once])
  const got = await far.readAll()
  assert.equal(got.length, expected.length)
  assert.ok(got.equals(expected))
})

test('StreamDuplex fails a write of which nothing leaves in time', async (t) => {
  const all = await scene(t)
  const { node, clock } = all
  const [far, id] = node.connection()
  const stream = await node.skynet.socket.start(id)
  const near = new StreamDuplex(node.skynet, stream, { writeTimeoutMs: 1000 })
  const errors: unknown[] = []
  near.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code))
  near.write(pattern(8 * 1024 * 1024))
  for (let i = 0; i < 5; i++) {
    await clock.advance(900)
    // It is slow, but it reads.
    await far.read(200_000)
    await node.settled()
  }
  assert.deepEqual(errors, [])
  await clock.advance(2100)
  assert.deepEqual(errors, ['ERR_SOCKET_TIMEOUT'])
  assert.throws(() => new StreamDuplex(node.skynet, stream, { writeTimeout: 1 } as never), {
    message: /'writeTimeout'/,
  })
})

test('StreamDuplex fails with the error of its stream', async (t) => {
  const all = await scene(t)
  const { near, stream, clock } = all
  near.resume()
  const failed = once(near, 'error')
  stream.configure({ idleTimeoutMs: 1 })
  await clock.advance(1000)
  const [error] = await during(all, failed)
  assert.equal(error.code, 'ERR_SOCKET_FAILED')
  assert.equal(near.destroyed, true)
})

test('StreamDuplex fails a write to what is closed, which waits', async (t) => {
  const all = await scene(t)
  const { node, near, stream } = all
  const failed = once(near, 'error')
  near.write(pattern(8 * 1024 * 1024))
  await node.settled()
  await during(all, stream.close())
  const [error] = await during(all, failed)
  assert.equal(error.code, 'ERR_SOCKET_CLOSED')
})

// Proves: docs/http.md#duplex-close
test('destroy() closes the stream, and what was written still leaves', async (t) => {
  const { far, near, stream } = await scene(t)
  near.resume()
  near.write('last words')
  near.destroy()
  assert.equal((await far.readAll()).toString(), 'last words')
  assert.equal(stream.isOpen, false)
})

test('destroySoon() is after what was written', async (t) => {
  const all = await scene(t)
  const { far, near } = all
  const bytes = pattern(3 * 1024 * 1024)
  near.write(bytes)
  const closed = once(near, 'close')
  near.destroySoon()
  assert.ok((await far.readAll()).equals(bytes))
  await during(all, closed)
  assert.equal(near.destroyed, true)
})

test('setTimeout() tells once that nothing happens, and again when something has', async (t) => {
  const { node, far, near, clock } = await scene(t)
  let count = 0
  near.on('timeout', () => count++)
  near.resume()
  near.setTimeout(1000)
  await clock.advance(900)
  far.write('x')
  await node.settled()
  await clock.advance(900)
  assert.equal(count, 0)
  await clock.advance(200)
  assert.equal(count, 1)
  await clock.advance(5000)
  assert.equal(count, 1)
  near.write('y')
  await clock.advance(1000)
  assert.equal(count, 2)
  near.setTimeout(500)
  near.setTimeout(0)
  await clock.advance(5000)
  assert.equal(count, 2)
  near.setTimeout(2000, () => count++)
  near.setTimeout(100)
  await clock.advance(150)
  assert.equal(count, 4)
})

// Proves: docs/http.md#duplex-detach
test('detach() loses no byte, however it comes and wherever it is cut', async (t) => {
  const { node } = await scene(t)
  const bytes = pattern(64)
  const cut = nat(bytes.length)
  const run = async (cuts: readonly number[], taken: number, turns: number): Promise<void> => {
    const [far, id] = node.connection()
    const near = new StreamDuplex(node.skynet, await node.skynet.socket.start(id))
    const heard: Buffer[] = []
    near.on('readable', () => {
      while (heard.length < taken) {
        const byte = near.read(1)
        if (byte === null) return
        heard.push(byte)
      }
    })
    const edges = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
    for (let at = 1; at < edges.length; at++) {
      far.write(bytes.subarray(edges[at - 1], edges[at]))
      if (at % 2 === 0) await node.settled()
    }
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    near.removeAllListeners('readable')
    const stream = near.detach(heard.length > 0 ? heard.pop() : undefined)
    far.write('.')
    far.end()
    const rest: Buffer[] = []
    for await (const chunk of stream) rest.push(chunk)
    const all = Buffer.concat([...heard, ...rest])
    assert.equal(all.toString('hex'), `${bytes.toString('hex')}2e`)
    assert.equal(near.destroyed, true)
  }
  await holds(asyncProperty(uniqueArray(cut), cut, nat(20), run), { numRuns: 100 })
})

test('detach() while a read waits: the next reader gets what it brings, or gives up', async (t) => {
  const { node, far, near, clock } = await scene(t)
  near.resume()
  await node.settled()
  const stream = near.detach(Buffer.from('ab'))
  assert.equal((await stream.read(2)).toString(), 'ab')
  const late = stream.read(undefined, { timeoutMs: 10 })
  await assert.rejects(stream.read(), { code: 'ERR_SOCKET_BUSY' })
  await Promise.all([assert.rejects(late, { code: 'ERR_SOCKET_TIMEOUT' }), clock.advance(20)])
  const count = stream.read(3)
  far.write('c')
  await node.settled()
  far.write('de')
  assert.equal((await count).toString(), 'cde')
  far.end()
  assert.equal(await stream.read(), null)
  stream.write('more')
  await stream.close()
  assert.equal((await far.readAll()).toString(), 'more')
})

test('detach() is refused while written bytes wait, and changes nothing', async (t) => {
  const { far, near } = await scene(t)
  const bytes = pattern(2 * 1024 * 1024)
  near.write(bytes)
  assert.throws(() => near.detach(), { code: 'ERR_SOCKET_STATE' })
  near.end()
  assert.ok((await far.readAll()).equals(bytes))
})
