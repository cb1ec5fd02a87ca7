import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAPS_PER_WORKER } from '../../base/limits.ts'
import { checkRoom, mapsMax } from './maps.ts'

// Proves: docs/node.md#worker-room
test('checkRoom() refuses workers that the system has no memory maps for', () => {
  checkRoom(10, 10 * MAPS_PER_WORKER)
  const few = 'a process may have 799 memory maps (vm.max_map_count), enough for 9'
  assert.throws(() => checkRoom(10, 10 * MAPS_PER_WORKER - 1), {
    code: 'ERR_SYSCALL',
    message: `Cannot start 10 workers: ${few}`,
  })
  checkRoom(1024, Number.POSITIVE_INFINITY)
})

test('mapsMax() is what Linux says, and nothing elsewhere', () => {
  const max = mapsMax()
  assert.ok(process.platform === 'linux' ? max! >= 1024 : max === undefined)
})
