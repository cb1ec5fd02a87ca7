import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { constants, deflateRawSync } from 'node:zlib'
import { setImmediate } from '../../base/event-loop.ts'
import { WEBSOCKET_INFLATE_TURN_BYTES } from '../../base/limits.ts'
import { defineService } from '../../skynet/define-service.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import type { Connection } from '../../sockets/connection.ts'
import { testNode } from '../../testing/test-node.ts'
import { CASES, frame } from './conformance.kit.ts'
import { connections, stream } from './websocket.kit.ts'
import type { WebSocketStream } from './websocket-stream.ts'

/** A server, and who talks to it in bytes. */
async function raw(skynet: Skynet): Promise<{ server: WebSocketStream; peer: Connection }> {
  const [below, peer] = await connections(skynet)
  return { server: stream(skynet, 'server', below, { messageBytesMax: 1000 }), peer }
}

const closeFrame = (code: number | undefined, reason = ''): Buffer => {
  const head = Buffer.alloc(code === undefined ? 0 : 2)
  if (code !== undefined) head.writeUInt16BE(code)
  return Buffer.concat([head, Buffer.from(reason)])
}

/** What is on the wire when a server closes. */
const told = (code: number | undefined, reason = ''): string =>
  frame(8, closeFrame(code, reason), { isMasked: false }).toString('hex')

const hex = (bytes: Buffer): string => bytes.toString('hex')

interface Ends {
  readonly what: string
  /** What the peer does. */
  readonly peer?: (peer: Connection) => void
  /** What we do. */
  readonly here?: (server: WebSocketStream) => unknown
  /** How a receive ends. Absent: null. */
  readonly error?: string
  readonly code: number
  readonly reason?: string
  /** What the peer is told: undefined, nothing. */
  readonly tells: string | undefined
}

/** Who ends a stream, what the other side hears, and what is left to be read. */
const ENDS: readonly Ends[] = [
  { what: 'close()', here: (server) => server.close(), code: 1000, tells: told(1000) },
  {
    what: 'close() with code and reason',
    here: (server) => server.close(4001, 'wolf'),
    code: 4001,
    reason: 'wolf',
    tells: told(4001, 'wolf'),
  },
  {
    what: 'the peer closes',
    peer: (peer) => void peer.write(frame(8, closeFrame(1000))),
    code: 1000,
    tells: told(1000),
  },
  {
    what: 'the peer closes with code and reason',
    peer: (peer) => void peer.write(frame(8, closeFrame(4999, 'bye'))),
    code: 4999,
    reason: 'bye',
    tells: told(4999),
  },
  {
    what: 'the peer closes without a code',
    peer: (peer) => void peer.write(frame(8)),
    code: 1005,
    tells: told(undefined),
  },
  {
    what: 'the peer ends without a word',
    peer: (peer) => peer.end(),
    code: 1006,
    tells: undefined,
  },
  {
    what: 'the peer ends in a message',
    peer(peer) {
      peer.write(frame(1, 'abc').subarray(0, 4))
      peer.end()
    },
    error: 'ERR_FRAME_CUT',
    code: 1006,
    tells: undefined,
  },
  {
    what: 'a protocol error',
    peer: (peer) => void peer.write(frame(3)),
    error: 'ERR_FRAME_MALFORMED',
    code: 1002,
    reason: 'Cannot read a frame: its opcode is 3',
    tells: told(1002, 'Cannot read a frame: its opcode is 3'),
  },
  {
    what: 'a text that is none',
    peer: (peer) => void peer.write(frame(1, Buffer.of(0xff))),
    error: 'ERR_FRAME_MALFORMED',
    code: 1007,
    reason: 'Cannot read a frame: it is no UTF-8',
    tells: told(1007, 'Cannot read a frame: it is no UTF-8'),
  },
  {
    what: 'a message that is too long',
    peer: (peer) => void peer.write(frame(1, '*'.repeat(1001))),
    error: 'ERR_FRAME_TOO_LARGE',
    code: 1009,
    reason: 'Cannot take a frame of 1001 bytes: the limit is 1000',
    tells: told(1009, 'Cannot take a frame of 1001 bytes: the limit is 1000'),
  },
]

