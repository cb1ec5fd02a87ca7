import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatLine } from './log.ts'

test('formatLine writes handle, name and text, and marks errors', () => {
  const line = { at: 0, level: 'info', handle: 10, title: 'chat/agent', text: 'hello' } as const
  assert.equal(formatLine(line), '[:0000000a chat/agent] hello')
  assert.equal(formatLine({ ...line, level: 'error' }), '[:0000000a chat/agent] error: hello')
})

test('formatLine names nobody for the node itself', () => {
  const line = { at: 0, level: 'info', handle: 0, title: '', text: 'up' } as const
  assert.equal(formatLine(line), '[:00000000] up')
})
