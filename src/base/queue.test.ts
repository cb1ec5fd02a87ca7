import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Queue } from './queue.ts'

test('Queue does what an array does, whatever is pushed and shifted', () => {
  const operations = fc.array(fc.oneof(fc.nat(), fc.constant('shift' as const)), { maxLength: 300 })
  fc.assert(
    fc.property(fc.constantFrom(1, 2, 16), operations, (capacity, steps) => {
      const queue = new Queue<number>(capacity)
      const model: number[] = []
      for (const step of steps) {
        assert.equal(queue.peek(), model[0])
        if (step === 'shift') assert.equal(queue.shift(), model.shift())
        else {
          queue.push(step)
          model.push(step)
        }
        assert.equal(queue.length, model.length)
        const seen: number[] = []
        queue.some((item) => seen.push(item) === 0)
        assert.deepEqual(seen, model)
      }
    }),
  )
})

test('Queue.some stops at the first item that fits', () => {
  const queue = new Queue<number>()
  for (const item of [1, 2, 3]) queue.push(item)
  const seen: number[] = []
  const found = queue.some((item) => {
    seen.push(item)
    return item === 2
  })
  assert.deepEqual([found, seen], [true, [1, 2]])
  assert.equal(
    queue.some(() => false),
    false,
  )
})

test('Queue keeps nothing alive that was shifted', () => {
  const queue = new Queue<object | undefined>(2)
  queue.push(undefined)
  assert.equal(queue.length, 1)
  assert.equal(queue.shift(), undefined)
  assert.equal(queue.length, 0)
})
