import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamOptions } from '../../sockets/opening.ts'
import { placeBelow } from './place-below.ts'

test('below TLS small records leave at once, unless told otherwise', () => {
  const optionsOf = (place: StreamOptions & { path?: string }): unknown => placeBelow(place).options
  assert.deepEqual(optionsOf({}), { noDelay: 1 })
  assert.deepEqual(optionsOf({ options: { noDelay: 0 } }), { noDelay: 0 })
  assert.equal(optionsOf({ path: '/tmp/x' }), undefined)
})

test('below TLS there is room for what is encrypted, and a wrong limit stays wrong', () => {
  const limitOf = (sendLimitBytes: number | undefined): number | undefined =>
    placeBelow({ ...(sendLimitBytes !== undefined && { sendLimitBytes }) }).sendLimitBytes
  assert.equal(limitOf(1), 1 + 1 + 4096)
  assert.equal(limitOf(1_000_000), 1_000_000 + 7813 + 4096)
  assert.equal(limitOf(undefined), limitOf(16 * 1024 * 1024))
  assert.equal(limitOf(2 ** 30), 2 ** 30)
  for (const wrong of [0, -1, 1.5, 2 ** 30 + 1, Number.NaN]) assert.equal(limitOf(wrong), wrong)
})
