import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameEncoder } from './frame-encoder.ts'
import { HEADERS, wide } from './frames.kit.ts'

// Proves: docs/frames.md#too-large-sent
// Proves: docs/limits.md#frame
test('frameEncoder() takes max bytes, and refuses one more, in text and in bytes', () => {
  for (const [name, header] of Object.entries(HEADERS)) {
    const encode = frameEncoder({ header, max: 6 })
    const large = { code: 'ERR_FRAME_TOO_LARGE', info: { bytes: 7, limit: 6 } }
    assert.equal(encode('界é ').length - encode('').length, 6, name)
    assert.throws(() => encode('界éab'), large)
    assert.throws(() => encode(Buffer.alloc(7, 'x')), large)
  }
})

// Proves: docs/frames.md#line-sent
test('frameEncoder() of lines refuses what would arrive as something else', () => {
  const encode = frameEncoder({ header: 'line' })
  for (const message of ['a\nb', '\n', 'a\r', '\r']) {
    const refused = { name: 'TypeError', message: /one line/ }
    assert.throws(() => encode(message), refused)
    assert.throws(() => encode(Buffer.from(message)), refused)
  }
  assert.equal(encode('a\rb').toString(), 'a\rb\n')
})

test('frameEncoder() encodes with the codec, and refuses what is none', () => {
  const codec = { encode: (message: { n: number }) => JSON.stringify(message) }
  const encode = frameEncoder({ header: 'varint', codec })
  assert.equal(encode({ n: 1 }).toString(), '\x07{"n":1}')
  assert.throws(() => frameEncoder({ header: 'line', codec: {} as never }), /'codec.encode'/)
  assert.throws(() => frameEncoder({ header: 'line', codec: null as never }), TypeError)
})

test('frameEncoder() refuses what is no message', () => {
  const encode = frameEncoder({ header: 'u16be' })
  for (const message of [5, null, undefined, {}, [1]]) {
    assert.throws(() => encode(message as never), { name: 'TypeError', message: /'message'/ })
  }
})

test('frameEncoder() refuses a header of one’s own of another length than it told', () => {
  for (const length of [0, 4, 1.5]) {
    const encode = frameEncoder({ header: { ...wide, headerFor: () => length } })
    assert.throws(() => encode('x'), { name: 'RangeError', message: /headerFor/ })
  }
})
