/** Code that uses up its stack, wherever in the runtime that may be. */
import assert from 'node:assert/strict'
import { JOBS } from '../fixtures/deep.ts'
import { inProcess } from '../support/process.ts'
import { test } from '../support/run.ts'

async function checkAll(hasStore: boolean): Promise<void> {
  const jobs = Object.keys(JOBS)
  const { code, out, err } = await inProcess('deep.ts', [jobs, hasStore], { monitorMs: 1000 })
  const done = jobs.filter((job) => out.includes(`${job}: done\n`))
  assert.deepEqual(done, jobs)
  assert.equal(code, 0, err)
}

// Proves: docs/semantics.md#fault-stack-end
test('a stack that ends inside of the runtime costs nobody his timers, calls or end', () =>
  checkAll(false))

// Proves: docs/semantics.md#fault-stack-end
test('a stack that ends inside of the runtime, in a store, costs nobody anything', () =>
  checkAll(true))
