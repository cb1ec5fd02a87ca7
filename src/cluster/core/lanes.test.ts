import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHUNK_BYTES_MAX, SMALL_BYTES_MAX } from './frame.ts'
import { type LaneMessage, Lanes } from './lanes.ts'

const LIMITS = { lanes: 2, assemblyBytes: 10 * SMALL_BYTES_MAX }
const LONG = SMALL_BYTES_MAX + 1

const message = (source: number, length: number, session = 0): LaneMessage => {
  return { type: 10, to: 9, source, session, deadline: 0, bytes: new Uint8Array(length) }
}

/** Take chunks until nothing may leave: the sources whose turn it was. */
function drain(lanes: Lanes, left = 0): number[] {
  const turns: number[] = []
  for (;;) {
    const chunk = lanes.next(left, LIMITS)
    if (chunk === undefined) return turns
    turns.push(chunk.view.getUint32(36 + 8, true))
    lanes.shift(() => 0)
  }
}

test('lanes take turns, and no more of them run than the peer takes', () => {
  const lanes = new Lanes()
  lanes.add(message(1, 3 * CHUNK_BYTES_MAX), 0)
  lanes.add(message(2, 2 * CHUNK_BYTES_MAX), 0)
  lanes.add(message(3, 2 * CHUNK_BYTES_MAX), 0)
  assert.deepEqual(drain(lanes), [1, 2, 1, 2, 1, 3, 3])
  assert.deepEqual([lanes.size, lanes.longBytes, lanes.messages], [0, 0, 0])
})

test('a lane waits while the peer has too much to put together', () => {
  const lanes = new Lanes()
  lanes.add(message(1, 2 * CHUNK_BYTES_MAX), 0)
  lanes.add(message(2, 9 * SMALL_BYTES_MAX), 0)
  assert.deepEqual(drain(lanes).slice(0, 3), [1, 1, 2])
})

test('a lane waits until what was posted before it has left', () => {
  const lanes = new Lanes()
  lanes.add(message(1, LONG), 7)
  assert.equal(lanes.next(6, LIMITS), undefined)
  assert.notEqual(lanes.next(7, LIMITS), undefined)
})

test('what waits behind a long message goes on in order, the next long one behind it', () => {
  const lanes = new Lanes()
  const sessions = [LONG, 3, 4, LONG, 5]
  for (const [i, length] of sessions.entries()) lanes.add(message(1, length, i + 1), 0)
  assert.ok(lanes.isBlocked(1, 9))
  assert.deepEqual([lanes.longBytes, lanes.shortBytes, lanes.messages], [2 * LONG, 12, 5])
  const resumed: number[] = []
  const resume = ({ session }: LaneMessage): number => {
    resumed.push(session)
    return 20
  }
  lanes.next(0, LIMITS)
  assert.equal(lanes.shift(resume), undefined)
  lanes.next(0, LIMITS)
  assert.equal(lanes.shift(resume)?.session, 1)
  assert.deepEqual(resumed, [2, 3])
  // They are in batch 20, which leaves first.
  assert.equal(lanes.next(19, LIMITS), undefined)
  for (let i = 0; i < 2; i++) {
    const chunk = lanes.next(20, LIMITS)!
    assert.equal(chunk.view.getUint32(36 + 32, true), i * CHUNK_BYTES_MAX)
    lanes.shift(resume)
  }
  assert.deepEqual(resumed, [2, 3, 5])
  assert.ok(!lanes.isBlocked(1, 9))
  assert.deepEqual([lanes.longBytes, lanes.shortBytes, lanes.messages], [0, 0, 0])
})
