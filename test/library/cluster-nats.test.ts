/** The way between nodes, and the store, over a real server of NATS. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { natsCluster } from 'skynet-ts/cluster-nats'
import { natsEnd, startedEnd, watched } from '../support/nats-scene.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer } from '../support/nats-server.ts'
import { until } from '../support/until.ts'

const isInstalled = isNatsInstalled()
let server: NatsServer
let starting: Promise<NatsServer> | undefined
/** Each test has a cluster of its own. */
let clusters = 0

after(() => server?.[Symbol.asyncDispose]())

if (!isInstalled) test('the store and the transport of NATS', (t) => t.diagnostic(NATS_LEFT_OUT))

function natsTest(title: string, body: () => void | Promise<void>): void {
  if (!isInstalled) return
  test(title, async () => {
    // Not before all tests: they are those of other files as well.
    starting ??= NatsServer.start()
    server = await starting
    clusters++
    await body()
  })
}

const options = (node: string, cluster = `c${clusters}`) => ({ servers: server.url, cluster, node })
const bytes = (text: string): Uint8Array => Buffer.from(text)

natsTest('cas() writes at a revision, and refuses at another', async () => {
  await using end = natsEnd(options('a'))
  const { store } = end
  const { era, ageMs } = await store.open()
  assert.ok(Math.abs(era - Date.now()) < 60_000)
  assert.equal(ageMs, 0)
  const first = await store.cas('node.a', bytes('one'), 0)
  assert.equal(first, 1)
  await assert.rejects(store.cas('node.a', bytes('two'), 0), { code: 'ERR_STORE_CONFLICT' })
  const second = await store.cas('node.a', bytes('two'), first)
  await assert.rejects(store.cas('node.a', undefined, first), { code: 'ERR_STORE_CONFLICT' })
  assert.deepEqual(await store.get('node.a'), {
    key: 'node.a',
    revision: second,
    value: Buffer.from('two'),
  })
  const deleted = await store.cas('node.a', undefined, second)
  assert.deepEqual(await store.get('node.a'), {
    key: 'node.a',
    revision: deleted,
    value: undefined,
  })
  assert.equal(await store.get('node.b'), undefined)
  assert.equal(await store.cas('node.a', bytes('three'), 0), deleted + 1)
  const again = await store.open()
  assert.equal(again.era, era)
  // Of the last write: until then it was there.
  assert.ok(again.ageMs! > 0)
})

// Proves: docs/cluster-nats.md#store
natsTest('of many that create one key, one is first', async () => {
  await using end = natsEnd(options('a'))
  await end.store.open()
  const tries = Array.from({ length: 20 }, (_, i) => end.store.cas('name.x', bytes(`${i}`), 0))
  const ends = await Promise.allSettled(tries)
  assert.equal(ends.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const each of ends) {
    if (each.status === 'rejected') assert.equal(each.reason.code, 'ERR_STORE_CONFLICT')
  }
})

natsTest('a watch tells what there is, then each change, in order', async () => {
  await using a = natsEnd(options('a'))
  await using b = natsEnd(options('b'))
  await a.store.open()
  await b.store.open()
  const revision = await a.store.cas('name..lobby', bytes('a'), 0)
  await a.store.cas('node.a b*>', bytes('umlaut ä'), 0)
  const watch = watched(b.store)
  await watch.ready
  assert.deepEqual(watch.entries, ['name..lobby = a', 'node.a b*> = umlaut ä'])
  await a.store.cas('name..lobby', undefined, revision)
  await a.store.cas('node.ä', bytes('c'), 0)
  await until('changes', () => watch.entries.length === 4)
  assert.deepEqual(watch.entries.slice(2), ['name..lobby deleted', 'node.ä = c'])
  watch.close()
  assert.deepEqual(watch.lost, [])
})

