/** The cases of message streams, over KCP in memory: a client and a server, either end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Skynet } from '../../skynet/skynet.ts'
import { type MessagePair, messageStreamSuite } from '../../sockets/message-stream.suite.ts'
import { testNode } from '../../testing/test-node.ts'
import { connectKcp } from './connect.ts'
import type { KcpStream } from './kcp-stream.ts'
import { listenKcp } from './listen.ts'
import { PACKET_KIND } from './packets.ts'
import { type Direction, Relay } from './relay.kit.ts'

/** What the suite sends. */
const MAX = 60_000
const HOST = '127.0.0.1'

interface Ends {
  readonly server: KcpStream
  readonly client: KcpStream
  readonly relay: Relay
}

/** The one that takes less is broken by longer messages. */
async function open(skynet: Skynet, serverMax: number, clientMax: number): Promise<Ends> {
  const listener = await listenKcp(skynet, { host: HOST, port: 0, messageBytesMax: serverMax })
  const relay = await Relay.start(skynet, listener.port)
  const [client, server] = await Promise.all([
    connectKcp(skynet, { port: relay.port, messageBytesMax: clientMax }),
    listener.accept(),
  ])
  return { client, server: server!, relay }
}

/** A peer that has closed before all had come, so it says. */
const cutTo = ({ relay }: Ends, direction: Direction): void =>
  relay.forge(direction, (head) => {
    head[0] = PACKET_KIND.close
    return Buffer.concat([head, Buffer.from([9, 9, 9, 9, 0, 0])])
  })

const SIDES: Readonly<Record<string, (skynet: Skynet) => Promise<MessagePair>>> = {
  'KCP, a client:': async (skynet) => {
    const ends = await open(skynet, MAX + 1, MAX)
    return {
      near: ends.client,
      far: ends.server,
      breakNear: () => cutTo(ends, 'down'),
      overfillNear: () => void ends.server.send(Buffer.alloc(MAX + 1)),
    }
  },
  'KCP, a server:': async (skynet) => {
    const ends = await open(skynet, MAX, MAX + 1)
    return {
      near: ends.server,
      far: ends.client,
      breakNear: () => cutTo(ends, 'up'),
      overfillNear: () => void ends.client.send(Buffer.alloc(MAX + 1)),
    }
  },
}

for (const [name, openPair] of Object.entries(SIDES)) {
  messageStreamSuite(
    name,
    (title, body) => {
      // Proves: docs/kcp.md#message-stream
      test(title, { timeout: 60_000 }, async () => {
        await using node = await testNode()
        await body(() => openPair(node.skynet))
      })
    },
    ['breakNear', 'overfillNear'],
  )
}

void assert
