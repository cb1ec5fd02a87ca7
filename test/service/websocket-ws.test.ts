/** The library ws as peer, at both ends: what it sends is understood, and what it gets by it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Skynet } from 'skynet-ts'
import {
  connectWebSocket,
  type ListenWebSocketOptions,
  listenWebSocket,
  type WebSocketStream,
} from 'skynet-ts/websocket'
import { type RawData, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { serviceTest } from '../support/run.ts'

const local = { host: '127.0.0.1', port: 0 } as const
const noise = randomBytes(900_000)
const MESSAGES: readonly (string | Buffer)[] = [
  ...['', 'wolf', 'κόσμε 😀', 'x'.repeat(125), 'x'.repeat(126), 'é'.repeat(40_000)],
  ...[Buffer.of(), Buffer.of(0, 255, 128), noise.subarray(0, 65_535), noise.subarray(0, 65_536)],
  ...['wolf '.repeat(5000), noise],
]

const heard = (data: RawData, isBinary: boolean): string | Buffer =>
  isBinary ? (data as Buffer) : (data as Buffer).toString()

async function next(socket: WebSocket): Promise<string | Buffer> {
  const [data, isBinary] = (await once(socket, 'message')) as [RawData, boolean]
  return heard(data, isBinary)
}

/** Our server, and ws as its client. */
async function served(
  skynet: Skynet,
  options: Partial<ListenWebSocketOptions> = {},
  client: ConstructorParameters<typeof WebSocket>[2] = {},
): Promise<{ server: WebSocketStream; client: WebSocket }> {
  const given = { ...local, subprotocols: ['b'], ...options } as ListenWebSocketOptions
  await using listener = await listenWebSocket(skynet, given)
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/`, ['a', 'b'], client)
  const [server] = await Promise.all([listener.accept(), once(socket, 'open')])
  return { server: server!, client: socket }
}

/** ws as a server, and our client. */
async function serving(
  skynet: Skynet,
  options: ServerOptions = {},
  deflate = false,
): Promise<{ server: WebSocket; client: WebSocketStream; end(): void }> {
  const { server, url } = await wsServer(options)
  const connected = once(server, 'connection')
  const client = await connectWebSocket(skynet, url, { deflate })
  const [socket] = (await connected) as [WebSocket]
  return { server: socket, client, end: () => server.close() }
}

async function wsServer(options: ServerOptions): Promise<{ server: WebSocketServer; url: string }> {
  const server = new WebSocketServer({ ...local, ...options })
  await once(server, 'listening')
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

for (const perMessageDeflate of [false, true]) {
  const how = perMessageDeflate ? ', compressed' : ''

  // Proves: docs/websocket.md#text, #compression
  serviceTest(import.meta.url, `ws as a client gets back what it says${how}`, async (skynet) => {
    const options = { perMessageDeflate }
    const { server, client } = await served(skynet, { deflate: true }, options)
    assert.match(client.extensions, perMessageDeflate ? /^permessage-deflate$/ : /^$/)
    const done = server.each((message) => void server.send(message))
    for (const message of MESSAGES) {
      const answer = next(client)
      client.send(message)
      assert.deepEqual(await answer, message)
    }
    const parts = next(client)
    for (const part of ['frag', '', 'ment']) client.send(part, { fin: false })
    client.ping('between')
    client.send('s', { fin: true })
    assert.deepEqual((await once(client, 'pong')).toString(), 'between')
    assert.equal(await parts, 'fragments')
    client.close(4001, 'bye')
    const [code, reason] = await once(client, 'close')
    await done
    assert.deepEqual([code, String(reason)], [4001, ''])
    assert.deepEqual([server.closeCode, server.closeReason], [4001, 'bye'])
  })

  // Proves: docs/websocket.md#text, #compression
  serviceTest(import.meta.url, `ws as a server gets back what it says${how}`, async (skynet) => {
    const { server, client, end } = await serving(skynet, { perMessageDeflate }, true)
    const done = client.each((message) => void client.send(message))
    for (const message of MESSAGES) {
      const answer = next(server)
      server.send(message)
      assert.deepEqual(await answer, message)
    }
    const parts = next(server)
    for (const part of ['frag', '', 'ment']) server.send(part, { fin: false })
    server.ping('between')
    server.send('s', { fin: true })
    assert.deepEqual((await once(server, 'pong')).toString(), 'between')
    assert.equal(await parts, 'fragments')
    server.close(4002, 'so long')
    const [code] = await once(server, 'close')
    await done
    assert.equal(code, 4002)
    assert.deepEqual([client.closeCode, client.closeReason], [4002, 'so long'])
    end()
  })
}

// Proves: docs/websocket.md#close, #ping
serviceTest(import.meta.url, 'ws hears our code and reason, at either end', async (skynet) => {
  const here = await served(skynet)
  const mine = here.server.each(() => {})
  assert.ok((await here.server.ping()) >= 0)
  const ended = once(here.client, 'close')
  await here.server.close(4003, 'wolf')
  await mine
  const [code, reason] = await ended
  assert.deepEqual([code, String(reason)], [4003, 'wolf'])
  const there = await serving(skynet)
  const theirs = there.client.each(() => {})
  assert.ok((await there.client.ping()) >= 0)
  const over = once(there.server, 'close')
  await there.client.close()
  await theirs
  assert.equal((await over)[0], 1000)
  there.end()
})

// Proves: docs/websocket.md#max
serviceTest(import.meta.url, 'ws is told 1009 when it says too much', async (skynet) => {
  const { server, client } = await served(skynet, { messageBytesMax: 1000 })
  const received = server.receive()
  client.send('x'.repeat(1001))
  await assert.rejects(received, { code: 'ERR_FRAME_TOO_LARGE' })
  assert.equal((await once(client, 'close'))[0], 1009)
})

// Proves: docs/websocket.md#subprotocols, #origins
serviceTest(
  import.meta.url,
  'ws agrees on a subprotocol, and is refused by its origin',
  async (skynet) => {
    const { client } = await served(skynet, { subprotocols: ['b'] })
    assert.equal(client.protocol, 'b')
    client.terminate()
    const refused = served(skynet, { subprotocols: ['b'] }, { origin: 'http://evil.test' })
    await assert.rejects(refused, /Unexpected server response: 403/)
    const allowed = await served(
      skynet,
      { subprotocols: ['b'], origins: ['http://good.test'] },
      { origin: 'http://good.test' },
    )
    allowed.client.terminate()
    const received = allowed.server.receive()
    await assert.doesNotReject(received)
    assert.equal(allowed.server.closeCode, 1006)
  },
)

// Proves: docs/websocket.md#connect
serviceTest(import.meta.url, 'connectWebSocket() hears what ws says no with', async (skynet) => {
  const { server, url } = await wsServer({
    verifyClient: (_: unknown, done: (isGood: boolean, code: number, text: string) => void) =>
      done(false, 401, 'Who are you'),
  })
  await assert.rejects(connectWebSocket(skynet, url), /it answers 401 Unauthorized$/)
  server.close()
})
