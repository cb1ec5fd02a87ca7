import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { LineCutter } from './login-lines.ts'

const isTooLong = (error: unknown): boolean => isSkynetError(error, 'ERR_LINE_TOO_LONG')

/** All lines of chunks that come one after the other. */
function cut(chunks: readonly Buffer[], bytesMax: number): string[] {
  const lines = new LineCutter(1, bytesMax)
  const found: string[] = []
  for (const chunk of chunks) {
    lines.add(chunk)
    for (let line = lines.take(); line !== undefined; line = lines.take()) found.push(line)
  }
  return found
}

test('take() gives the same lines however the bytes are cut', () => {
  const text = 'one\r\n\n\xff three\nunfinished'
  const bytes = Buffer.from(text, 'latin1')
  const expected = ['one\r', '', '\xff three']
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (places) => {
      const ends = [0, ...places.sort((a, b) => a - b), bytes.length]
      const chunks = ends.slice(1).map((end, n) => bytes.subarray(ends[n], end))
      assert.deepEqual(cut(chunks, 100), expected)
    }),
  )
})

test('take() throws at the first byte too many, in one chunk or in many', () => {
  const [longest, longer] = [Buffer.from('1234\n'), Buffer.from('12345\n')]
  assert.deepEqual(cut([longest, longest], 4), ['1234', '1234'])
  assert.throws(() => cut([longer], 4), isTooLong)
  assert.throws(() => cut([longer.subarray(0, 5)], 4), isTooLong)
  assert.throws(() => cut([Buffer.from('123'), Buffer.from('45')], 4), isTooLong)
})
