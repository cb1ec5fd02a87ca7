import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as limits from './limits.ts'

test('every limit is a positive whole number', () => {
  for (const [name, value] of Object.entries(limits)) {
    assert.ok(Number.isSafeInteger(value) && value > 0, name)
  }
})

test('limits agree with the layouts that hold them', () => {
  assert.equal(limits.HANDLE_ID_MAX, 2 ** 24 - 1)
  assert.equal(limits.HARBOR_MAX, 2 ** 8 - 1)
  for (const bytes of [limits.RING_BYTES, limits.SOCKET_RING_BYTES, limits.COMMAND_RING_BYTES]) {
    assert.equal(Math.log2(bytes) % 1, 0, 'a ring is a power of two')
  }
  assert.equal((limits.READ_BYTES_MAX / limits.READ_BYTES_MIN) % 2, 0, 'reads double up to there')
  assert.ok(limits.SEND_WARNING_BYTES < limits.SEND_QUEUE_BYTES_MAX)
})
