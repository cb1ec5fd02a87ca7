import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Turn } from './turn.ts'

/** A turn, and what happened in it. */
function setUp() {
  const seen: string[] = []
  const turn = new Turn(() => seen.push('end'))
  const gatherer = (name: string) => ({ flush: () => seen.push(name) })
  return { seen, turn, gatherer }
}

test('Turn hands on once at its end, in the order in which gathering began', async () => {
  const { seen, turn, gatherer } = setUp()
  turn.markDirty(gatherer('a'))
  turn.markDirty(gatherer('b'))
  assert.deepEqual(seen, [])
  await new Promise(process.nextTick)
  assert.deepEqual(seen, ['a', 'b', 'end'])
  turn.markDirty(gatherer('c'))
  await new Promise(process.nextTick)
  assert.deepEqual(seen, ['a', 'b', 'end', 'c', 'end'])
})

test('flush() hands on before the end, and what is gathered meanwhile waits for it', () => {
  const { seen, turn, gatherer } = setUp()
  turn.markDirty({
    flush: () => {
      seen.push('a')
      turn.markDirty(gatherer('again'))
    },
  })
  turn.flush()
  assert.deepEqual(seen, ['a'])
  turn.end()
  assert.deepEqual(seen, ['a', 'again', 'end'])
})
