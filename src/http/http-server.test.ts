import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { ByteStream, StreamListener } from '../sockets/byte-stream.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import type { HttpHandler } from './http-options.ts'
import type { HttpServer } from './http-server.ts'
import { HttpSocket } from './http-socket.ts'
import { serveHttp } from './serve-http.ts'

interface Scene {
  readonly node: TestNode
  readonly skynet: Skynet
  readonly server: HttpServer
  /** Those who wait for an answer. */
  readonly asked: ServerResponse[]
}

/** A service that answers when the test says so. */
async function scene(t: TestContext, clock?: FakeClock): Promise<Scene> {
  const node = await testNode(clock && { clock })
  t.after(() => node.stop())
  const asked: ServerResponse[] = []
  let made!: Pick<Scene, 'skynet' | 'server'>
  const service = defineService(async (skynet) => {
    const server = await serveHttp(skynet, {
      port: 80,
      handler: (_, response) => asked.push(response),
    })
    made = { skynet, server }
    return { end: () => skynet.exit() }
  })
  await node.launch(service)
  return { node, asked, ...made }
}

const ASK = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

// Proves: docs/http.md#node-stop
test('a node that stops answers requests that are under way, and lets nobody in', async (t) => {
  const { node, server, asked } = await scene(t)
  const [idle, busy] = [await node.connect(80), await node.connect(80)]
  busy.write(ASK)
  await node.settled()
  assert.deepEqual([server.connections, server.isReady, asked.length], [2, true, 1])
  // Who asked stays until he is answered, as clients are no part of the node.
  const answered = busy.readAll()
  node.skynet.onStop(async () => void (await answered))
  const stopped = node.stop({ graceMs: 60_000 })
  assert.equal(await idle.read(), null)
  assert.equal(server.isReady, false)
  asked[0]!.end('late')
  const answer = String(await answered)
  assert.match(answer, /^HTTP\/1.1 200 OK\r\n.*Connection: close\r\n.*late$/s)
  await stopped
  assert.equal(server.connections, 0)
})

// Proves: docs/http.md#close, #node-stop
test('requests that are cut are named, by a few', async (t) => {
  const { node, server, asked } = await scene(t)
  const clients = []
  for (let i = 0; i < 7; i++) {
    const client = await node.connect(80)
    client.write(`GET /slow/${i}?secret HTTP/1.1\r\nHost: x\r\n\r\n`)
    clients.push(client)
  }
  await node.settled()
  assert.equal(asked.length, 7)
  await server.close({ graceMs: 0 })
  const line = await node.log.find(({ level }) => level === 'error')
  const names = [0, 1, 2, 3, 4].map((i) => `GET /slow/${i}`).join(', ')
  assert.equal(line.text, `http ${server.address}: 7 requests were cut: ${names} …`)
})

// Proves: docs/http.md#ready
test('close() lets clients in until the notice is over', async (t) => {
  const clock = new FakeClock()
  const { node, server, asked } = await scene(t, clock)
  const closed = server.close({ noticeMs: 500 })
  await clock.advance(499)
  const client = await node.connect(80)
  client.write(ASK)
  await node.settled()
  assert.equal(server.isReady, false)
  asked[0]!.end('still')
  assert.match(String(await client.received()), /^HTTP\/1.1 200 OK\r\n.*still$/s)
  await clock.advance(1)
  await closed
  await assert.rejects(node.connect(80), { code: 'ERR_CONNECT' })
})

test('a server ends with its service', async (t) => {
  const { node, skynet, server } = await scene(t)
  const client = await node.connect(80)
  client.write(ASK)
  await node.settled()
  skynet.fork(() => skynet.exit())
  assert.equal(await client.read(), null)
  await node.settled()
  assert.deepEqual([server.connections, server.isReady], [0, false])
  await assert.rejects(node.connect(80), { code: 'ERR_CONNECT' })
})

test('take() serves a connection from elsewhere, until the server closes', async (t) => {
  const { node, skynet, server, asked } = await scene(t)
  assert.throws(() => server.take({} as never), /'stream' must be a byte stream/)
  const take = async () => {
    const [client, id] = node.connection()
    const stream = await skynet.socket.start(id)
    server.take(stream)
    return client
  }
  const client = await take()
  client.write(ASK)
  await node.settled()
  asked[0]!.end('it is')
  assert.match(String(await client.received()), /it is$/)
  await client.close()
  await server.close()
  assert.match(String(await (await take()).readAll()), /^HTTP\/1.1 503 /)
})

