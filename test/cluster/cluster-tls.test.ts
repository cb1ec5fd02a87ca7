/** Nodes of a cluster over TLS: what they say, a link that breaks, who is not let in. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tlsOf } from '../../src/cluster/tcp/tcp.kit.ts'
import { CALM, startHubs } from '../support/cluster-hubs.ts'
import { CuttingProxy } from '../support/cutting-proxy.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

// Proves: docs/cluster-tcp.md#tls, #tls-refused, #tls-checked
test('nodes with certificates: calls, channels, a cut, and others', async (t) => {
  const port = await freePort()
  await using proxy = await CuttingProxy.to(port)
  const seed = `127.0.0.1:${port}`
  const given = {
    a: { seed, listen: seed, tls: tlsOf('a') },
    b: { seed: `127.0.0.1:${proxy.port}`, tls: tlsOf('b') },
  }
  const { hub, second } = await startHubs(t, given, CALM)
  const value = { deep: [1n, new Map([[1, 'x']])], text: 'x'.repeat(300_000) }
  assert.deepEqual(await hub('a').relay('b', value), value)
  assert.deepEqual(await hub('b').relay('a', value), value)
  const [, where] = await hub('a').launch('b', 'x')
  assert.equal(where, 'hello x on b')

  const waiting = assert.rejects(
    hub('b').wait('a', 20_000),
    (error: { info: { sent: string } }) => error.info.sent === 'maybe',
  )
  // Behind it.
  await hub('b').relay('a', 1)
  proxy.cut()
  await waiting
  await until('they are back', () =>
    hub('a')
      .relay('b', 2)
      .then(
        () => true,
        () => false,
      ),
  )
  assert.equal(await hub('b').relay('a', 3), 3)

  const refused = {
    'of another node': [{ tls: tlsOf('b') }, /'cluster.tls.cert' .*subjectAltName=DNS:z/],
    'that trusts others': [{ tls: tlsOf('z', 'other') }, /nobody of 'tls.ca' has signed/],
  } as const
  for (const [what, [more, reason]] of Object.entries(refused)) {
    const third = second('z', { seed, ...more })
    await assert.rejects(third, (error: Error) => reason.test(error.message), what)
  }
  assert.equal(await hub('a').relay('b', 4), 4)
})

// Proves: docs/cluster.md#name
test('a node with a certificate that stops in good order is down at once', async (t) => {
  const { hub, stop, log } = await startHubs(
    t,
    { a: { tls: tlsOf('a') }, b: { tls: tlsOf('b') } },
    // So long nobody waits: it is told, or this fails.
    { leaseMs: 100_000 },
  )
  assert.equal(await hub('a').relay('b', 1), 1)
  await stop('b')
  await until('a knows', async () => (await hub('a').nodes()).length === 1)
  assert.doesNotMatch(log('a'), /suspect/)
})