for (const { what, peer: act, here, error, code, reason = '', tells } of ENDS) {
  // Proves: docs/websocket.md#close, #close-codes, #violations
  test(`WebSocketStream: ${what}`, async () => {
    await using node = await testNode()
    const { server, peer } = await raw(node.skynet)
    assert.equal(server.closeCode, undefined)
    const received = server.receive()
    act?.(peer)
    await here?.(server)
    if (error === undefined) assert.equal(await received, null)
    else await assert.rejects(received, { code: error })
    assert.equal(hex(await peer.readAll()), tells ?? '')
    assert.deepEqual([server.isOpen, server.closeCode, server.closeReason], [false, code, reason])
    assert.throws(() => server.send('late'), { code: 'ERR_SOCKET_CLOSED' })
    await assert.rejects(server.ping(), { code: 'ERR_SOCKET_CLOSED' })
    await server.close(4321)
    assert.equal(server.closeCode, code)
    if (error === undefined) assert.equal(await server.receive(), null)
    else await assert.rejects(server.receive(), { code: error })
  })
}

test('WebSocketStream: a connection that fails is 1006', async () => {
  await using node = await testNode()
  const [below] = await connections(node.skynet)
  const server = stream(node.skynet, 'server', below)
  const received = server.receive()
  below.configure({ idleTimeoutMs: 1 })
  await assert.rejects(received, { code: 'ERR_SOCKET_FAILED' })
  assert.deepEqual([server.isOpen, server.closeCode], [false, 1006])
})

// Proves: docs/websocket.md#stays
// Proves: docs/semantics.md#handover-refused
test('WebSocketStream: another service that wants its connection is refused', async () => {
  await using node = await testNode()
  const { server, peer } = await raw(node.skynet)
  const other = await node.launch(
    defineService((skynet) => ({ take: (id: number) => skynet.socket.start(id).then(() => {}) })),
  )
  const received = server.receive()
  const bytes = frame(1, Buffer.from('a message'))
  // In the middle of a frame, and again while nobody reads.
  peer.write(bytes.subarray(0, 7))
  await assert.rejects(other.call.take(server.id), {
    code: 'ERR_SOCKET_STATE',
    message: /what it carries stays with its service/,
  })
  peer.write(bytes.subarray(7))
  assert.equal(await received, 'a message')
  await assert.rejects(other.call.take(server.id), { code: 'ERR_SOCKET_STATE' })
  peer.write(frame(1, Buffer.from('more')))
  assert.equal(await server.receive(), 'more')
  assert.equal(server.isOpen, true)
  await server.close()
  peer.shutdown()
})

for (const isPlain of [false, true]) {
  // Proves: docs/websocket.md#away, #close-codes
  test(`WebSocketStream: its service ends${isPlain ? ', on any stream' : ''}`, async () => {
    await using node = await testNode()
    const [near, far] = await connections(node.skynet)
    const client = stream(node.skynet, 'client', far)
    let server!: WebSocketStream
    let received!: Promise<unknown>
    const owner = await node.launch(
      defineService((skynet) => ({
        async take(id: number) {
          server = stream(skynet, 'server', await skynet.socket.start(id), { isPlain })
          received = assert.rejects(server.receive(), { code: 'ERR_SERVICE_EXITED' })
          skynet.onExit(async () => {
            for (let i = 0; i < 20; i++) await new Promise(setImmediate)
            server.send('last words')
          })
        },
        leave: () => skynet.exit(),
      })),
    )
    await owner.call.take(near.id)
    owner.send.leave()
    assert.equal(await client.receive(), 'last words')
    assert.equal(await client.receive(), null)
    await received
    assert.deepEqual([client.closeCode, server.closeCode], [1001, 1001])
    await server.close(4000).catch(() => {})
    assert.equal(server.closeCode, 1001)
  })
}

