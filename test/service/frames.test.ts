/** Frames on connections: what the contract of messages does not say. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type Connection, frameEncoder, type MessageStream, type Skynet } from 'skynet-ts'
import type taker from '../fixtures/frame-taker.ts'
import { serviceTest } from '../support/run.ts'
import { dial, drink, listen, ours, pair } from '../support/sockets.ts'
import { until } from '../support/until.ts'

const U16 = { header: 'u16be', max: 1000 } as const
const encode = frameEncoder(U16)
const text = (message: Buffer | null): string | undefined => message?.toString()

const check = (title: string, body: (skynet: Skynet) => Promise<void>): void =>
  serviceTest(import.meta.url, title, body)

// Proves: docs/frames.md#read-refused
check('a connection with frames is read by them alone, and has them once', async (skynet) => {
  const [near, far] = await ours(skynet)
  far.write('GET /\n')
  far.write(encode('one'))
  assert.equal(await near.readLine(), 'GET /')
  const giveUp = new AbortController()
  const waiting = near.read(1000, { signal: giveUp.signal })
  assert.throws(() => near.frames(U16), { code: 'ERR_SOCKET_BUSY' })
  giveUp.abort()
  await assert.rejects(waiting, { code: 'ABORT_ERR' })
  const messages = near.frames(U16)
  const refused = { code: 'ERR_SOCKET_STATE', message: /read by its frames/ }
  await assert.rejects(near.read(), refused)
  await assert.rejects(near.read(1), refused)
  await assert.rejects(near.readLine(), refused)
  await assert.rejects(near.readAll(), refused)
  await assert.rejects(near.lines().next(), refused)
  await assert.rejects(near[Symbol.asyncIterator]().next(), refused)
  assert.throws(() => near.frames(U16), refused)
  assert.equal(text(await messages.receive()), 'one')
  near.write('bytes may be written')
  assert.equal(text(await far.read(20)), 'bytes may be written')
})

// Proves: docs/frames.md#half-kept
check('a receive that gives up in the middle of a frame loses no byte of it', async (skynet) => {
  const [near, far] = await ours(skynet)
  const messages = near.frames(U16)
  const bytes = encode('abcdef')
  for (let at = 0; at < bytes.length - 1; at++) {
    far.write(bytes.subarray(at, at + 1))
    await assert.rejects(messages.receive({ timeoutMs: 2 }), { code: 'ERR_SOCKET_TIMEOUT' })
  }
  far.write(bytes.subarray(-1))
  assert.equal(text(await messages.receive()), 'abcdef')
})

async function receiveAll(stream: MessageStream): Promise<string[]> {
  const messages: string[] = []
  await stream.each((message) => void messages.push(message.toString()))
  return messages
}

// Proves: docs/frames.md#handover
check('a connection that moves takes along what was in no message', async (skynet) => {
  for (const received of [0, 1, 2]) {
    const { client, connection } = await pair(skynet)
    const messages = connection.frames(U16)
    client.write(Buffer.concat(['one', 'two', 'three'].map(encode)))
    client.write(encode('four').subarray(0, 3))
    for (let i = 0; i < received; i++) await messages.receive()
    const moved = messages.receive().catch((error: { code: string }) => error.code)
    const path = '../fixtures/frame-taker.ts'
    const next = await skynet.newService<typeof taker>(path, { args: [connection.id] })
    client.end(encode('four').subarray(3))
    const got = await next.call.messages()
    const first = await moved
    const all = ['one', 'two', 'three', 'four']
    if (first !== 'ERR_SOCKET_MOVED') assert.equal(text(first as Buffer), all[received])
    assert.deepEqual(got, all.slice(first === 'ERR_SOCKET_MOVED' ? received : received + 1))
    await assert.rejects(messages.receive(), { code: 'ERR_SOCKET_MOVED' })
    assert.throws(() => messages.send('x'), { code: 'ERR_SOCKET_CLOSED' })
  }
})

/** Fill it, with a peer that does not read. */
function overflow(connection: Connection, stream: MessageStream): void {
  while (connection.dropped === 0) stream.send('x'.repeat(1000))
}

// Proves: docs/frames.md#dropped
check('a message that a policy drops is dropped whole, and counted', async (skynet) => {
  const { client, connection } = await pair(skynet)
  connection.configure({ sendPolicy: 'drop-new', sendLimitBytes: 1_000_003 })
  const stream = connection.frames(U16)
  await connection.drain()
  client.pause()
  overflow(connection, stream)
  // Something may leave still: then there is room for one more.
  for (let isTaken = true; isTaken; ) {
    const { dropped } = connection
    isTaken = stream.send('x'.repeat(1000))
    assert.equal(connection.dropped, isTaken ? dropped : dropped + 1)
  }
  const drunk = drink(client)
  await connection.drain()
  await stream.close()
  const bytes = await drunk
  assert.equal(bytes.length % 1002, 0)
  for (let at = 0; at < bytes.length; at += 1002) assert.equal(bytes.readUInt16BE(at), 1000)
})

