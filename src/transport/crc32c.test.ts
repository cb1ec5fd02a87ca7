import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from './crc32c.ts'

/** RFC 3720, B.4, and the check value of the catalogue of CRCs. */
test('crc32c() is the one of RFC 3720', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  assert.equal(crc32c(Buffer.from(Array.from({ length: 32 }, (_, i) => i))), 0x46dd794e)
  assert.equal(crc32c(Buffer.alloc(0)), 0)
})
