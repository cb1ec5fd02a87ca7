import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SKYNETCLUSTER_BEGUN_MAX, SKYNETCLUSTER_MESSAGE_BYTES_MAX } from '../base/limits.ts'
import { Gathering } from './gathering.ts'

const bytes = (text: string): Buffer => Buffer.from(text)
const gathering = (limit = 100, messages = 3): Gathering<string> =>
  new Gathering<string>({ bytes: limit, messages })

test('parts of several messages may be mixed, and be of any size', () => {
  const all = gathering()
  all.begin(1, 'a', 6)
  all.begin(2, 'b', 3)
  all.part(1, bytes('one'))
  all.part(2, bytes(''))
  all.part(2, bytes('tw'))
  assert.deepEqual(all.last(2, bytes('o')), { head: 'b', message: bytes('two') })
  assert.deepEqual(all.last(1, bytes('two')), { head: 'a', message: bytes('onetwo') })
  assert.equal(all.size, 0)
})

test('a message that is longer or shorter than was said is broken', () => {
  for (const total of [2, 4]) {
    const all = gathering()
    all.begin(1, 'a', total)
    all.part(1, bytes('xx'))
    assert.deepEqual(all.last(1, bytes('x')), { head: 'a', message: undefined })
  }
})

test('two begins of one session break it; a part without a begin has none', () => {
  const all = gathering()
  all.begin(1, 'a', 1)
  all.begin(1, 'b', 1)
  assert.deepEqual(all.last(1, bytes('x')), { head: 'a', message: undefined })
  all.part(1, bytes('x'))
  assert.deepEqual(all.last(1, bytes('x')), { head: undefined, message: undefined })
  assert.equal(all.last(1, bytes('x')), undefined)
})

test('all that is unfinished takes no more than its limit: the message beyond it is broken', () => {
  const all = gathering(10)
  all.begin(1, 'a', 10)
  all.begin(2, 'b', 10)
  all.part(1, bytes('12345678'))
  all.part(2, bytes('12'))
  all.part(2, bytes('3'))
  assert.deepEqual(all.last(2, bytes('')), { head: 'b', message: undefined })
  assert.deepEqual(all.last(1, bytes('90')), { head: 'a', message: bytes('1234567890') })
  all.begin(3, 'c', 10)
  assert.deepEqual(all.last(3, bytes('1234567890'))?.message, bytes('1234567890'))
  all.begin(3, 'c', 11)
  assert.equal(all.last(3, bytes('1234567890a'))?.message, undefined)
})

test('no memory is taken for what a begin says, only for what comes', () => {
  const all = new Gathering<string>({
    bytes: SKYNETCLUSTER_MESSAGE_BYTES_MAX,
    messages: SKYNETCLUSTER_BEGUN_MAX,
  })
  const before = process.memoryUsage().arrayBuffers
  for (let i = 1; i <= SKYNETCLUSTER_BEGUN_MAX; i++) {
    assert.ok(all.begin(i, 'x', SKYNETCLUSTER_MESSAGE_BYTES_MAX))
    assert.ok(all.part(i, bytes('x')))
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < SKYNETCLUSTER_MESSAGE_BYTES_MAX)
  assert.equal(all.begin(SKYNETCLUSTER_BEGUN_MAX + 1, 'x', 1), false)
  assert.equal(all.part(SKYNETCLUSTER_BEGUN_MAX + 2, bytes('x')), false)
})

test('forget() drops a message, and gives its bytes back', () => {
  const all = gathering(10)
  all.begin(1, 'a', 10)
  all.part(1, bytes('123456'))
  all.forget(1)
  assert.equal(all.has(1), false)
  all.begin(2, 'b', 10)
  assert.deepEqual(all.last(2, bytes('1234567890'))?.message, bytes('1234567890'))
})
