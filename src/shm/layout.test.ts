import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layout } from './layout.ts'

test('layout puts fields one after another, and knows the size of all', () => {
  assert.deepEqual(
    { ...layout({ state: 1, bytes: 2, unused: 5 }) },
    {
      state: 0,
      bytes: 1,
      unused: 3,
      CELLS: 8,
    },
  )
  assert.equal(layout({}).CELLS, 0)
})
