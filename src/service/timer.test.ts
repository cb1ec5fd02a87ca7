import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Wheel } from '../kernel/wheel.ts'
import { Timer } from './timer.ts'

function setUp() {
  const wheel = new Wheel(0, (error) => assert.fail(String(error)))
  const removed: Timer[] = []
  const timer = new Timer({ removeTimer: (each) => removed.push(each) })
  let fired = 0
  timer.node = wheel.add(10, () => fired++)
  return { wheel, timer, removed, fired: () => fired }
}

test('Timer is pending until it fires', () => {
  const { wheel, timer, removed, fired } = setUp()
  assert.equal(timer.pending, true)
  wheel.advance(10)
  assert.deepEqual([timer.pending, fired()], [false, 1])
  timer.cancel()
  assert.deepEqual(removed, [], 'who fires it removes it')
})

test('Timer.cancel keeps it from firing, once', () => {
  const { wheel, timer, removed, fired } = setUp()
  timer.cancel()
  timer.cancel()
  wheel.advance(10)
  assert.deepEqual([timer.pending, fired(), removed.length, wheel.size], [false, 0, 1, 0])
})

test('Timer is cancelled at the end of a block that uses it', () => {
  const { wheel, timer, fired } = setUp()
  timer[Symbol.dispose]()
  wheel.advance(10)
  assert.equal(fired(), 0)
})

test('Timer of a service that has ended never fires', () => {
  const timer = new Timer({ removeTimer: () => assert.fail('it was never added') })
  assert.equal(timer.pending, false)
  timer.cancel()
})