/** A listener of which the test says who comes. */
function listenerOf(streams: readonly ByteStream[]): StreamListener & { isOpen: boolean } {
  let closed = (): void => {}
  const closing = new Promise<void>((resolve) => {
    closed = resolve
  })
  const listener = {
    address: 'here',
    port: 1,
    isOpen: true,
    async close() {
      listener.isOpen = false
      closed()
    },
    async *[Symbol.asyncIterator]() {
      try {
        yield* streams
        await closing
      } finally {
        listener.isOpen = false
      }
    },
    [Symbol.asyncDispose]: () => listener.close(),
  }
  return listener
}

/** Clients, and a listener of them that says whence they come. */
async function comingFrom({ node, skynet }: Scene, addresses: readonly string[]) {
  const pairs = addresses.map(() => node.connection())
  const streams: ByteStream[] = []
  for (const [i, [, id]] of pairs.entries()) {
    const stream = await skynet.socket.start(id)
    streams.push(Object.defineProperty(stream, 'remoteAddress', { value: addresses[i] }))
  }
  return { clients: pairs.map(([client]) => client), listener: listenerOf(streams) }
}

/** Three of which the second is closed already. */
async function threeStreams({ node, skynet }: Scene) {
  const pairs = [node.connection(), node.connection(), node.connection()]
  const streams: ByteStream[] = []
  for (const [, id] of pairs) streams.push(await skynet.socket.start(id))
  await streams[1]!.close()
  const [first, , third] = pairs.map(([client]) => client)
  return { first: first!, third: third!, listener: listenerOf(streams) }
}

const handler: HttpHandler = (_, response) => response.end('hello')

// Proves: docs/http.md#one-connection
test('who is gone already, or breaks what takes him, costs nobody else', async (t) => {
  const made = await scene(t)
  const { first, third, listener } = await threeStreams(made)
  const { node, skynet } = made
  const server = await serveHttp(skynet, { listener, handler })
  server.server.once('connection', () => {
    throw new Error('what a listener threw')
  })
  third.write(ASK)
  assert.match(String(await third.received()), /hello$/)
  assert.equal(await first.read(), null)
  await node.log.find(({ text }) => text.includes('http connection: Error: what a listener threw'))
  assert.deepEqual([server.connections, server.isReady, listener.isOpen], [1, true, true])
})

// Proves: docs/http.md#connection-limits
test('who is refused and gone already costs nobody else', async (t) => {
  const made = await scene(t)
  const { third, listener } = await threeStreams(made)
  const server = await serveHttp(made.skynet, { listener, handler, maxConnections: 1 })
  assert.match(String(await third.readAll()), /^HTTP\/1.1 503 /)
  assert.deepEqual([server.refused, server.isReady, listener.isOpen], [2, true, true])
})

// Proves: docs/http.md#per-address
test('of IPv6 the network of a home is one address', async (t) => {
  const made = await scene(t)
  const from = ['[2001:db8::1]:1', '[2001:db8::2]:2', '[2001:db8:0:1::1]:1', '[2001:db8::3]:3']
  const { clients, listener } = await comingFrom(made, from)
  const server = await serveHttp(made.skynet, { listener, handler, connectionsPerAddress: 2 })
  assert.match(String(await clients[3]!.readAll()), /^HTTP\/1.1 503 /)
  assert.deepEqual([server.connections, server.refused], [3, 1])
  await clients[0]!.close()
  await made.node.settled()
  const [client, id] = made.node.connection()
  const stream = await made.skynet.socket.start(id)
  server.take(Object.defineProperty(stream, 'remoteAddress', { value: '[2001:db8::4]:4' }))
  client.write(ASK)
  assert.match(String(await client.received()), /hello$/)
})

// Proves: docs/http.md#per-address
test('who comes over a path has no address, and is not one too many', async (t) => {
  const made = await scene(t)
  const { clients, listener } = await comingFrom(made, ['unix:', 'unix:', 'unix:'])
  const server = await serveHttp(made.skynet, { listener, handler, connectionsPerAddress: 1 })
  clients[2]!.write(ASK)
  assert.match(String(await clients[2]!.received()), /hello$/)
  assert.deepEqual([server.connections, server.refused], [3, 0])
})

test('addressOf() of a server has no port, whoever says it', async (t) => {
  const made = await scene(t)
  const told = ['198.51.100.7:5555', '10.0.0.1', '[2001:db8::1]:80', '2001:db8::1', 'tenant:7', '']
  const { listener } = await comingFrom(made, [])
  const addressOf = (): string => told[0]!
  const server = await serveHttp(made.skynet, { listener, handler, addressOf })
  const got = []
  for (; told.length > 0; told.shift()) got.push(server.addressOf({} as IncomingMessage))
  const ips = ['198.51.100.7', '10.0.0.1', '2001:db8::1', '2001:db8::1']
  assert.deepEqual(got, [...ips, 'tenant:7', ''])
})

