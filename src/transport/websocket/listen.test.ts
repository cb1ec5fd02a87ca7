import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { serveHttp } from '../../http/serve-http.ts'
import {
  type CheckTransport,
  clientTransportSuite,
  type HalfClient,
  type TransportCase,
} from '../../skynet/client-transport.suite.ts'
import { defineService } from '../../skynet/define-service.ts'
import { type TestNode, testNode } from '../../testing/test-node.ts'
import { connectWebSocket } from './connect.ts'
import { listenWebSocket } from './listen.ts'
import { type WebSocketTransportOptions, webSocket } from './web-socket.ts'

const local = { host: '127.0.0.1', port: 0 } as const

const caseOf = (
  node: TestNode,
  options: () => Promise<WebSocketTransportOptions>,
): TransportCase => ({
  stopping: node,
  open: async (door) => webSocket(await options()).open(node.skynet, door),
  connect: ({ port }) =>
    connectWebSocket(node.skynet, `ws://127.0.0.1:${port}/play`, { binary: true }),
  begin: ({ port }) => halfRequest(node, port),
})

async function halfRequest({ skynet }: TestNode, port: number): Promise<HalfClient> {
  const stream = await skynet.socket.connect({ port })
  stream.write('GET /play HTTP/1.1\r\nX: ')
  return { ended: stream.read().catch(() => null), leave: () => void stream.close() }
}

test('what is wrong is found before a port is open', async () => {
  await using node = await testNode()
  const { skynet } = node
  const port = 8080
  const wrong = { ...local, port, trust: ['nonsense'] }
  assert.throws(() => webSocket(wrong), /'trust' must be/)
  await assert.rejects(listenWebSocket(skynet, wrong), /'trust' must be/)
  await using _ = await listenWebSocket(skynet, { ...local, port })
  assert.throws(() => webSocket({} as never), /'port' must be a whole number/)
  for (const listener of [skynet.socket.listen({ ...local, port: 0 }), () => 1]) {
    const message = /'listener' must be a listener of streams/
    assert.throws(() => webSocket({ listener } as never), message)
  }
})

// Proves: docs/websocket.md#connect-limits
test('a server that says nothing is named, with the time that was asked for', async () => {
  await using node = await testNode()
  const { skynet } = node
  const silent = await skynet.socket.listen(local)
  const url = `ws://127.0.0.1:${silent.port}/play`
  const message = `Cannot wait longer to shake hands with ${url} over socket`
  await assert.rejects(connectWebSocket(skynet, url, { timeoutMs: 20.5 }), (error: Error) => {
    assert.match(error.message, / socket \d+: nothing within 20.5 ms$/)
    return error.message.startsWith(message)
  })
  // Who connects is asked in whole ones.
  const connect = async ({ timeoutMs }: { timeoutMs?: number | undefined }): Promise<never> => {
    throw new Error(`within ${timeoutMs}`)
  }
  await assert.rejects(connectWebSocket(skynet, url, { connect, timeoutMs: 1500 }), {
    message: 'within 1500',
  })
})

// Proves: docs/websocket.md#server
// Proves: docs/http.md#upgrade-paths
test('one path of a server is that of one listener, and others get the rest', async () => {
  await using node = await testNode()
  const { skynet } = node
  const server = await serveHttp(skynet, { ...local, handler: () => {} })
  const rest = await listenWebSocket(skynet, { server })
  const chat = await listenWebSocket(skynet, { server, path: '/chat' })
  const path = /'path' must be one at which nobody takes clients: current value is/
  const twice = { server, path: '/chat' }
  await assert.rejects(listenWebSocket(skynet, twice), path)
  await assert.rejects(listenWebSocket(skynet, { server }), path)
  assert.throws(() => webSocket(twice), path)
  assert.throws(() => server.upgrade('/chat', () => {}), /'test' must be one that nobody else has/)
  const come = async (at: string, listener: { accept(): Promise<unknown> }): Promise<void> => {
    const url = `ws://127.0.0.1:${server.port}${at}`
    await Promise.all([connectWebSocket(skynet, url), listener.accept()])
  }
  await come('/chat', chat)
  await come('/play', rest)
  await chat.close()
  const again = await listenWebSocket(skynet, twice)
  // Closed again: that of somebody else is not given back.
  await chat.close()
  await come('/chat', again)
})

test('what listens while the node stops takes clients meanwhile', async () => {
  await using node = await testNode()
  const { skynet } = node
  const staying = { ...local, listenWhileStopping: true }
  const below = await listenWebSocket(skynet, { listener: await skynet.socket.listen(staying) })
  const own = await listenWebSocket(skynet, staying)
  const server = await serveHttp(skynet, { ...staying, handler: () => {} })
  const given = await listenWebSocket(skynet, { server })
  const other = await listenWebSocket(skynet, local)
  const all = [below, own, given]
  skynet.onStop(async () => {
    assert.equal(other.isOpen, false)
    for (const each of all) {
      const url = `ws://127.0.0.1:${each.port}`
      const [, client] = await Promise.all([connectWebSocket(skynet, url), each.accept()])
      assert.equal(client!.isOpen, true)
      await each.close()
    }
    await server.close()
    all.length = 0
  })
  await node.stop({ graceMs: 60_000 })
  assert.equal(all.length, 0)
})