// Proves: docs/websocket.md#violations
test('WebSocketStream: every violation of the table is told with its code', async () => {
  await using node = await testNode()
  for (const {
    name,
    bytes,
    ending,
    messageBytesMax = 70_000,
    reads = 'server',
    deflates,
  } of CASES) {
    if (typeof ending === 'string' || !('violation' in ending) || reads === 'client') continue
    const [below, peer] = await connections(node.skynet)
    const options = { messageBytesMax, deflate: deflates === true, binary: true }
    const server = stream(node.skynet, reads, below, options)
    peer.write(bytes)
    const done = server.each(() => {})
    await assert.rejects(done, /Cannot (read|take) a frame/, name)
    const said = await peer.readAll()
    // Pongs may come before it.
    const at = said.lastIndexOf(0x88)
    assert.equal(said.readUInt16BE(at + 2), ending.violation, name)
  }
})

// Proves: docs/websocket.md#text
test('send() and receive() tell texts from bytes', async () => {
  await using node = await testNode()
  const [near, far] = await connections(node.skynet)
  const server = stream(node.skynet, 'server', near)
  const client = stream(node.skynet, 'client', far)
  const messages = ['', 'wolf', 'κόσμε 😀', 'x'.repeat(70_000), Buffer.of(), Buffer.of(0, 255)]
  for (const message of messages) server.send(message)
  for (const message of messages) assert.deepEqual(await client.receive(), message)
  const got: unknown[] = []
  const done = server.each((message) => {
    got.push(message)
  })
  for (const message of messages) client.send(message)
  await client.close()
  await done
  assert.deepEqual(got, messages)
  assert.deepEqual([server.closeCode, client.closeCode], [1000, 1000])
})

// Proves: docs/websocket.md#compression
test('send() compresses from 1 KiB on, when that makes it shorter', async () => {
  await using node = await testNode()
  const [near, far] = await connections(node.skynet)
  const server = stream(node.skynet, 'server', near, { deflate: true })
  const client = stream(node.skynet, 'client', far, { deflate: true })
  const text = 'wolf '.repeat(1000)
  for (const message of [text, Buffer.from(text), 'x'.repeat(1023), 'x'.repeat(1024)]) {
    server.send(message)
    assert.deepEqual(await client.receive(), message)
    client.send(message)
    assert.deepEqual(await server.receive(), message)
  }
  const [alone, peer] = await connections(node.skynet)
  const sender = stream(node.skynet, 'server', alone, { deflate: true })
  sender.send(text)
  sender.send('x'.repeat(1023))
  const noise = randomBytes(2000)
  sender.send(noise)
  await sender.close()
  const bytes = await peer.readAll()
  assert.equal(bytes[0], 0xc1)
  assert.ok(bytes.length < 1027 + 2004 + 4 + 200)
  assert.ok(bytes.includes(Buffer.concat([Buffer.of(0x82, 126, 0x07, 0xd0), noise])))
})

// Proves: docs/websocket.md#ping
test('ping() resolves with its pong, or that of a later one', async () => {
  await using node = await testNode()
  const { server, peer } = await raw(node.skynet)
  const done = server.each(() => {})
  const first = server.ping()
  const second = server.ping()
  const pings = await peer.read(12)
  peer.write(frame(10, 'nobody asked'))
  peer.write(frame(10, pings.subarray(8, 12)))
  for (const ms of [await first, await second]) assert.ok(ms >= 0)
  await assert.rejects(server.ping({ timeoutMs: 5 }), { code: 'ERR_SOCKET_TIMEOUT' })
  await assert.rejects(server.ping({ timeout: 5 } as never), TypeError)
  const open = Array.from({ length: 64 }, () => server.ping())
  await assert.rejects(server.ping(), { code: 'ERR_SOCKET_BUSY' })
  const ended = Promise.allSettled(open)
  await server.close()
  assert.ok((await ended).every((each) => each.status === 'rejected'))
  await done
})

