import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { WriteQueue } from './write-queue.ts'

const STAGING = Buffer.alloc(64)

test('WriteQueue gives all bytes in order, and counts complete sends, whatever is taken', () => {
  const steps = fc.array(fc.oneof(fc.string({ minLength: 1, maxLength: 90 }), fc.nat(100)))
  fc.assert(
    fc.property(steps, (operations) => {
      const queue = new WriteQueue()
      const waiting: Buffer[] = []
      for (const step of [...operations, ...new Array<number>(operations.length * 8).fill(100)]) {
        if (typeof step === 'string') {
          queue.push(Buffer.from(step))
          waiting.push(Buffer.from(step))
        } else take(queue, waiting, step)
        assert.equal(queue.length, waiting.length)
        assert.equal(queue.bytes, Buffer.concat(waiting).length)
      }
    }),
  )
})

/** The kernel takes up to `max` bytes of what `peek` offers; `waiting` is what must be left. */
function take(queue: WriteQueue, waiting: Buffer[], max: number): void {
  const next = queue.peek(STAGING)
  if (next === undefined) {
    assert.equal(waiting.length, 0)
    return
  }
  const offered = next.bytes.subarray(next.offset, next.offset + next.length)
  const all = Buffer.concat(waiting)
  assert.ok(offered.length > 0 && offered.equals(all.subarray(0, offered.length)))
  let left = Math.min(max, next.length)
  let done = 0
  const reported = queue.written(left)
  while (left > 0) {
    const [first] = waiting
    if (left < first!.length) {
      waiting[0] = first!.subarray(left)
      break
    }
    left -= first!.length
    waiting.shift()
    done++
  }
  assert.equal(reported, done)
}

test('unshift puts the rest of a direct write before everything', () => {
  const queue = new WriteQueue()
  for (const text of ['b', 'c']) queue.push(Buffer.from(text))
  queue.unshift(Buffer.from('a'))
  assert.deepEqual([queue.length, queue.bytes], [3, 3])
  const next = queue.peek(STAGING)!
  assert.equal(next.bytes.toString('latin1', next.offset, next.offset + next.length), 'abc')
  assert.equal(queue.written(3), 3)
  assert.equal(queue.peek(STAGING), undefined)
})

test('peek offers a large buffer itself, without a copy', () => {
  const queue = new WriteQueue()
  const large = Buffer.alloc(STAGING.length, 'l')
  queue.push(large)
  queue.push(Buffer.from('small'))
  assert.equal(queue.peek(STAGING)!.bytes, large)
})
