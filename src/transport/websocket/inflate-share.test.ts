import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, constants as zlib } from 'node:zlib'
import { inflateShare } from './inflate-share.ts'

const zipped = (length: number): Buffer =>
  deflateRawSync(Buffer.alloc(length), { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)

// Proves: docs/limits.md#websocket-inflate-rate
test('inflateShare() takes as much as a second and a message have, then so much a second', () => {
  let now = 5
  const inflate = inflateShare(1000, 500, () => now)
  const take = (length: number): number => inflate(zipped(length), 5000).length
  assert.equal(take(1500), 1500)
  now += 250
  assert.equal(take(250), 250)
  // An hour later there is no more than at first.
  now += 3_600_000
  assert.equal(take(1000), 1000)
  assert.equal(take(500), 500)
  const info = { limit: 1000 }
  assert.throws(() => take(1), { code: 'ERR_INFLATE_RATE', info })
})
