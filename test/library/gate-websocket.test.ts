/** The WebSocket entrance of a gate, of which clients count from their connection on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gateOf, recorder, type TestOptions } from '../../src/session/session.kit.ts'
import type { ByteStream } from '../../src/sockets/byte-stream.ts'
import { FakeClock } from '../../src/testing/fake-clock.ts'
import { type TestNode, testNode } from '../../src/testing/test-node.ts'
import { connectWebSocket } from '../../src/transport/websocket/connect.ts'
import {
  type WebSocketTransportOptions,
  webSocket,
} from '../../src/transport/websocket/web-socket.ts'

const HALF = 'GET /game HTTP/1.1\r\nX: '

async function open(
  node: TestNode,
  options: TestOptions,
  place: Pick<WebSocketTransportOptions, 'trust'> & { handler?: () => void } = {},
) {
  const agent = await node.launch(recorder([]))
  const listen = webSocket({ host: '127.0.0.1', port: 0, path: '/game', ...place })
  const { gate, port } = await gateOf(node, agent, { listen, ...options })
  const says = async (text: string): Promise<ByteStream> => {
    const stream = await node.skynet.socket.connect({ port })
    stream.write(text)
    await node.settled()
    return stream
  }
  const strangers = async (): Promise<number> => (await gate.call.stat()).strangers
  return { gate, port, says, strangers }
}

async function rest(stream: ByteStream): Promise<string> {
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  return text
}

// Proves: docs/websocket.md#gate
test('perAddress holds from the connection on: half a request counts', async () => {
  await using node = await testNode()
  const { gate, port, says, strangers } = await open(node, {
    perAddress: { connections: 2, opensPerSecond: 0 },
  })
  const halves = [await says(HALF), await says('')]
  assert.equal(await strangers(), 2)
  const url = `ws://127.0.0.1:${port}/game`
  const third = await connectWebSocket(node.skynet, url, { binary: true })
  assert.notEqual(await third.receive(), null, 'it is told why')
  assert.equal(await third.receive(), null)
  assert.equal((await gate.call.stat()).closed.address, 1)
  await halves[0]!.close()
  await node.settled()
  assert.equal(await strangers(), 1)
  const client = await connectWebSocket(node.skynet, url, { binary: true })
  await node.settled()
  assert.equal(await strangers(), 2, 'it has knocked once')
  assert.equal(client.isOpen, true)
  await client.close()
  await node.settled()
  assert.equal(await strangers(), 1)
})

// Proves: docs/websocket.md#gate
// Proves: docs/session.md#login-timeout
test('loginTimeoutMs holds for the request of a WebSocket', async () => {
  const clock = new FakeClock()
  await using node = await testNode({ clock })
  const { says, strangers } = await open(node, { loginTimeoutMs: 1000 })
  const halves = await Promise.all([says(HALF), says('')])
  assert.equal(await strangers(), 2)
  await clock.advance(999)
  assert.equal(await strangers(), 2)
  await clock.advance(1)
  assert.deepEqual(await Promise.all(halves.map(rest)), ['', ''])
  await node.settled()
  assert.equal(await strangers(), 0)
})

// Proves: docs/websocket.md#gate
test('who has asked for a page is no client; without pages its connection ends', async () => {
  await using node = await testNode()
  const request = 'GET /page HTTP/1.1\r\nHost: x\r\n\r\n'
  const bare = await open(node, {})
  const answer = await rest(await bare.says(request))
  assert.match(answer, /^HTTP\/1.1 426 [\s\S]*Connection: close\r\n/)
  await node.settled()
  assert.equal(await bare.strangers(), 0)
  let asked = 0
  const pages = await open(node, {}, { handler: () => void asked++ })
  const reader = await pages.says(request)
  assert.equal(asked, 1)
  assert.equal(await pages.strangers(), 0)
  await reader.close()
})

// Proves: docs/websocket.md#gate
test('of who comes by a trusted proxy the request tells who it is', async () => {
  await using node = await testNode()
  const limits = { perAddress: { connections: 1, opensPerSecond: 0 } }
  const { port, says, strangers } = await open(node, limits, { trust: ['127.0.0.1'] })
  await says(HALF)
  await says(HALF)
  assert.equal(await strangers(), 0)
  for (const [address, count] of [
    ['198.51.100.7', 1],
    ['198.51.100.8', 2],
    ['198.51.100.8', 2],
  ] as const) {
    const headers = { 'X-Forwarded-For': address }
    await connectWebSocket(node.skynet, `ws://127.0.0.1:${port}/game`, { headers })
    await node.settled()
    assert.equal(await strangers(), count)
  }
})
