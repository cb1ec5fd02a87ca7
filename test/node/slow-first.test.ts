/** Services whose setups await what never comes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { TestNode } from '../support/node.ts'
import { fixture, inProcess } from '../support/process.ts'

// Proves: docs/node.md#start-slow
test('a first service that is not ready is named, and the start ends after startMs', async () => {
  const given = { start: fixture('slow-start.ts'), thread: 2, logger: '/dev/null', startMs: 100 }
  const error = await startNode(resolveConfig(given, '/')).catch((thrown) => thrown)
  assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'), String(error))
  assert.match(
    error.message,
    /slow-start.*: it is not ready within 100 ms \(config key 'startMs'\)$/,
  )
  const config = { startMs: 1000, budgets: { startNoticeMs: 1 } }
  const { code, err } = await inProcess('slow-start.ts', [], config)
  assert.equal(code, 1)
  assert.match(
    err,
    /Still starting: the first service, \S*slow-start\.\wsx?, is not ready after 1 ms/,
  )
})

// Proves: docs/semantics.md#launch-slow
test('a service that is not ready is named, with what its setup waits for', async (t) => {
  const node = await TestNode.start((folder, logger) => {
    const config = resolveConfig({ start: fixture('slow-child.ts'), thread: 2, logger }, folder)
    return { ...config, budgets: { ...config.budgets, startNoticeMs: 1 } }
  })
  t.after(() => node.stop())
  await node.logged(/never-ready\] error: setup: not done after 1 ms: wait token "for ever"$/m)
})
