import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHubs } from '../support/cluster-hubs.ts'
import { isNatsInstalled, NATS_LEFT_OUT, NatsServer } from '../support/nats-server.ts'

test('nodes that know a server of NATS call each other by name', async (t) => {
  if (!isNatsInstalled()) return t.diagnostic(NATS_LEFT_OUT)
  const server = await NatsServer.start()
  t.after(() => server[Symbol.asyncDispose]())
  const nats = { servers: server.url }
  const { hub } = await startHubs(t, { a: {}, b: {} }, { transport: 'nats', nats })
  const value = { deep: [1n, new Date(5)], text: 'x'.repeat(300_000) }
  assert.deepEqual(await hub('a').relay('b', value), value)
  assert.deepEqual(await hub('b').relay('a', value), value)
  const [, where] = await hub('a').launch('b', 'x')
  assert.equal(where, 'hello x on b')
})
