import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../../skynet/define-service.ts'
import { testNode } from '../../testing/test-node.ts'
import { connectTls } from './connect-tls.ts'

// Proves: docs/tls.md#stays
// Proves: docs/semantics.md#handover-refused
test('another service that wants the connection below TLS is refused', async () => {
  await using node = await testNode()
  const { socket } = node.skynet
  const listener = await socket.listen({ host: '127.0.0.1', port: 0 })
  const stream = await socket.connect({ port: listener.port })
  const peer = await listener.accept()
  const other = await node.launch(
    defineService((skynet) => ({ take: (id: number) => skynet.socket.start(id).then(() => {}) })),
  )
  // Its handshake goes on as long as the peer says nothing.
  const secured = connectTls(node.skynet, { stream, host: 'a.test' })
  const ended = assert.rejects(secured, { code: 'ERR_TLS_HANDSHAKE' })
  const refused = { code: 'ERR_SOCKET_STATE', message: /what it carries stays with its service/ }
  await assert.rejects(other.call.take(stream.id), refused)
  assert.equal(stream.isOpen, true)
  await peer!.close()
  await ended
  await listener.close()
})
