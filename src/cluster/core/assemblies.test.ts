import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SPARE_BYTES_MIN } from '../../base/limits.ts'
import { Assemblies } from './assemblies.ts'
import { FramedMessage } from './frame.ts'

const LIMITS = { lanes: 2, assemblyBytes: 1000 }

function chunk(lane: number, total: number, offset: number, length: number): FramedMessage {
  return Object.assign(new FramedMessage(), { lane, total, offset, from: 0, length })
}

/** @param parts Lane, bytes of the message, place and length of the part. */
function take(...parts: readonly (readonly [number, number, number, number])[]): unknown[] {
  const assemblies = new Assemblies(LIMITS)
  const bytes = Buffer.alloc(1000, 'x')
  return parts.map((part) => assemblies.take(chunk(...part), bytes)?.length)
}

test('a message is whole with its last part', () => {
  assert.deepEqual(take([1, 10, 0, 6], [2, 5, 0, 4], [1, 10, 6, 4]), [undefined, undefined, 10])
})

test('the memory of a message is that of the next one once it is done with, and not before', () => {
  const length = 4 * SPARE_BYTES_MIN
  const assemblies = new Assemblies({ lanes: 2, assemblyBytes: 2 * length })
  const whole = (lane: number, text: string): Buffer => {
    const message = assemblies.take(chunk(lane, length, 0, length), Buffer.alloc(length, text))
    assert.ok(message)
    return message
  }
  const first = whole(1, 'a')
  const second = whole(2, 'b')
  assert.notEqual(second.buffer, first.buffer)
  assert.ok(first.every((byte) => byte === 97))
  assemblies.done(first)
  const third = whole(1, 'c')
  assert.equal(third.buffer, first.buffer)
  assert.ok(third.every((byte) => byte === 99) && second.every((byte) => byte === 98))
})

// Proves: docs/limits.md#link-lanes
test('null: what the peer may not send, before anything is made for it', () => {
  const assemblies = new Assemblies(LIMITS)
  const bytes = Buffer.alloc(1000)
  const isRefused = (...part: [number, number, number, number]) =>
    assemblies.take(chunk(...part), bytes) === null
  assert.ok(isRefused(1, 1001, 0, 1), 'more bytes than there may be')
  assert.ok(isRefused(1, 10, 1, 5), 'it has no begin')
  assert.equal(assemblies.size, 0)
  assert.ok(!isRefused(1, 600, 0, 5))
  assert.ok(isRefused(2, 401, 0, 1), 'together with others')
  assert.ok(!isRefused(2, 400, 0, 1))
  assert.ok(isRefused(3, 1, 0, 1), 'more lanes than there may be')
  assert.ok(isRefused(1, 600, 0, 5), 'it begins twice')
  assert.ok(isRefused(1, 600, 6, 5), 'a part is missing')
  assert.ok(isRefused(1, 599, 5, 5), 'of another length')
  assert.equal(assemblies.size, 2)
  assemblies.clear()
  assert.ok(!isRefused(3, 1000, 0, 1))
})

test('a length for which there is no memory is refused', () => {
  const assemblies = new Assemblies({ lanes: 1, assemblyBytes: 2 ** 53 })
  assert.equal(assemblies.take(chunk(1, 2 ** 52, 0, 1), Buffer.alloc(1)), null)
})
