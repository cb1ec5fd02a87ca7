/** Threads are told things in the moment of their end, and the process goes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { program } from '../support/process.ts'

test('threads that are told things as fast as that goes end in all ways, and alone', async () => {
  const { code, out, err } = await program('end-storm.ts')
  assert.deepEqual({ code, out }, { code: 0, out: '100 ends\n' }, err)
})