// Proves: docs/limits.md#nats-room
natsTest('what is too large for the store, or has no room at its server, is refused', async () => {
  await using small = await NatsServer.start({
    jetstream: false,
    config: 'jetstream { max_memory_store: 64k }',
  })
  await using end = natsEnd({ ...options('a'), servers: small.url })
  await end.store.open()
  const refused = { code: 'ERR_STORE_FULL' }
  const most = Buffer.alloc(16 * 1024)
  await assert.rejects(end.store.cas('node.x', Buffer.alloc(most.length + 1), 0), refused)
  // The server looks at its limit behind a write.
  for (const key of ['a', 'b', 'c', 'd']) await end.store.cas(`node.${key}`, most, 0)
  await assert.rejects(end.store.cas('node.e', most, 0), refused)
  assert.equal(await end.store.get('node.e'), undefined)
})

natsTest('open() of what is open changes nothing', async () => {
  await using a = await startedEnd(options('a'), 1)
  await a.transport.open()
  a.transport.beat(bytes('one'))
  a.transport.beat(bytes('two'))
  await until('the echo', () => a.told.beats.includes('two'))
  assert.equal(a.told.beats.filter((text) => text === 'one').length, 1)
})

natsTest('a watch of an empty store is ready', async () => {
  await using end = natsEnd(options('a'))
  await end.store.open()
  const watch = watched(end.store)
  await watch.ready
  assert.deepEqual(watch.entries, [])
  await end.store.close()
  assert.deepEqual(watch.lost, [])
})

natsTest('before open(), and after close(), a store says that it is lost', async () => {
  await using end = natsEnd(options('a'))
  const lost = { code: 'ERR_STORE_LOST' }
  await assert.rejects(end.store.cas('node.a', bytes('x'), 0), lost)
  await end.store.open()
  await end.store.close()
  await assert.rejects(end.store.get('node.a'), lost)
  await assert.rejects(end.store.open(), lost)
})

natsTest('frames go to one node at one epoch, in order, with who has sent them', async () => {
  await using a = await startedEnd(options('a'), 3)
  await using b = await startedEnd(options('b ä'), 5)
  const texts = Array.from({ length: 200 }, (_, i) => `${i} ${'x'.repeat(i * 10)}`)
  const buffer = Buffer.alloc(4096)
  for (const text of texts) {
    const length = buffer.write(text)
    assert.equal(a.transport.send(b.address, buffer.subarray(0, length), 0), true)
    // The bytes are the caller's again.
    buffer.fill(0)
  }
  await until('frames', () => b.told.frames.length === texts.length)
  assert.deepEqual(
    b.told.frames,
    texts.map((text) => ({ from: 'a@3', text })),
  )
  assert.deepEqual(a.told.refused, [])
  assert.equal(b.transport.send(a.address, bytes('back'), 0), true)
  await until('an answer', () => a.told.frames.length === 1)
  assert.deepEqual(a.told.frames, [{ from: 'b ä@5', text: 'back' }])
})

// Proves: docs/cluster-nats.md#refused
natsTest('a frame that nobody gets is refused, with its ticket', async () => {
  await using a = await startedEnd(options('a'), 1)
  await using b = await startedEnd(options('b'), 2)
  const old = { node: 'b', epoch: 1 }
  for (const ticket of [0, 7, 8]) assert.ok(a.transport.send(old, bytes('x'), ticket))
  await until('refusals', () => a.told.refused.length === 3)
  assert.deepEqual(a.told.refused, ['b@1 undefined', 'b@1 7', 'b@1 8'])
  assert.deepEqual(b.told.frames, [])
  await b.transport.close()
  assert.ok(a.transport.send(b.address, bytes('x'), 9))
  await until('a refusal', () => a.told.refused.includes('b@2 9'))
})

natsTest('start() again: the epoch before is nobody any more', async () => {
  await using a = await startedEnd(options('a'), 1)
  await using b = await startedEnd(options('b'), 2)
  b.transport.start({ node: 'b', epoch: 9, era: 1 })
  await until('the new epoch', () => {
    a.transport.send({ node: 'b', epoch: 9 }, bytes('new'), 0)
    return b.told.frames.length > 0
  })
  a.transport.send(b.address, bytes('old'), 5)
  await until('a refusal', () => a.told.refused.includes('b@2 5'))
  b.transport.send(a.address, bytes('x'), 0)
  await until('a frame', () => a.told.frames.length > 0)
  assert.equal(a.told.frames[0]!.from, 'b@9')
})

