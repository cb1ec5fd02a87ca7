/** Agents on another node than the gate. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, type SessionClient } from 'skynet-ts/client'
import { framedTcp } from 'skynet-ts/client/node'
import { resolveConfig } from 'skynet-ts/node'
import type sessionClusterNode from '../fixtures/session-cluster-node.ts'
import { game } from '../fixtures/session-game.ts'
import { freePort } from '../support/free-port.ts'
import { TestNode } from '../support/node.ts'
import { until } from '../support/until.ts'

const START = join(import.meta.dirname, '../fixtures/session-cluster-node.js')

// Proves: docs/session.md#agent-ends, #gate-ends, #hand-over
test('agents of another node serve sessions, take them over, end with it', async (t) => {
  const seed = `127.0.0.1:${await freePort()}`
  const start = async (name: string, listen: string): Promise<TestNode> => {
    const cluster = { name, listen, seed, leaseMs: 20_000 }
    const node = await TestNode.start((_, logger) =>
      resolveConfig({ start: START, thread: 2, logger, cluster }),
    )
    return node
  }
  const a = await start('a', seed)
  const b = await start('b', '127.0.0.1:0')
  const running = new Set([a, b])
  t.after(() => Promise.all([...running].map((node) => node.stop())))
  const { call } = a.node.ref<typeof sessionClusterNode>('.host')
  await until('a knows b', async () => (await call.nodes()).length === 2)
  let port = await call.open()
  const clients: SessionClient<typeof game>[] = []
  const enter = (name: string): SessionClient<typeof game> => {
    const transport = framedTcp({ port })
    const client = connect(game, { transport, login: { name }, retryMsMin: 1 })
    clients.push(client)
    return client
  }
  t.after(() => Promise.all(clients.map((client) => client.close())))
  assert.equal(await enter('far1').call.add(1), 1)
  await call.endGate()
  await until('its agent is told', async () => (await call.ends()).includes('far1 node'))
  port = await call.open()
  const [here, there] = [enter('here0'), enter('there1')]
  const calls: Promise<number>[] = []
  for (let i = 0; i < 100; i++) {
    calls.push(here.call.add(i), there.call.add(i))
    if (i === 30) await here.call.move(1)
    if (i === 60) assert.equal(await here.call.move(0), 'moved to 0')
  }
  const counts = await Promise.all(calls)
  const expected = Array.from({ length: 100 }, (_, i) => [i + 1, i + 1])
  assert.deepEqual(counts, expected.flat())
  const waiting = there.call.wait()
  const failed = assert.rejects(waiting, (error: { readonly code: string }) =>
    ['ERR_CALL_DEAD', 'ERR_NODE_LOST'].includes(error.code),
  )
  // One that is on its way to the gate when the node is gone is told less: it may have run.
  await until('its agent has it', () => call.waiting())
  running.delete(b)
  await b.stop()
  await failed
  await until('it is told', () => there.reason?.code === 'agent')
  assert.equal(await here.call.add(100), 101)
})
