/** Alone: it takes what nobody catches in the whole process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchAbort } from './abort.ts'
import { setImmediate } from './event-loop.ts'

test('watchAbort() tells all, also behind one that throws, and hides no error', async () => {
  const controller = new AbortController()
  const told: string[] = []
  const thrown: unknown[] = []
  const broken = (name: string) => ({
    aborted(): void {
      told.push(name)
      throw new Error(`${name} is broken`)
    },
  })
  watchAbort(controller.signal, { aborted: () => told.push('first') })
  watchAbort(controller.signal, broken('a'))
  watchAbort(controller.signal, broken('b'))
  watchAbort(controller.signal, { aborted: () => told.push('last') })
  process.setUncaughtExceptionCaptureCallback((error: unknown) =>
    thrown.push((error as Error).message),
  )
  try {
    controller.abort()
    await new Promise<void>((resolve) => setImmediate(resolve))
  } finally {
    process.setUncaughtExceptionCaptureCallback(null)
  }
  assert.deepEqual(told, ['first', 'a', 'a', 'b', 'last'])
  assert.deepEqual(thrown, ['a is broken', 'b is broken'])
})
