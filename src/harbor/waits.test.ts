import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Waits } from './waits.ts'

const HOST = { isAlive: (handle: number): boolean => handle < 100 }

test('Waits settles and fails all of a topic, and keeps nothing of who waits no more', async () => {
  const waits = new Waits(HOST)
  const topics = ['a', 'a', 'a', 'b']
  const all = topics.map((topic, i) => waits.add(topic, { source: 7, session: i + 1 }))
  waits.giveUp(7, 2)
  waits.giveUp(7, 99)
  waits.settle('a', 'done')
  assert.equal(waits.has('a'), false)
  waits.settle('a', 'nobody')
  assert.equal(waits.has('b'), true)
  waits.fail((topic) => topic === 'b', new Error('no'))
  assert.equal(waits.has('b'), false)
  const ends = await Promise.allSettled(all)
  assert.deepEqual(
    ends.map((end) => (end.status === 'fulfilled' ? end.value : String(end.reason))),
    ['done', undefined, 'done', 'Error: no'],
  )
})

test('Waits drops those whose services are gone, from time to time', () => {
  const waits = new Waits(HOST)
  for (let source = 100; source < 164; source++)
    void waits.add(`of ${source}`, { source, session: 1 })
  assert.equal(waits.has('of 100'), true)
  void waits.add('of 7', { source: 7, session: 1 })
  assert.equal(waits.has('of 100'), false)
  assert.equal(waits.has('of 7'), true)
})
