import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Growth } from './heap-watch.ts'

const MB = 1024 * 1024

test('Growth asks a worker that is held while the process grows, again after as much', () => {
  const growth = new Growth(128)
  assert.equal(growth.isDue(0, 100 * MB), false, 'it has not begun')
  assert.equal(growth.isDue(1, 100 * MB), false)
  assert.equal(growth.isDue(1, 200 * MB), false, 'it may come back yet')
  assert.equal(growth.isDue(1, 131 * MB), false, 'too little')
  assert.equal(growth.isDue(1, 132 * MB), true)
  growth.asked(132 * MB)
  assert.equal(growth.isDue(1, 163 * MB), false)
  assert.equal(growth.isDue(1, 164 * MB), true)
  assert.equal(growth.isDue(2, 500 * MB), false, 'it has looked by itself')
})

test('Growth asks a worker nothing that is held and takes no memory, or gives some back', () => {
  const growth = new Growth(128)
  for (let i = 0; i < 100; i++) assert.equal(growth.isDue(1, 100 * MB), false)
  assert.equal(growth.isDue(1, 50 * MB), false)
  assert.equal(growth.isDue(1, 82 * MB), true, 'counted from the least')
})
