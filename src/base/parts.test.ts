import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STOP_MS_MIN, TIMER_MS_MAX } from './limits.ts'
import { partMs } from './parts.ts'

test('partMs() divides any time, and its parts are all of it', () => {
  for (const ms of [0.5, 1, STOP_MS_MIN, STOP_MS_MIN + 0.5, 1999, 60_000, TIMER_MS_MAX]) {
    let left = ms
    let parts = 0
    while (left > 0) {
      const part = partMs(left)
      assert.ok(part > 0 && part <= left && part <= Math.max(STOP_MS_MIN, ms / 8 + 1))
      assert.ok(part === left || part >= STOP_MS_MIN)
      left -= part
      parts++
    }
    assert.equal(left, 0)
    assert.ok(parts < 200, `${ms} ms in ${parts} parts`)
  }
})
