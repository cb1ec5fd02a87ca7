import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testNode } from '../../testing/test-node.ts'
import { connectWebSocket } from './connect.ts'
import { listenWebSocket } from './listen.ts'
import { webSocket } from './web-socket.ts'

const local = { host: '127.0.0.1', port: 0 } as const

test('types: with binary all messages are buffers, else they are texts or buffers', async () => {
  await using node = await testNode()
  const { skynet } = node
  await using bytes = await listenWebSocket(skynet, { ...local, binary: true })
  await using both = await listenWebSocket(skynet, local)
  const [client, server] = await Promise.all([
    connectWebSocket(skynet, `ws://127.0.0.1:${bytes.port}`, { binary: true }),
    bytes.accept(),
  ])
  client.send('text')
  const message: Buffer | null = await server!.receive()
  assert.deepEqual(message, Buffer.from('text'))
  const [talker, listener] = await Promise.all([
    connectWebSocket(skynet, `ws://127.0.0.1:${both.port}`),
    both.accept(),
  ])
  talker.send('text')
  const any: string | Buffer | null = await listener!.receive()
  assert.equal(any, 'text')
  // @ts-expect-error: it may be a text.
  const wrong: Promise<Buffer | null> = talker.receive()
  // @ts-expect-error: a number is no message.
  assert.throws(() => talker.send(7), TypeError)
  await Promise.all([talker.close(), client.close()])
  assert.equal(await wrong, null)
})

test('types: a place is a port, a listener or a server, and one of them', async () => {
  await using node = await testNode()
  const { skynet } = node
  const listener = await skynet.socket.listen(local)
  // @ts-expect-error: both a port and a listener.
  await assert.rejects(listenWebSocket(skynet, { port: 0, listener }), TypeError)
  // @ts-expect-error: both a listener and a server.
  await assert.rejects(listenWebSocket(skynet, { server: {}, listener }), TypeError)
  // @ts-expect-error: the gate says how long messages may be.
  assert.throws(() => webSocket({ port: 0, messageBytesMax: 1 }), TypeError)
  await listener.close()
})
