/** A program, or its test, that mocks the timers of the thread that watches a node. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveConfig, startNode } from 'skynet-ts/node'

// Proves: docs/testing.md#test-mocks
test('a node watches its workers by the real time while its program mocks timers', async (t) => {
  t.mock.timers.enable()
  t.mock.method(performance, 'now', () => 0)
  // A service holds its worker for a minute; who calls it ends the node when that worker was ended.
  const config = { start: '../fixtures/looper.ts', args: ['spare', 60_000], logger: '/dev/null' }
  // Longer than a start takes on a busy machine.
  const watched = { ...config, thread: 2, monitorMs: 500, monitorAction: 'kill' as const }
  await using node = await startNode(resolveConfig(watched, import.meta.dirname))
  assert.equal(await node.exited, 0)
})
