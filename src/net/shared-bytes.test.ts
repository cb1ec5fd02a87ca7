import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parcelBytes, SharedBytes } from './shared-bytes.ts'

const BYTES = Buffer.from('shared')

test('SharedBytes are freed once, with the last who holds them', () => {
  let frees = 0
  const shared = new SharedBytes(BYTES, 3, () => frees++)
  for (const expected of [0, 0, 1]) {
    shared.release()
    assert.equal(frees, expected)
  }
  assert.throws(() => shared.release(), { name: 'AssertionError', message: /once too often/ })
  assert.equal(frees, 1)
})

test('SharedBytes that nobody holds are freed at once', () => {
  let frees = 0
  const shared = new SharedBytes(BYTES, 0, () => frees++)
  assert.equal(frees, 1)
  assert.throws(() => shared.release(), { name: 'AssertionError' })
})

test('parcelBytes gives the bytes of either kind of parcel, without a copy', () => {
  const shared = new SharedBytes(BYTES, 1, () => {})
  assert.equal(parcelBytes(shared), BYTES)
  assert.equal(parcelBytes(BYTES), BYTES)
  assert.equal(shared.length, BYTES.length)
})
