import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../../skynet/define-service.ts'
import { withBegin } from '../../sockets/begun-stream.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { testNode } from '../../testing/test-node.ts'
import { connectTls } from './connect-tls.ts'

const stranger = defineService((skynet) => ({
  take: (id: number) => skynet.socket.start(id).then(() => {}),
  write: (id: number) => skynet.socket.write(id, 'plain text'),
  broadcast: (id: number) => skynet.socket.broadcast([id], 'plain text'),
}))

const WAYS: readonly [string, (stream: ByteStream) => ByteStream][] = [
  ['a connection', (stream) => stream],
  ['a stream that stands on one', (stream) => withBegin(stream, Buffer.from('x'))],
]
for (const [what, over] of WAYS) {
  // Proves: docs/tls.md#stays, #sealed
  // Proves: docs/semantics.md#handover-refused, #broadcast
  test(`another service takes ${what} below TLS, or writes to it: it is refused`, async () => {
    await using node = await testNode()
    const { socket } = node.skynet
    const listener = await socket.listen({ host: '127.0.0.1', port: 0 })
    const stream = await socket.connect({ port: listener.port })
    const peer = await listener.accept()
    const other = await node.launch(stranger)
    // Its handshake goes on as long as the peer says nothing.
    const secured = connectTls(node.skynet, { stream: over(stream), host: 'a.test' })
    const ended = assert.rejects(secured, { code: 'ERR_TLS_HANDSHAKE' })
    const refused = { code: 'ERR_SOCKET_STATE', message: /what it carries stays with its service/ }
    await assert.rejects(other.call.take(stream.id), refused)
    const alone = { code: 'ERR_SOCKET_STATE', message: /its owner alone writes to it/ }
    await assert.rejects(other.call.write(stream.id), alone)
    await other.call.broadcast(stream.id)
    assert.equal(stream.isOpen, true)
    stream.end()
    assert.equal((await peer!.readAll()).includes('plain text'), false)
    await peer!.close()
    await ended
    await listener.close()
  })
}