// Proves: docs/frames.md#broadcast
check('a message that is encoded once goes to many', async (skynet) => {
  const pairs = await Promise.all([ours(skynet), ours(skynet), ours(skynet)])
  const streams = pairs.map(([near]) => near.frames(U16))
  const ids = pairs.map(([near]) => near.id)
  for (const stream of streams) stream.send('before')
  skynet.socket.broadcast(ids, encode('to all'))
  for (const stream of streams) void stream.close()
  for (const [, far] of pairs) {
    assert.deepEqual(await receiveAll(far.frames(U16)), ['before', 'to all'])
  }
})

// Proves: docs/frames.md#scope
check(
  'each() calls in the scope of who called it, also when a store comes later',
  async (skynet) => {
    const [near, far] = await ours(skynet)
    const [stream, sender] = [near.frames(U16), far.frames(U16)]
    const store = new AsyncLocalStorage<string>()
    const section = skynet.queue()
    const seen: unknown[] = []
    const done = section(() =>
      // It would wait for itself if it were not known to be in there already.
      stream.each((message) => section(() => void seen.push(`${message}`))),
    )
    sender.send('a')
    await until('a message was taken', () => seen.length > 0)
    await stream.close()
    await done
    assert.deepEqual(seen, ['a'])
    const [other, its] = (await ours(skynet)).map((end) => end.frames(U16))
    const stores: unknown[] = []
    const all = store.run('mine', () => other!.each(() => void stores.push(store.getStore())))
    for (let i = 1; i <= 3; i++) {
      store.run('another', () => its!.send('b'))
      await until('it was taken', () => stores.length === i)
    }
    await its!.close()
    await all
    assert.deepEqual(stores, ['mine', 'mine', 'mine'])
  },
)

const PEERS = 100
const MESSAGES = 40

/** Messages of a peer, of lengths up to 1000, each with its number. */
const said = (peer: number): string[] =>
  Array.from({ length: MESSAGES }, (_, i) => `${peer}.${i}`.padEnd((peer * i * 7) % 1000, 'x'))

/** Write them cut at places that differ from peer to peer, and tell what comes back. */
async function converse(port: number, peer: number): Promise<Buffer> {
  const client = await dial(port)
  const bytes = Buffer.concat(said(peer).map(encode))
  const step = 1 + ((peer * 37) % 2000)
  const drunk = drink(client)
  for (let at = 0; at < bytes.length; at += step) {
    const isTaken = client.write(bytes.subarray(at, at + step))
    if (!isTaken) await once(client, 'drain')
    else if (at % 3 === 0) await turn()
  }
  client.end()
  return drunk
}

// Proves: docs/frames.md#headers
check('what a hundred peers say, cut anywhere, comes back whole and in order', async (skynet) => {
  const listener = await listen(skynet)
  const serve = async (connection: Connection): Promise<void> => {
    const stream = connection.frames(U16)
    let count = 0
    await stream.each((message) => {
      const hasRoom = stream.send(message)
      if (++count % 5 === 0) return skynet.yield()
      return hasRoom && count % 7 !== 0 ? undefined : stream.drain()
    })
    await stream.close()
  }
  skynet.fork(async () => {
    for await (const connection of listener) skynet.fork(serve, connection)
  })
  const peers = Array.from({ length: PEERS }, (_, peer) => peer)
  const answers = await Promise.all(peers.map((peer) => converse(listener.port, peer)))
  for (const peer of peers) {
    assert.ok(answers[peer]!.equals(Buffer.concat(said(peer).map(encode))), `peer ${peer}`)
  }
  await listener.close()
})

interface Move {
  readonly x: number
}

// Proves: docs/frames.md#codec
check(
  'types of messages follow from the codec; a message it refuses is gone alone',
  async (skynet) => {
    const [near, far] = await ours(skynet)
    const codec = {
      encode: (move: Move) => JSON.stringify(move),
      decode: (bytes: Buffer) => JSON.parse(bytes.toString()) as Move,
    }
    const moves = near.frames({ ...U16, codec })
    const players = far.frames({ ...U16, codec })
    players.send({ x: 1 })
    far.write(encode('no JSON'))
    far.write(encode('null'))
    players.send({ x: 3 })
    const first: Move | null = await moves.receive()
    assert.deepEqual(first, { x: 1 })
    await assert.rejects(moves.receive(), SyntaxError)
    await assert.rejects(moves.receive(), { code: 'ERR_FRAME_MALFORMED', message: /null/ })
    assert.deepEqual(await moves.receive(), { x: 3 })
    // @ts-expect-error A move has a number.
    players.send({ x: 'far' })
    // @ts-expect-error With a codec, bytes are no message.
    players.send(Buffer.alloc(1))
    // @ts-expect-error A codec decodes too.
    assert.throws(() => near.frames({ ...U16, codec: { encode: codec.encode } }), TypeError)
  },
)