natsTest('beats reach all, and come back', async () => {
  await using a = await startedEnd(options('a'), 1)
  await using b = await startedEnd(options('b'), 1)
  a.transport.beat(bytes('beat'))
  await until('an echo', () => a.told.beats.includes('beat'))
  await until('a beat', () => b.told.beats.includes('beat'))
})

// Proves: docs/cluster-nats.md#full
natsTest('a connection that is full says so, and when it is not', async () => {
  await using a = await startedEnd(options('a'), 1)
  await using b = await startedEnd(options('b'), 1)
  const frame = Buffer.alloc(32 * 1024, 'x')
  let sent = 0
  while (a.transport.send(b.address, frame, 0)) sent++
  assert.equal(sent, 32, 'as much as may be under way')
  await until('room', () => a.told.writable.length > 0)
  assert.deepEqual(a.told.writable, ['b@1'])
  assert.ok(a.transport.send(b.address, frame, 0))
  await until('all frames', () => b.told.frames.length === sent + 1)
})

// Proves: docs/cluster-nats.md#auth
natsTest('a server that cannot be reached, or knows another secret, says which', async () => {
  await using secret = await NatsServer.start({
    config: 'authorization { user: it, password: right }',
  })
  const given = { cluster: 'c', node: 'a', user: 'it', pass: 'wrong' }
  await using wrong = natsEnd({ ...given, servers: secret.url })
  const auth = { code: 'ERR_CLUSTER_AUTH' }
  await assert.rejects(wrong.transport.open(), auth)
  await assert.rejects(wrong.store.open(), auth)
  await using right = natsEnd({ ...given, pass: 'right', servers: secret.url })
  await right.store.open()
  await using nobody = natsEnd({ ...given, servers: '127.0.0.1:1' })
  await assert.rejects(nobody.store.open(), { code: 'ERR_STORE_LOST' })
})

// Proves: docs/cluster.md#left-unsaid
natsTest('a server that has not answered yet holds nobody who leaves', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const end = natsEnd({ ...options('a'), servers: `127.0.0.1:${port}` })
  const come = once(silent, 'connection')
  let isOpening = true
  const opening = assert.rejects(end.store.open(), { code: 'ERR_STORE_LOST' }).then(() => {
    isOpening = false
  })
  const [peer] = (await come) as [Socket]
  peer.on('error', () => {})
  await end[Symbol.asyncDispose]()
  assert.ok(isOpening, 'nobody has waited for its answer')
  peer.destroy()
  silent.close()
  await opening
})

natsTest('a server without JetStream, or for short messages alone, is refused', async () => {
  await using bare = await NatsServer.start({ jetstream: false })
  await using end = natsEnd({ cluster: 'c', node: 'a', servers: bare.url })
  await assert.rejects(end.store.open(), /JetStream/)
  await using small = await NatsServer.start({ config: 'max_payload: 1024' })
  await using other = natsEnd({ cluster: 'c', node: 'a', servers: small.url })
  await assert.rejects(other.store.open(), { code: 'ERR_NATS_SERVER' })
})

// Proves: docs/cluster-nats.md#bucket
natsTest('a bucket of another kind is refused, and three replicas of a lone server', async () => {
  await using first = natsEnd(options('a'))
  await first.store.open()
  await using second = natsEnd({ ...options('a'), storage: 'file' })
  await assert.rejects(second.store.open(), { code: 'ERR_NATS_SERVER' })
  await using third = natsEnd({ ...options('a', 'three'), replicas: 3 })
  await assert.rejects(third.store.open(), { code: 'ERR_NATS_SERVER' })
})

