import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { leaveAbort, watchAbort } from './abort.ts'

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

test('watchAbort() keeps one listener of a signal for all who wait, and none after them', () => {
  const { signal } = new AbortController()
  const all = Array.from({ length: 1000 }, () => ({ aborted: () => {} }))
  for (const who of all) watchAbort(signal, who)
  assert.equal(listeners(signal), 1)
  for (const who of all) leaveAbort(signal, who)
  assert.equal(listeners(signal), 0)
  leaveAbort(signal, all[0]!)
  watchAbort(signal, all[0]!)
  assert.equal(listeners(signal), 1)
})

test('watchAbort() tells all, the first first, but for those who have left by then', () => {
  const controller = new AbortController()
  const { signal } = controller
  const told: string[] = []
  const named = (name: string) => ({
    aborted(its: AbortSignal): void {
      assert.equal(its, signal)
      told.push(name)
      leaveAbort(signal, this)
    },
  })
  const [a, b, c] = [named('a'), named('b'), named('c')]
  for (const who of [a, b, c]) watchAbort(signal, who)
  leaveAbort(signal, b)
  controller.abort()
  assert.deepEqual(told, ['a', 'c'])
  assert.equal(listeners(signal), 0)
})

test('watchAbort() hears signals that Node.js makes of others', () => {
  const controller = new AbortController()
  let told = 0
  const who = { aborted: () => told++ }
  watchAbort(AbortSignal.any([controller.signal]), who)
  controller.abort()
  assert.equal(told, 1)
})

test('watchAbort() tells those whom it could not where the stack ended', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const told: string[] = []
  const shallow = {
    aborted(): void {
      told.push('shallow')
      if (told.length === 1) throw new RangeError('Maximum call stack size exceeded')
    },
  }
  watchAbort(signal, shallow)
  watchAbort(signal, { aborted: () => told.push('behind') })
  controller.abort()
  await undefined
  assert.deepEqual(told, ['shallow', 'shallow', 'behind'])
})
