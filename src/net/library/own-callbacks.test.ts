import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Callbacks } from './own-callbacks.ts'

test('Callbacks call nobody before run(), then in order, also who becomes due meanwhile', () => {
  const seen: string[] = []
  const callbacks = new Callbacks((text) => seen.push(text))
  callbacks.giveBack(() => {
    seen.push('free')
    callbacks.say('later')
  })
  callbacks.say('line')
  assert.deepEqual(seen, [])
  callbacks.run()
  assert.deepEqual(seen, ['free', 'line', 'later'])
  callbacks.run()
  assert.equal(seen.length, 3)
})

test('a free that throws is a line in the log, and the next one is called', () => {
  const seen: string[] = []
  const callbacks = new Callbacks((text) => seen.push(text))
  callbacks.giveBack(() => {
    throw new Error('from free')
  })
  callbacks.giveBack(() => seen.push('second'))
  callbacks.run()
  assert.match(seen[0]!, /^socket-server error: free: Error: from free/)
  assert.equal(seen[1], 'second')
})
