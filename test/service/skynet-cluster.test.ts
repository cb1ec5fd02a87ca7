/** A node in a cluster of Skynet, on real sockets: it calls itself, as any other node would. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { isSkynetError, type MethodsOf, type ServiceRef, type Skynet } from 'skynet-ts'
import { float, LuaFloat, LuaPointer, seri } from 'skynet-ts/codec'
import { type SkynetCluster, skynetCluster } from 'skynet-ts/skynet-cluster'
import type clusterDb from '../fixtures/cluster-db.ts'
import { FramedClient } from '../support/framed-client.ts'
import { freePort } from '../support/free-port.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

type Db = ServiceRef<MethodsOf<typeof clusterDb>>
const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body)

let count = 0

/** A node of that name: this one. Names are of the whole node, so each test has its own. */
async function joined(skynet: Skynet): Promise<{
  cluster: SkynetCluster
  node: string
  db: Db
  name: string
  address: string
}> {
  const cluster = skynetCluster(skynet)
  const { host, port } = await cluster.open(0)
  const address = `${host}:${port}`
  const node = `node${++count}`
  await cluster.reload({ [node]: address })
  const db: Db = await skynet.newService<typeof clusterDb>('../fixtures/cluster-db.ts')
  const name = `db${count}`
  await cluster.register(name, db)
  return { cluster, node, db, name: `@${name}`, address }
}

const refused = (code: string, text?: RegExp) => (error: unknown) => {
  assert.ok(isSkynetError(error))
  assert.equal(error.code, code)
  if (text !== undefined) assert.match(error.message, text)
  return true
}

// Proves: docs/skynet-cluster.md#call
check('call() by @name, by number, by .name and by :address', async (skynet) => {
  const { cluster, node, db, name } = await joined(skynet)
  skynet.name('.clusterdb', db)
  const handle = await cluster.query(node, name.slice(1))
  assert.equal(handle, db.handle)
  for (const address of [name, handle, '.clusterdb', db.address]) {
    assert.equal(await cluster.call(node, address, 'echo', 'hello'), 'hello')
  }
  assert.equal(await cluster.call(node, name, 'nothing'), undefined)
  assert.deepEqual(await cluster.callAll(node, name, 'nothing'), [])
})

// Proves: docs/skynet-cluster.md#first-value, #lua-values
check('call() resolves with the first value, callAll() with all of them', async (skynet) => {
  const { cluster, node, name } = await joined(skynet)
  assert.equal(await cluster.call(node, name, 'several'), true)
  assert.deepEqual(await cluster.callAll(node, name, 'several'), [true, 'saved', 1])
  const exact = skynetCluster(skynet, { keepFloats: true })
  assert.deepEqual(await exact.callAll(node, name, 'several'), [true, 'saved', new LuaFloat(1)])
  const sent = [1, 2.5, 'a', undefined, true, { a: [1, 2] }, [], 2n ** 60n, Buffer.from([255])]
  assert.deepEqual(await cluster.callAll(node, name, 'echo', ...sent), sent)
  assert.equal(await cluster.call(node, name, 'first', float(3)), 3)
})

// Proves: docs/skynet-cluster.md#ref
check('ref() has the methods of the service, with their types', async (skynet) => {
  const { cluster, node, name, db } = await joined(skynet)
  const ref = cluster.ref<typeof clusterDb>(node, name)
  const size: number = await ref.call.size('abc')
  const slept: string = await ref.with({ timeoutMs: 5000 }).call.sleep(1)
  const several: boolean = await ref.call.several()
  assert.deepEqual([size, slept, several], [3, 'slept', true])
  // @ts-expect-error: there is no such method
  await assert.rejects(ref.call.nosuch(1), refused('ERR_SKYNETCLUSTER_REMOTE', /nosuch/))
  // @ts-expect-error: it takes a number
  assert.equal(await ref.call.big('3'), 'RRR')
  ref.send.push(1)
  assert.equal(await ref.call.first(1), 1)
  assert.deepEqual(await db.call.pushed(), [[1]])
})

// Proves: docs/skynet-cluster.md#order
check('send() is not answered, and keeps its order with calls', async (skynet) => {
  const { cluster, node, name, db } = await joined(skynet)
  for (let i = 0; i < 100; i++) cluster.send(node, name, 'push', i)
  await cluster.call(node, name, 'nothing')
  assert.deepEqual(
    await db.call.pushed(),
    Array.from({ length: 100 }, (_, i) => [i]),
  )
})

