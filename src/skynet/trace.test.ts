import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'

// Proves: docs/commands.md#trace-messages
test('a message of a type of the runtime is in a trace what it is alone', async () => {
  await using node = await testNode()
  const { skynet } = node
  const lines: unknown[] = []
  const keeper = defineService(() => ({
    text: (_source: number, line: unknown) => void lines.push(line),
  }))
  const { handle } = await node.launch(keeper)
  skynet.rawSend(handle, 'text', 'alone')
  await skynet.debug.traced('lines', () => skynet.rawSend(handle, 'text', 'in a trace'))
  await node.settled()
  assert.deepEqual(lines, ['alone', 'in a trace'])
})
