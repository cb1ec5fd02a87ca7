import { test } from 'node:test'
import { type MessagePair, messageStreamSuite } from '../../sockets/message-stream.suite.ts'
import type { MessageStream } from '../../sockets/message-stream.ts'
import { type TestNode, testNode } from '../../testing/test-node.ts'
import { frame } from './conformance.kit.ts'
import { connections, stream } from './websocket.kit.ts'

/** What the suite sends. */
const MAX = 60_000
const KINDS: Readonly<
  Record<string, { near: 'server' | 'client'; isPlain?: boolean; deflate?: boolean }>
> = {
  'a server:': { near: 'server' },
  'a client:': { near: 'client' },
  'a server on any stream:': { near: 'server', isPlain: true },
  'a client on any stream:': { near: 'client', isPlain: true },
  'a server that compresses:': { near: 'server', deflate: true },
}

async function pairOf(
  { skynet }: TestNode,
  { near, ...more }: (typeof KINDS)[string],
): Promise<MessagePair> {
  const [here, there] = await connections(skynet)
  const far = near === 'server' ? 'client' : 'server'
  const options = { binary: true, messageBytesMax: MAX, ...more }
  const isMasked = far === 'client'
  return {
    near: stream(skynet, near, here, options) as MessageStream,
    far: stream(skynet, far, there, options) as MessageStream,
    breakNear: () => here.configure({ idleTimeoutMs: 1 }),
    cutNear() {
      there.write(frame(2, 'abc', { isMasked }).subarray(0, 3))
      there.end()
    },
    overfillNear: () => void there.write(frame(2, Buffer.alloc(MAX + 1), { isMasked })),
  }
}

for (const [name, kind] of Object.entries(KINDS)) {
  messageStreamSuite(name, (title, body) => {
    // Proves: docs/websocket.md#message-stream
    test(title, async () => {
      await using node = await testNode()
      await body(() => pairOf(node, kind))
    })
  })
}