/** What says that it is a server of NATS, and knows others. */
async function fakeServer(others: readonly string[]): Promise<{
  readonly server: Server
  readonly sockets: Socket[]
  readonly address: string
  /** All that clients have said. */
  readonly heard: () => string
}> {
  const sockets: Socket[] = []
  let heard = ''
  const info = { server_id: 'X', version: '2.9.10', headers: true, max_payload: 1 << 20, proto: 1 }
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`INFO ${JSON.stringify({ ...info, connect_urls: others })}\r\n`)
    socket.on('data', (data) => {
      heard += data
      if (String(data).includes('PING')) socket.write('PONG\r\n')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A test that fails leaves it open, and ends nevertheless.
  server.unref()
  const { port } = server.address() as AddressInfo
  return { server, sockets, address: `127.0.0.1:${port}`, heard: () => heard }
}

// Proves: docs/cluster-nats.md#servers
natsTest('a server that another one tells of is not connected to', async () => {
  const far = await fakeServer([])
  const near = await fakeServer([far.address])
  await using end = natsEnd({ ...options('a'), servers: near.address })
  const opened = end.transport.open()
  await until('a connection', () => near.sockets.length === 1)
  await until('it is up', () => end.told.writable.length > 0 || near.sockets[0]!.bytesRead > 0)
  near.sockets[0]!.destroy()
  await until('another one', () => near.sockets.length + far.sockets.length === 2)
  assert.equal(far.sockets.length, 0)
  for (const socket of near.sockets) socket.destroy()
  near.server.close()
  far.server.close()
  await opened.catch(() => {})
})

// Proves: docs/cluster-nats.md#silent
natsTest('who is cut off takes another server, and says there at once that it lives', async () => {
  const both = [await fakeServer([]), await fakeServer([])]
  await using end = natsEnd({ ...options('a'), servers: both.map(({ address }) => address) })
  const opened = end.transport.open()
  const [one, other] = await until('a connection', () => {
    const taken = both.findIndex(({ sockets }) => sockets.length > 0)
    return taken >= 0 && [both[taken]!, both[1 - taken]!]
  })
  await until('it is up', () => end.told.writable.length > 0 || one!.sockets[0]!.bytesRead > 0)
  one!.sockets[0]!.destroy()
  await until('another one', () => one!.sockets.length + other!.sockets.length === 2)
  assert.equal(other!.sockets.length, 1)
  await until('the beat', () => other!.heard().includes('it lives'))
  for (const { server, sockets } of both) {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  await opened.catch(() => {})
})

natsTest('a watch does not hear what is sent to one of a process of before', async () => {
  await using b = natsEnd(options('b'))
  await b.store.open()
  await b.store.cas('node.x', bytes('1'), 0)
  for (let i = 0; i < 2; i++) {
    // As of a process that was killed, the server goes on for 5 s with what the first one had.
    await using a = natsEnd(options('a'))
    await a.store.open()
    const watch = watched(a.store)
    await watch.ready
    await b.store.cas(`node.y${i}`, bytes('1'), 0)
    await b.store.cas(`node.z${i}`, bytes('1'), 0)
    await until('both', () => watch.entries.length + watch.lost.length >= 3 + 2 * i)
    await a.store.cas(`node.own${i}`, bytes('1'), 0)
    assert.deepEqual(watch.lost, [])
  }
})

// Proves: docs/cluster-nats.md#open
natsTest('options that are none are refused', () => {
  const good = options('a')
  assert.throws(() => natsCluster({ ...good, server: 'x' } as never), /'servers'\?/)
  assert.throws(() => natsCluster({ ...good, servers: [] }), /servers/)
  const numbers = { ...good, user: 'a', pass: 123_456 as never }
  assert.throws(() => natsCluster(numbers), /'pass' .* current value is of type number$/)
  assert.throws(() => natsCluster({ ...good, servers: 'u:p@127.0.0.1:1' }), /without user/)
  assert.throws(() => natsCluster({ ...good, node: 'x'.repeat(65) }), RangeError)
  assert.throws(() => natsCluster({ ...good, replicas: 2 as never }), RangeError)
  assert.throws(() => natsCluster({ ...good, replicas: 3, storage: 'memory' }), TypeError)
  assert.throws(() => natsCluster({ ...good, servers: 'nats.example.com' }), {
    code: 'ERR_CLUSTER_AUTH',
  })
  natsCluster({ ...good, servers: 'nats.example.com', user: 'a', pass: 'b' })
})