// Proves: docs/skynet-cluster.md#large
check('large requests and answers travel in parts', async (skynet) => {
  const { cluster, node, name, db } = await joined(skynet)
  const edges = [32_757, 32_758, 32_759, 32_760, 32_768, 65_536, 100_000, 3_000_000]
  for (const bytes of edges) {
    assert.equal(await cluster.call(node, name, 'size', 'q'.repeat(bytes)), bytes)
    assert.equal((await cluster.call<string>(node, name, 'big', bytes)).length, bytes)
    const text = 'x'.repeat(bytes)
    cluster.send(node, name, 'push', text)
    await until('the push', async () => {
      const [first] = await db.call.pushed()
      return first !== undefined && first[0] === text
    })
  }
})

// Proves: docs/skynet-cluster.md#called, #own-services
check('what the other node says no to is an error with its text', async (skynet) => {
  const { cluster, node, name, db } = await joined(skynet)
  const remote = (text: RegExp) => refused('ERR_SKYNETCLUSTER_REMOTE', text)
  await assert.rejects(cluster.call(node, '@nosuch', 'echo'), remote(/Invalid name/))
  await assert.rejects(cluster.call(node, '.nosuch', 'echo'), remote(/call to invalid address/))
  await assert.rejects(cluster.call(node, 0xffffff, 'echo'), remote(/call to invalid address/))
  await assert.rejects(cluster.query(node, 'nosuch'), remote(/name not found/))
  await assert.rejects(cluster.call(node, name, 'fail', 'boom'), remote(/call failed: boom/))
  await assert.rejects(cluster.call(node, name, 17), remote(/the name of a method/))
  await assert.rejects(cluster.call(node, '.service', 'launch', 'x'), remote(/of the node itself/))
  await assert.rejects(cluster.call(node, name, 'quit'), remote(/call failed/))
  await assert.rejects(cluster.call(node, name, 'echo'), remote(/call to invalid address/))
  assert.equal(skynet.isAlive(db), false)
})

const logOf = (skynet: Skynet): string => readFileSync(String(skynet.getenv('logger')), 'utf8')
const logged = (skynet: Skynet, pattern: RegExp): Promise<unknown> =>
  until(`a line like ${pattern}`, () => pattern.test(logOf(skynet)))

/** A peer that accepts, and says nothing. */
class Silent implements Disposable {
  readonly #server: Server
  readonly sockets: Socket[] = []
  readonly port: number
  bytes = Buffer.alloc(0)

