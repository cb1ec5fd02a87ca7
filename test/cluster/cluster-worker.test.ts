import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

// Proves: docs/cluster.md#worker, #call-ends
test('the worker of a cluster dies: each call ends, and its node joins again', async (t) => {
  // The threads in the order they are made: of each node the last one is that of the cluster.
  const threads: Worker[] = []
  const made = (thread: Worker): void => void threads.push(thread)
  process.on('worker', made)
  t.after(() => process.off('worker', made))
  const { hub } = await startHubs(t, { b: {}, a: {} })
  const last = threads.at(-1)!
  const [before] = await hub('b').epochs('a')
  const out = hub('a').wait('b')
  const into = hub('b').wait('a')
  for (const each of [out, into]) each.catch(() => {})
  await hub('a').relay('b', 1)
  await hub('b').relay('a', 1)
  await last.terminate()
  for (const [call, codes] of [
    [out, ['ERR_CALL_DEAD']],
    [into, ['ERR_NODE_LOST']],
  ] as const) {
    await assert.rejects(call, (error: { code: string; info: { sent: string } }) => {
      assert.ok(codes.includes(error.code as never), error.code)
      assert.equal(error.info.sent, 'maybe')
      return true
    })
  }
  const isBack = async (): Promise<boolean> => {
    const [epoch] = await hub('b').epochs('a')
    return epoch !== undefined && epoch > before!
  }
  await until('b knows another a', isBack)
  await until(
    'a knows b',
    async () =>
      (
        await hub('a')
          .nodes()
          .catch(() => [])
      ).length === 2,
  )
  assert.equal(await hub('a').relay('b', 2), 2)
  assert.equal(await hub('b').relay('a', 3), 3)
  await until('a is told of b again', async () => {
    const told = await hub('a').events()
    return told.at(-1)?.state === 'up'
  })
})
