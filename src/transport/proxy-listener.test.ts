import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { withProxy } from './proxy-listener.ts'

const WHY: Readonly<Record<string, RegExp>> = {
  '': /Cannot read a PROXY header: it has not come within 30 ms$/,
  'PROXY TCP4 1': /Cannot read a PROXY header: the connection has ended before it was there$/,
  'GET / HTTP/1.1\r\n\r\n': /Cannot read a PROXY header: it begins with something else$/,
}

for (const [said, why] of Object.entries(WHY)) {
  // Proves: docs/proxy.md#deadline
  test(`the log says that a PROXY header was missing, of '${said.trim()}'`, async () => {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    const { skynet } = node
    const below = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    const listener = withProxy(below, { trust: ['127.0.0.1'], timeoutMs: 30 })
    const accepting = listener[Symbol.asyncIterator]().next()
    const client = await skynet.socket.connect({ port: listener.port })
    if (said !== '') {
      client.write(said)
      client.end()
    }
    await node.settled()
    await clock.advance(said === '' ? 30 : 0)
    const line = await node.log.find(({ text }) => text.includes('PROXY'))
    assert.match(line.text, why)
    await listener.close()
    assert.equal((await accepting).done, true)
  })
}