  private constructor(server: Server, port: number) {
    this.#server = server
    this.port = port
    server.on('connection', (socket) => {
      this.sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (data: Buffer) => {
        this.bytes = Buffer.concat([this.bytes, data])
      })
    })
  }

  static async start(port = 0): Promise<Silent> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new Silent(server, (server.address() as { port: number }).port)
  }

  [Symbol.dispose](): void {
    this.#server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

// Proves: docs/skynet-cluster.md#loopback
check('open() listens on this machine; elsewhere the log says what that means', async (skynet) => {
  const cluster = skynetCluster(skynet)
  const { host, port } = await cluster.open(0)
  assert.equal(host, '127.0.0.1')
  assert.doesNotMatch(logOf(skynet), /whoever reaches/)
  await assert.rejects(cluster.open({ port }), refused('ERR_LISTEN'))
  const found = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const other = found.find(({ internal, family }) => !internal && family === 'IPv4')
  const own = await cluster.open({ host: other?.address ?? '0.0.0.0', port: 0 })
  await logged(
    skynet,
    new RegExp(`error: cluster: whoever reaches ${own.host}:${own.port} may call`),
  )
  await cluster.reload({ listening: '127.0.0.1:0' })
  assert.ok((await cluster.open('listening')).port > 0)
  await assert.rejects(cluster.open('nowhere'), refused('ERR_SKYNETCLUSTER_DOWN'))
})

check('open() lets in as many connections as it was told, and no more', async (skynet) => {
  const cluster = skynetCluster(skynet)
  const { port } = await cluster.open({ port: 0, maxClient: 2 })
  const clients = [await FramedClient.connect(port), await FramedClient.connect(port)]
  for (const [i, client] of clients.entries()) {
    client.send(Buffer.from(`0000000000${i + 1}000000146462`, 'hex'))
    await client.message()
  }
  const refusedOne = await FramedClient.connect(port)
  await refusedOne.ended()
  clients[0]!.close()
  await until('there is room', async () => {
    const client = await FramedClient.connect(port)
    client.send(Buffer.from('000000000003000000146462', 'hex'))
    await client.when('an answer, or the end', () => client.messages.length > 0 || client.isOver)
    const isIn = client.messages.length > 0
    client.close()
    return isIn
  })
  clients[1]!.close()
})

// Proves: docs/skynet-cluster.md#deadline
check('a node that never answers: the deadline, or the signal, of the call', async (skynet) => {
  using silent = await Silent.start()
  const cluster = skynetCluster(skynet, {
    nodes: { silent: `127.0.0.1:${silent.port}` },
    timeoutMs: 30,
  })
  const patient = cluster.with({ timeoutMs: 60_000 })
  await patient.getSender('silent')
  await assert.rejects(cluster.call('silent', '@x', 'y'), (error) => {
    assert.ok(isSkynetError(error, 'ERR_SKYNETCLUSTER_TIMEOUT'))
    assert.deepEqual(error.info, { node: 'silent', to: '@x', timeoutMs: 30, sent: 'maybe' })
    return true
  })
  const controller = new AbortController()
  const { signal } = controller
  const call = cluster.with({ timeoutMs: 60_000, signal }).call('silent', '@x', 'y')
  controller.abort()
  await assert.rejects(call, { name: 'AbortError' })
  const nodes = await patient.nodes()
  const { state, pending } = nodes.find(({ name }) => name === 'silent')!
  assert.deepEqual([state, pending], ['open', 0])
  await patient.reload({ silent: false })
})

// Proves: docs/skynet-cluster.md#deadline, #nowaiting
check('a request to a node of no table waits for one; given up, it is not sent', async (skynet) => {
  using silent = await Silent.start()
  const cluster = skynetCluster(skynet)
  const gone = cluster.with({ timeoutMs: 20 }).call('late', '@x', 'given up')
  await assert.rejects(gone, refused('ERR_SKYNETCLUSTER_TIMEOUT'))
  assert.equal(
    (await cluster.nodes()).some(({ name }) => name === 'late'),
    false,
  )
  const waiting = cluster.call('late', '@x', 'still wanted')
  waiting.catch(() => {})
  await logged(skynet, /Waiting for cluster node \[late\]/)
  await cluster.reload({ late: `127.0.0.1:${silent.port}` })
  await until('it is sent', () => silent.bytes.includes('still wanted'))
  assert.equal(silent.bytes.includes('given up'), false)
  await logged(skynet, /Cluster node \[late\] resolved/)
  await cluster.reload({ late: false })
  await assert.rejects(waiting, refused('ERR_SKYNETCLUSTER_LOST'))
  const never = cluster.call('never', '@x', 'y')
  await cluster.reload({ __nowaiting: true })
  await assert.rejects(never, refused('ERR_SKYNETCLUSTER_DOWN'))
  await assert.rejects(cluster.call('never', '@x', 'y'), refused('ERR_SKYNETCLUSTER_DOWN'))
  await cluster.reload({ __nowaiting: false })
})

// Proves: docs/skynet-cluster.md#sent, #connect
check('nobody there, an end before the answer: what was sent is told apart', async (skynet) => {
  const cluster = skynetCluster(skynet)
  const port = await freePort()
  await cluster.reload({ lost: `127.0.0.1:${port}` })
  const sent = (text: 'no' | 'maybe') => (error: unknown) => {
    assert.ok(isSkynetError(error, 'ERR_SKYNETCLUSTER_LOST'))
    assert.equal(error.info.sent, text)
    return true
  }
  await assert.rejects(cluster.call('lost', '@x', 'y'), sent('no'))
  await assert.rejects(cluster.getSender('lost'), sent('no'))
  using silent = await Silent.start(port)
  const sender = await cluster.getSender('lost')
  const calls = [sender.call('@x', 'one'), cluster.call('lost', '@x', 'two')]
  const ends = Promise.all(calls.map((call) => assert.rejects(call, sent('maybe'))))
  await until('both are sent', () => silent.bytes.includes('two'))
  assert.equal(silent.sockets.length, 1)
  silent.sockets[0]!.destroy()
  await ends
  const again = assert.rejects(cluster.call('lost', '@x', 'three'), sent('maybe'))
  await until('it connects again', () => silent.bytes.includes('three'))
  assert.equal(silent.sockets.length, 2)
  await cluster.reload({ lost: false })
  await again
})

// Proves: docs/skynet-cluster.md#sent
check('what the other node says tells whether a service was called', async (skynet) => {
  const { cluster, node, name } = await joined(skynet)
  await cluster.reload({ [`${node}off`]: false })
  const says = async (sent: 'no' | 'maybe', call: Promise<unknown>): Promise<void> =>
    assert.rejects(call, (error) => {
      assert.equal((error as { info: { sent?: string } }).info.sent, sent)
      return true
    })
  await says('no', cluster.call(`${node}off`, name, 'echo'))
  await says('no', cluster.call(node, '@nosuch', 'echo'))
  await says('no', cluster.query(node, 'nosuch'))
  await says('no', cluster.call(node, 0xffffff, 'echo'))
  await says('maybe', cluster.call(node, name, 'fail', 'boom'))
  await says('maybe', cluster.call(node, name, 'fail', 'Invalid name'))
})

check('what a peer says that is no handle is no answer', async (skynet) => {
  const cluster = skynetCluster(skynet)
  const answers = [[], ['text'], [1.5], [0], [2 ** 32], []]
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      const values = seri().encode(answers.shift() ?? [])
      const session = Buffer.alloc(4)
      session.writeUInt32LE(6 - answers.length)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(5 + values.length)
      socket.write(Buffer.concat([length, session, Buffer.from([1]), values]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await cluster.reload({ odd: `127.0.0.1:${port}` })
  const none = refused('ERR_SKYNETCLUSTER_ANSWER', /no handle/)
  for (let i = 0; i < 5; i++) await assert.rejects(cluster.query('odd', 'x'), none)
  await assert.rejects(cluster.snax('odd', 'x', ['response.ping']), none)
  await cluster.reload({ odd: false })
  server.close()
})

// Proves: docs/skynet-cluster.md#reload
check('reload() moves a node, and takes it down', async (skynet) => {
  const { cluster, node, name, address } = await joined(skynet)
  using silent = await Silent.start()
  await cluster.reload({ [node]: `127.0.0.1:${silent.port}` })
  const call = cluster.call(node, name, 'echo', 1)
  const lost = assert.rejects(call, refused('ERR_SKYNETCLUSTER_LOST', /the node is at/))
  await until('it is sent', () => silent.bytes.length > 0)
  await cluster.reload({ [node]: address })
  await lost
  assert.equal(await cluster.call(node, name, 'echo', 2), 2)
  await cluster.reload({ [node]: false })
  await assert.rejects(cluster.call(node, name, 'echo'), refused('ERR_SKYNETCLUSTER_DOWN', /down/))
  await cluster.reload({ [node]: address })
  assert.equal(await cluster.call(node, name, 'echo', 3), 3)
})

// Proves: docs/skynet-cluster.md#register
check('a service has one name, and a name one service', async (skynet) => {
  const { cluster, node, db, name } = await joined(skynet)
  const plain = name.slice(1)
  const taken = refused('ERR_SKYNETCLUSTER_NAME', /taken/)
  await assert.rejects(cluster.register(plain), taken)
  await cluster.register(plain, db)
  await cluster.register(`${plain}b`, db)
  await assert.rejects(cluster.query(node, plain), refused('ERR_SKYNETCLUSTER_REMOTE'))
  assert.equal(await cluster.query(node, `${plain}b`), db.handle)
  await skynet.kill(db.handle)
  await cluster.register(`${plain}b`)
  assert.equal(await cluster.query(node, `${plain}b`), skynet.self)
  await cluster.unregister(`${plain}b`)
  await cluster.unregister(`${plain}b`)
  await assert.rejects(cluster.query(node, `${plain}b`), refused('ERR_SKYNETCLUSTER_REMOTE'))
})

// Proves: docs/skynet-cluster.md#proxy
check('proxy() passes calls and sends on', async (skynet) => {
  const { cluster, node, db, name } = await joined(skynet)
  const proxy = await cluster.proxy<typeof clusterDb>(`${node}${name}`)
  assert.equal((await cluster.proxy(node, name)).handle, proxy.handle)
  const three = await Promise.all([1, 2, 3].map(() => cluster.proxy(node, '.other')))
  assert.equal(new Set(three.map(({ handle }) => handle)).size, 1)
  assert.equal(await proxy.call.size('abc'), 3)
  proxy.send.push('sent')
  assert.equal(await proxy.call.first(1), 1)
  assert.deepEqual(await db.call.pushed(), [['sent']])
  await assert.rejects(proxy.call.fail('boom'), refused('ERR_SKYNETCLUSTER_REMOTE', /boom/))
  await skynet.kill(proxy.handle)
  assert.equal(await (await cluster.proxy<typeof clusterDb>(node, name)).call.size('ab'), 2)
})

// Proves: docs/skynet-cluster.md#snax
check('snax() and registerSnax() number methods in the order of the file', async (skynet) => {
  const { cluster, node, db } = await joined(skynet)
  const methods = ['response.ping', 'accept.hello'] as const
  await cluster.registerSnax('pinger', methods, db)
  const snax = await cluster.snax(node, 'pinger', methods)
  assert.equal(snax.address, db.handle)
  assert.equal(await snax.req.ping('hi'), 'hi')
  snax.post.hello('you')
  assert.equal(await snax.req.ping('again'), 'again')
  assert.deepEqual(await db.call.pushed(), [['hello', 'you']])
  // @ts-expect-error: it is no response
  assert.equal(snax.req.hello, undefined)
  await assert.rejects(cluster.call(node, db.handle, 7), refused('ERR_SKYNETCLUSTER_REMOTE'))
})

// Proves: docs/skynet-cluster.md#values
check('what no message between services may be is an error of the call', async (skynet) => {
  const { cluster, node, name } = await joined(skynet)
  const wrong = refused('ERR_MESSAGE_UNSUPPORTED')
  await assert.rejects(cluster.call(node, name, 'echo', Symbol('x')), wrong)
  assert.throws(() => cluster.send(node, name, 'echo', () => {}), wrong)
  const pointer = new LuaPointer(5n)
  const answer = cluster.call(node, name, 'first', pointer)
  await assert.rejects(answer, refused('ERR_SKYNETCLUSTER_REMOTE'))
  const large = cluster.call(node, name, 'size', new Uint8Array(64 * 1024 * 1024))
  await assert.rejects(large, refused('ERR_MESSAGE_TOO_LARGE'))
})

// Proves: docs/skynet-cluster.md#send
check('a push that nobody can get is logged', async (skynet) => {
  const { cluster, node } = await joined(skynet)
  cluster.send(node, '@nosuch', 'push')
  await logged(skynet, /a push to nobody: Invalid name/)
  await cluster.reload({ away: false })
  cluster.send('away', '@x', 'push')
  await until('the other line', () => /a push is lost: .*away/.test(logOf(skynet)))
})

// Proves: docs/skynet-cluster.md#trace
check('a request in a trace takes it to the other node', async (skynet) => {
  const { node, db, name } = await joined(skynet)
  await db.call.tracedCall(node, name)
  const [, id] = (await until('it is logged', () =>
    new RegExp(`<TRACE (\\(.+-${node}-\\d+\\):[0-9a-f]{8}-\\d+)>`).exec(logOf(skynet)),
  ))!
  assert.ok(id)
})

// Proves: docs/skynet-cluster.md#hostile
check('what is no frame is logged, and the next one is read', async (skynet) => {
  const { db, name, address } = await joined(skynet)
  const client = await FramedClient.connect(Number(address.split(':')[1]))
  const length = Buffer.from([name.length])
  const session = Buffer.from([9, 0, 0, 0])
  const good = Buffer.concat([
    ...[Buffer.from([0x80]), length, Buffer.from(name), session],
    seri().encode(['size', 'abc']),
  ])
  const deep = Buffer.alloc(60_000, 0x06)
  const handle = Buffer.alloc(4)
  handle.writeUInt32LE(db.handle)
  for (const wrong of ['', '05', '0001', '8010616263', '01000000000000000000000000']) {
    client.send(Buffer.from(wrong, 'hex'))
  }
  client.send(Buffer.concat([Buffer.from([0]), handle, session, deep]), good)
  await client.when('both answers', () => client.messages.length >= 2)
  const [refusal, answer] = client.messages
  assert.match(String(refusal), /nested deeper/)
  assert.equal(answer!.toString('hex'), '0900000001' + '0a03')
  await logged(skynet, /cluster: 127\.0\.0\.1:\d+: a frame without a type/)
  client.close()
})

check('arguments that are wrong are refused by name', async (skynet) => {
  const cluster = skynetCluster(skynet)
  const named = (name: string) => new RegExp(`'${name}'`)
  const wrong: readonly (readonly [string, () => unknown])[] = [
    ['timeoutMs', () => skynetCluster(skynet, { timeoutMs: 0 })],
    ['timeout', () => skynetCluster(skynet, { timeout: 1 } as never)],
    ['keepFloats', () => skynetCluster(skynet, { keepFloats: 1 } as never)],
    ['db', () => skynetCluster(skynet, { nodes: { db: 'nowhere' } })],
    ['timeoutMs', () => cluster.with({ timeoutMs: 0 })],
    ['address', () => cluster.call('db', 'name', 'x')],
    ['address', () => cluster.call('db', 0, 'x')],
    ['address', () => cluster.call('db', `@${'x'.repeat(255)}`, 'x')],
    ['address', () => cluster.ref('db', '')],
    ['node', () => cluster.call('', '@x', 'x')],
    ['name', () => cluster.query('db', '')],
    ['name', () => cluster.register('')],
    ['nodes', () => cluster.reload({ __nowating: true })],
    ['db', () => cluster.reload({ db: '127.0.0.1:65536' })],
    ['db', () => cluster.reload({ db: true })],
    ['port', () => cluster.open({ port: 65_536 })],
    ['maxClient', () => cluster.open({ port: 0, maxClient: 0 })],
    ['listen', () => cluster.open(undefined as never)],
    ['listen', () => cluster.open(true as never)],
    ['listen', () => cluster.open(null as never)],
    ['listen', () => cluster.open('')],
    ['host', () => cluster.open({ host: 5 as never, port: 0 })],
    ['maxClient', () => cluster.open(0, { maxClient: -5 })],
    ['nonsense', () => cluster.open('db', { nonsense: 1 } as never)],
    // @ts-expect-error: it stands in the object
    ['more', () => cluster.open({ port: 0 }, { maxClient: 5 })],
    ['methods', () => cluster.snax('db', 'x', ['ping' as 'response.ping'])],
    ['node', () => cluster.proxy('db')],
  ]
  for (const [name, call] of wrong) {
    await assert.rejects(async () => await call(), named(name), name)
  }
})

// Proves: docs/skynet-cluster.md#clusterd-ends
check('what was said to clusterd holds for the next one, when it has ended', async (skynet) => {
  const { cluster, node, db, name, address } = await joined(skynet)
  await cluster.registerSnax(`again${node}`, ['response.ping'], db)
  const waiting = cluster.call(node, name, 'hang')
  const lost = assert.rejects(waiting, refused('ERR_SKYNETCLUSTER_LOST'))
  await cluster.call(node, name, 'nothing')
  const { handle } = await skynet.uniqueService('clusterd')
  await skynet.kill(handle)
  await lost
  // Nobody asks here: the peer does.
  const frame = Buffer.concat([
    ...[Buffer.from([0x80, name.length]), Buffer.from(name), Buffer.from([1, 0, 0, 0])],
    seri().encode(['size', 'abc']),
  ])
  await until('others are answered again', async () => {
    const client = await FramedClient.connect(Number(address.split(':')[1])).catch(() => {})
    if (client === undefined) return false
    client.send(frame)
    await client.when('an answer', () => client.messages.length > 0 || client.isOver)
    const [answer] = client.messages
    client.close()
    return answer?.toString('hex') === '01000000010a03'
  })
  assert.equal(await cluster.call(node, name, 'echo', 'again'), 'again')
  assert.equal(await (await cluster.snax(node, `again${node}`, ['response.ping'])).req.ping(1), 1)
})

// Proves: docs/skynet-cluster.md#clusterd-ends
check('the next clusterd knows what was said last, whoever has said it', async (skynet) => {
  const { cluster, node, db, name } = await joined(skynet)
  const other = await skynet.newService<typeof clusterDb>('../fixtures/cluster-db.ts')
  const moved = `moved${node}`
  // Others first: they say it again first, or last.
  await other.call.reload({ [`${node}other`]: '127.0.0.1:9' })
  await db.call.reload({ [moved]: '127.0.0.1:1' })
  await other.call.reload({ [moved]: '127.0.0.1:2' })
  await other.call.unregister(name.slice(1))
  await db.call.register(`${node}a`)
  await cluster.register(`${node}b`, db)
  await other.call.register(`${node}c`)
  const { handle } = await skynet.uniqueService('clusterd')
  await skynet.kill(handle)
  await until('all have said it again', async () => {
    const known = await Promise.allSettled(
      [`${node}b`, `${node}c`].map((each) => cluster.query(node, each)),
    )
    return known.every(({ status }) => status === 'fulfilled')
  })
  const nodes = await cluster.nodes()
  assert.equal(nodes.find((each) => each.name === moved)?.address, '127.0.0.1:2')
  for (const old of [name.slice(1), `${node}a`]) {
    await assert.rejects(cluster.query(node, old), refused('ERR_SKYNETCLUSTER_REMOTE'))
  }
})