// Proves: docs/websocket.md#pong
test('pings are answered; of those whose pongs do not leave, the last one', async () => {
  await using node = await testNode()
  const { server, peer } = await raw(node.skynet)
  const messages: unknown[] = []
  const done = server.each((message) => {
    messages.push(message)
  })
  peer.write(Buffer.concat([frame(9, 'a'), frame(1, 'text'), frame(9, '')]))
  assert.equal((await peer.read(5)).toString('latin1'), '\x8a\x01a\x8a\x00')
  const payload = '*'.repeat(100)
  const flood = Buffer.concat(Array<Buffer>(20_000).fill(frame(9, payload)))
  let waiting = 0
  for (let i = 0; i < 20; i++) {
    peer.write(flood)
    peer.write(frame(9, `last ${i}`))
    peer.write(frame(1, 'here'))
    const count = messages.length
    while (messages.length === count) await new Promise(setImmediate)
    waiting = Math.max(waiting, server.bufferedAmount)
  }
  assert.ok(waiting <= 16 * 1024 + 131, `${waiting}`)
  let pongs = ''
  while (!pongs.endsWith('last 19')) pongs += (await peer.read())!.toString('latin1')
  await server.close()
  await done
})

// Proves: docs/websocket.md#inflate-turns
// Proves: docs/limits.md#websocket-inflate-turn
test('who inflates much lets others have a turn before the next message', async () => {
  await using node = await testNode()
  const bomb = deflateRawSync(Buffer.alloc(WEBSOCKET_INFLATE_TURN_BYTES), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).subarray(0, -4)
  const bombs = Buffer.concat(new Array(4).fill(frame(2, bomb, { isMasked: true, bits: 0xc0 })))
  const small = frame(2, 'x', { isMasked: true })
  for (const [bytes, turns] of [
    [bombs, [0, 1, 2, 3]],
    [Buffer.concat([small, small, small, small]), [0, 0, 0, 0]],
  ] as const) {
    const ways: Readonly<Record<string, (from: WebSocketStream, got: () => void) => unknown>> = {
      each: (from, got) => from.each(got),
      async receive(from, got) {
        while ((await from.receive()) !== null) got()
      },
    }
    for (const [name, way] of Object.entries(ways)) {
      const [near, far] = await connections(node.skynet)
      const server = stream(node.skynet, 'server', near, { deflate: true })
      far.write(bytes)
      // All has come before the first one is taken.
      await node.settled()
      const got: number[] = []
      let turn = 0
      const others = (): void => {
        turn++
        if (got.length < 4) setImmediate(others)
      }
      const reading = way(server, () => {
        if (got.length === 0) setImmediate(others)
        got.push(turn)
      })
      far.end()
      await reading
      assert.equal(new Set(got).size, new Set(turns).size, `${name}: ${got}`)
    }
  }
})

// Proves: docs/websocket.md#inflate-rate
test('whose messages make too much a second is told 1008, behind what came before', async () => {
  await using node = await testNode()
  const zipped = deflateRawSync(Buffer.alloc(1000), { finishFlush: constants.Z_SYNC_FLUSH })
  const message = frame(2, zipped.subarray(0, -4), { isMasked: true, bits: 0xc0 })
  const plainOne = frame(2, Buffer.alloc(1000), { isMasked: true })
  const [near, far] = await connections(node.skynet)
  const limits = { messageBytesMax: 1000, inflateBytesPerSecond: 1 }
  const server = stream(node.skynet, 'server', near, { deflate: true, ...limits })
  far.write(Buffer.concat([plainOne, message, plainOne, message, plainOne]))
  for (let i = 0; i < 3; i++) assert.equal((await server.receive())?.length, 1000)
  await assert.rejects(server.receive(), { code: 'ERR_INFLATE_RATE', info: { limit: 1 } })
  assert.equal(server.closeCode, 1008)
  const told = await far.read()
  assert.deepEqual([told![0], told!.readUInt16BE(2)], [0x88, 1008])
})