type Route = (request: IncomingMessage, response: ServerResponse) => unknown

/** Each throws when nobody is within its handler any more. */
const LATE: Readonly<Record<string, Route>> = {
  '/data': (request) =>
    request.on('data', () => {
      throw new Error('data')
    }),
  '/end': (request) =>
    request.resume().on('end', () => {
      throw new Error('end')
    }),
  '/error': (request) =>
    request.resume().on('end', () => request.emit('error', new Error('error'))),
  '/response': (request, response) => {
    response.on('drain', () => {
      throw new Error('response')
    })
    request.resume().on('end', () => response.emit('drain'))
  },
  '/halves': (request, response) => {
    response.write('half')
    request.resume().on('end', () => {
      throw new Error('halves')
    })
  },
  '/finish': (request, response) => {
    request.resume()
    response.on('finish', () => {
      throw new Error('finish')
    })
    response.end('hello')
  },
}

/** A server of these, and a client that sends the second half of a body when it is asked to. */
async function late(t: TestContext, clock?: FakeClock) {
  const { node, skynet } = await scene(t, clock)
  const routes: Route = (request, response) => {
    // As frameworks do, which give it methods of theirs.
    Object.setPrototypeOf(request, Object.create(Object.getPrototypeOf(request)))
    return LATE[request.url!.split('?')[0]!]!(request, response)
  }
  await serveHttp(skynet, { port: 81, handler: routes })
  const ask = async (path: string): Promise<string> => {
    const client = await node.connect(81)
    client.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n`)
    await node.settled()
    client.write('a')
    await node.settled()
    client.write('b')
    await node.settled()
    const got = String(await client.received())
    await client.close()
    return got
  }
  const lines = (): string[] =>
    node.log.all.filter(({ level }) => level === 'error').map(({ text }) => text.split('\n')[0]!)
  return { ask, lines }
}

// Proves: docs/http.md#failed, #listener-throws
test('what listeners of a request throw, in whatever turn, is an answer, and a line', async (t) => {
  const { ask, lines } = await late(t)
  const answers = {
    '/halves': /^HTTP\/1.1 200 .*half\r\n$/s,
    '/finish': /^HTTP\/1.1 200 .*hello$/s,
  }
  for (const path of Object.keys(LATE)) {
    const answer = answers[path as keyof typeof answers] ?? /^HTTP\/1.1 500 .*Error\n/s
    assert.match(await ask(`${path}?secret`), answer, path)
    const line = `http request POST ${path}: Error: ${path.slice(1)}`
    assert.deepEqual(lines().splice(-1), [line])
  }
  // However often it is thrown.
  assert.equal(lines().length, Object.keys(LATE).length)
})

test('a flood of failures is a few lines, and what a client says in them is cut', async (t) => {
  const { ask, lines } = await late(t, new FakeClock())
  for (let i = 0; i < 20; i++) await ask('/end')
  assert.equal(lines().length, 3)
})

const STREAM = { read() {}, write() {} }

// Proves: docs/http.md#client-certificate
test('a socket of a server says what TLS knows of its peer, as a TLSSocket does', async (t) => {
  const { skynet } = await scene(t)
  const certificate = { subject: { CN: 'player-7' } }
  const shown = {
    ...STREAM,
    encrypted: true,
    authorized: true,
    authorizationError: undefined,
    alpnProtocol: 'http/1.1',
    servername: 'a.test',
    protocol: 'TLSv1.3',
    peerCertificate: (isDetailed: boolean) => (isDetailed ? undefined : certificate),
  }
  const nothing = { ...shown, authorized: false, authorizationError: 'SELF_SIGNED' }
  const unasked = { alpnProtocol: undefined, servername: undefined }
  const knownOf = (stream: object): unknown => {
    const of = new HttpSocket(skynet, stream as never, 0)
    return [
      ...[of.encrypted, of.authorized, of.authorizationError, of.alpnProtocol, of.servername],
      ...[of.getProtocol(), of.getPeerCertificate(), of.getPeerCertificate(true)],
    ]
  }
  assert.deepEqual(knownOf(shown), [
    ...[true, true, null, 'http/1.1', 'a.test'],
    ...['TLSv1.3', certificate, {}],
  ])
  assert.deepEqual(knownOf({ ...nothing, ...unasked }), [
    ...[true, false, 'SELF_SIGNED', false, false],
    ...['TLSv1.3', certificate, {}],
  ])
  const none = [undefined, undefined, undefined, undefined]
  assert.deepEqual(knownOf(STREAM), [false, ...none, null, {}, {}])
})
