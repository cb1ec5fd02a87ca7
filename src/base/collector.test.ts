import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { collector } from './collector.ts'

test('collector() collects, and leaves the flags of V8 as they were', () => {
  const flags = runInNewContext('typeof gc') as string
  const gc = collector()
  gc()
  assert.equal(runInNewContext('typeof gc'), flags)
})
