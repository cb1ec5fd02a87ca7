/** The example of the gate answers, byte for byte, as Skynet's does. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { FramedClient, framed } from '../support/framed-client.ts'
import { bytesOf, captured, startGateExample } from '../support/gate-example.ts'
import { until } from '../support/until.ts'

const { exampleGateRaw, requestBytesWithoutLength: requests } = captured
const bodyOf = (name: keyof typeof requests): Buffer => Buffer.from(requests[name], 'hex')
/** What is captured of each ends so, when all went well. */
const WELCOME = exampleGateRaw[0]!.received!
/** Pieces of one byte, where that takes no minute. */
const BYTEWISE_MAX = 1000
/** What comes behind a wish to leave is answered if it comes with it: in pieces it may be late. */
const AT_ONCE = 'quit then another request in the same write'

suite('the example of the gate', () => {
  // Proves: docs/gate.md#gate-callbacks
  test('answers what was captured of Skynet, whole and byte by byte', async (t) => {
    const { port, isQuiet } = await startGateExample(t)
    const rows = exampleGateRaw.filter(({ sent }) => sent !== undefined)
    assert.equal(rows.length, 11)
    assert.ok(rows.some(({ label }) => label === AT_ONCE))
    for (const { label, sent, received = '', state } of rows) {
      const whole = sent!.map(bytesOf)
      const bytes = Buffer.concat(whole)
      const bytewise = Array.from(bytes, (byte) => Uint8Array.of(byte))
      const isWhole = bytes.length >= BYTEWISE_MAX || label === AT_ONCE
      for (const pieces of isWhole ? [whole] : [whole, bytewise]) {
        const client = await FramedClient.connect(port)
        await client.write(pieces)
        await client.when(label, () => client.received.length >= received.length / 2)
        if (state !== 'open') await client.ended()
        assert.equal(client.received.toString('hex'), received, label)
        assert.equal(client.hasEnded, state !== 'open', label)
        assert.equal(client.failure, undefined, label)
        client.close()
      }
    }
    await isQuiet()
  })

  // Proves: docs/gate.md#half-close
  test('answers who has said FIN, and then closes; leaves nothing of who vanished', async (t) => {
    const { node, port, isQuiet } = await startGateExample(t)
    const { sockets } = node.stats()
    const polite = await FramedClient.connect(port)
    polite.send(bodyOf('handshake'))
    polite.end()
    await polite.ended()
    assert.equal(polite.received.toString('hex'), WELCOME)
    for (const leave of ['close', 'reset'] as const) {
      const sent = [framed(bodyOf('handshake')), Buffer.from([0]), Buffer.alloc(0)]
      for (const bytes of sent) {
        const client = await FramedClient.connect(port)
        await client.write([bytes])
        client[leave]()
      }
    }
    await isQuiet()
    await until('the end of all sockets', () => node.stats().sockets === sockets)
  })

  // Proves: docs/gate.md#gate-max
  test('lets 64 of 70 in, where Skynet lets 63; the others see FIN', async (t) => {
    const { port, isQuiet } = await startGateExample(t)
    const clients: FramedClient[] = []
    while (clients.length < 70) {
      const client = await FramedClient.connect(port)
      client.send(bodyOf('handshake'))
      clients.push(client)
    }
    for (const client of clients.slice(0, 64)) {
      await client.message()
      assert.equal(client.received.toString('hex'), WELCOME)
    }
    for (const client of clients.slice(64)) {
      await client.ended()
      assert.deepEqual([client.received.length, client.failure], [0, undefined])
    }
    for (const client of clients) client.close()
    await isQuiet()
    const next = await FramedClient.connect(port)
    next.send(bodyOf('handshake'))
    await next.message()
    assert.equal(next.received.toString('hex'), WELCOME)
    next.close()
    await isQuiet()
  })
})