const TOLD = { headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Real': '198.51.100.1:7' } }
const addressOf = ({ headers }: IncomingMessage): string => String(headers['x-real'])

// Proves: docs/websocket.md#forwarded
test('who a client is, its HTTP server says as of other requests, or else `trust`', async () => {
  await using node = await testNode()
  const { skynet } = node
  const server = await serveHttp(skynet, { ...local, addressOf, handler: () => {} })
  const trust = ['127.0.0.1']
  const addresses: string[] = []
  for (const options of [
    { server, path: '/a' },
    { ...local, addressOf },
    { server, path: '/b', trust },
    { ...local, addressOf, trust },
  ]) {
    const listener = await listenWebSocket(skynet, options)
    const url = `ws://127.0.0.1:${listener.port}${options.path ?? ''}`
    const ends = [connectWebSocket(skynet, url, TOLD), listener.accept()] as const
    addresses.push((await Promise.all(ends))[1]!.remoteAddress)
  }
  const [real, forwarded] = ['198.51.100.1:7', '203.0.113.9:0']
  assert.deepEqual(addresses, [real, real, forwarded, forwarded])
})

// Proves: docs/websocket.md#gate
test('with addressOf a gate is asked for the client that the request names', async () => {
  await using node = await testNode()
  const { skynet } = node
  const knocks: string[] = []
  const knock = (address: string): undefined => void knocks.push(address)
  const door = { messageBytesMax: 1000, sendLimitBytes: 1000, knock }
  await using entrance = await webSocket({ ...local, addressOf }).open(skynet, door)
  const url = `ws://127.0.0.1:${entrance.port}`
  await assert.rejects(connectWebSocket(skynet, url, TOLD), /503/)
  assert.deepEqual(knocks, ['198.51.100.1:7'])
})

test('a gate may allow less to wait than HTTP needs', async () => {
  await using node = await testNode()
  const door = { messageBytesMax: 1000, sendLimitBytes: 1000, knock: () => undefined }
  const entrance = await webSocket(local).open(node.skynet, door)
  await entrance.close()
})

const KINDS: Readonly<Record<string, (node: TestNode) => Promise<WebSocketTransportOptions>>> = {
  'webSocket():': async () => ({ ...local, path: '/play' }),
  'webSocket() on a listener of others:': async ({ skynet }) => ({
    listener: await skynet.socket.listen(local),
  }),
  'webSocket() on an HTTP server:': async ({ skynet }) => ({
    server: await serveHttp(skynet, { ...local, handler: (_, response) => response.end('page') }),
  }),
}

for (const [name, options] of Object.entries(KINDS)) {
  const check: CheckTransport = (title, body) => {
    test(title, async () => {
      await using node = await testNode()
      await body(caseOf(node, () => options(node)))
    })
  }
  // A server that was given has connections of others: nobody knocks before his request is there.
  const begins = !name.includes('HTTP server')
  clientTransportSuite(name, check, { begins, stops: name === 'webSocket():' })
}

// Proves: docs/websocket.md#stays
// Proves: docs/http.md#stays
// Proves: docs/semantics.md#handover-refused
test('a connection in its handshake stays with its service, at both ends', async () => {
  await using node = await testNode()
  const { skynet } = node
  const other = await node.launch(
    defineService((skynet) => ({ take: (id: number) => skynet.socket.start(id).then(() => {}) })),
  )
  const refused = { code: 'ERR_SOCKET_STATE', message: /what it carries stays with its service/ }
  const open = (): number[] =>
    skynet.socket.netstat().flatMap(({ id, state }) => (state === 'CONNECTED' ? [id] : []))
  // Of the server: a request is half there.
  await using listener = await listenWebSocket(skynet, local)
  const half = await skynet.socket.connect({ port: listener.port })
  half.write('GET /play HTTP/1.1\r\nUpgrade: websocket\r\nX: ')
  await node.settled()
  const ofServer = open().filter((id) => id !== half.id)
  assert.equal(ofServer.length, 1)
  await assert.rejects(other.call.take(ofServer[0]!), refused)
  await half.close()
  // Of the client: no answer has come.
  const silent = await skynet.socket.listen(local)
  const before = open()
  const asking = connectWebSocket(skynet, `ws://127.0.0.1:${silent.port}/`)
  const failed = assert.rejects(asking, { code: 'ERR_WEBSOCKET_HANDSHAKE' })
  const peer = await silent.accept()
  assert.match(String(await peer!.read()), /^GET/)
  const ofClient = open().filter((id) => id !== peer!.id && !before.includes(id))
  assert.equal(ofClient.length, 1)
  await assert.rejects(other.call.take(ofClient[0]!), refused)
  await peer!.close()
  await failed
  await silent.close()
})
