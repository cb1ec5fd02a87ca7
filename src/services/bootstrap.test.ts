import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LoadedService, registerService } from '../modules/modules.ts'
import { defineService } from '../skynet/define-service.ts'
import { testNode } from '../testing/test-node.ts'
import bootstrap from './bootstrap.ts'

/** A logger that says when its setup begins. */
function define(name: string, setup: () => void | Promise<void>) {
  const service = `file:///logger-${name}.ts`
  const begun = new Promise<void>((resolve) => {
    const definition = defineService(() => {
      resolve()
      return setup()
    })
    registerService(service, definition as LoadedService, [])
  })
  return { logger: { service, file: undefined, format: 'text' } as const, begun }
}

const complaints = (node: Awaited<ReturnType<typeof testNode>>): string[] =>
  node.log.all.map(({ text }) => text).filter((text) => text.startsWith('Cannot launch'))

test('bootstrap says of a logger that fails when it is tried again', async () => {
  await using node = await testNode()
  const { logger, begun } = define('unfit', () => {
    throw new Error('no disk')
  })
  await node.launch(bootstrap, { args: [logger, undefined, []] })
  await begun
  await node.settled()
  assert.equal(complaints(node).length, 1)
  assert.match(complaints(node)[0]!, /^Cannot launch '\.logger' now, again in 500 ms: .*no disk/)
})

// Proves: docs/semantics.md#death-node-services
test('bootstrap that ends with its node says nothing of a logger that has not begun', async () => {
  const node = await testNode()
  const { logger, begun } = define('slow', () => new Promise<void>(() => {}))
  await node.launch(bootstrap, { args: [logger, undefined, []] })
  await begun
  await node.stop()
  assert.deepEqual(complaints(node), [])
})
