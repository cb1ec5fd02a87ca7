import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CheckTransport,
  clientTransportSuite,
  type TransportCase,
} from '../skynet/client-transport.suite.ts'
import type { ClientDoor, ClientEntrance } from '../skynet/client-transport.ts'
import { framed } from '../sockets/framed-stream.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { type TcpOptions, tcp } from './tcp.ts'

const caseOf = (node: TestNode, options: TcpOptions): TransportCase => ({
  open: (door) => tcp(options).open(node.skynet, door),
  async connect({ port }) {
    const client = await node.connect({ host: '127.0.0.1', port })
    return framed(client, { header: options.frames?.header ?? 'u16be' })
  },
  stopping: node,
})

const KINDS: Readonly<Record<string, TcpOptions>> = {
  'tcp():': { host: '127.0.0.1', port: 0 },
  'tcp() of varint frames:': { host: '127.0.0.1', port: 0, frames: { header: 'varint' } },
  'tcp() on a listener of others:': {
    listen: (skynet) => skynet.socket.listen({ host: '127.0.0.1', port: 0 }),
  },
}

for (const [name, options] of Object.entries(KINDS)) {
  const check: CheckTransport = (title, body) => {
    test(title, async () => {
      await using node = await testNode()
      await body(caseOf(node, options))
    })
  }
  clientTransportSuite(name, check, { stops: options.listen === undefined })
}

const door = (messageBytesMax: number): ClientDoor => ({
  messageBytesMax,
  sendLimitBytes: 1000,
  knock: () => undefined,
})

test('tcp() opens only when its frames can tell the longest message', async () => {
  await using node = await testNode()
  const open = (options: TcpOptions, max: number): Promise<ClientEntrance> =>
    tcp({ host: '127.0.0.1', port: 0, ...options }).open(node.skynet, door(max))
  await using _fits = await open({}, 0xffff)
  await assert.rejects(open({}, 0x10000), RangeError)
  await using _long = await open({ frames: { header: 'u32be' } }, 0x10000)
})

test('tcp() refuses options that are wrong, and names them', () => {
  const wrong = (options: object, name: RegExp): void =>
    assert.throws(() => tcp(options as TcpOptions), name)
  wrong([], /'options' must be a plain object/)
  wrong({ prot: 1 }, /option 'prot'.*did you mean 'port'/)
  wrong({ frames: { heder: 'line' } }, /option 'heder'.*did you mean 'header'/)
  wrong({ frames: { header: 'u64' } }, /'header' must be one of/)
  wrong({ listen: 7 }, /'listen' must be a function/)
  wrong({ listen: () => {}, port: 7 }, /option 'port'/)
  wrong({ timeoutMs: 7 }, /option 'timeoutMs'/)
})
