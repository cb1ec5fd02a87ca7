import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../../base/errors.ts'
import {
  CASES,
  type Case,
  type Ending,
  frame,
  type Given,
  MESSAGE_BYTES_MAX,
} from './conformance.kit.ts'
import { inflated } from './deflate.ts'
import { WebSocketReader } from './frame-reader.ts'

const MASKS = { server: 'needed', client: 'refused', any: 'any' } as const
type Rules = Omit<Case, 'name' | 'bytes' | 'gives' | 'ending'>

/** What a reader has of chunks, and how it ends. */
function read(
  { reads = 'server', messageBytesMax = MESSAGE_BYTES_MAX, deflates }: Rules,
  chunks: Iterable<Buffer>,
  isBinary = false,
): { gives: readonly Given[]; ending: Ending } {
  const gives: Given[] = []
  const host = {
    pinged: (payload: Buffer) => gives.push({ ping: payload.toString('latin1') }),
    ponged: (payload: Buffer) => gives.push({ pong: payload.toString('latin1') }),
  }
  const rules = { messageBytesMax, masks: MASKS[reads], isBinary }
  const reader = new WebSocketReader(rules, host, deflates && inflated)
  try {
    for (const chunk of chunks) {
      // It is the reader's: it unmasks in its place.
      reader.push(Buffer.from(chunk))
      for (let next = reader.next(); next !== undefined; next = reader.next()) gives.push(next)
    }
    reader.end()
    const { closed } = reader
    return { gives, ending: closed ? { closed: closed.code, reason: closed.reason } : 'open' }
  } catch (error) {
    if (!isSkynetError(error)) throw error
    if (error.code === 'ERR_FRAME_CUT') return { gives, ending: 'cut' }
    assert.throws(() => reader.next(), error)
    assert.throws(() => reader.end(), error)
    return { gives, ending: { violation: reader.violation! } }
  }
}

function* pieces(bytes: Buffer, length: (at: number) => number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + length(at)
    yield bytes.subarray(at, end)
    at = end
  }
}

test('the table has at least 200 rows, each with a name of its own', () => {
  assert.ok(CASES.length >= 200, `${CASES.length}`)
  const names = CASES.map(({ name }) => name)
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
  )
})

// Proves: docs/websocket.md#max, #violations
for (const each of CASES) {
  const { name, bytes, gives, ending } = each
  test(`WebSocketReader: ${name}`, () => {
    assert.deepEqual(read(each, [bytes]), { gives, ending })
    assert.deepEqual(
      read(
        each,
        pieces(bytes, () => 1),
      ),
      { gives, ending },
    )
    for (const length of [2, 3, 7, 4096]) {
      assert.deepEqual(
        read(
          each,
          pieces(bytes, () => length),
        ),
        { gives, ending },
      )
    }
    assert.deepEqual(
      read(
        each,
        pieces(bytes, (at) => 1 + ((at * 7919) % 13)),
      ),
      { gives, ending },
    )
    const asBytes = gives.map((one) => (typeof one === 'string' ? Buffer.from(one) : one))
    assert.deepEqual(read(each, [bytes], true), { gives: asBytes, ending })
    assert.deepEqual(
      read(
        each,
        pieces(bytes, () => 5),
        true,
      ),
      { gives: asBytes, ending },
    )
  })
}

// Proves: docs/websocket.md#memory
test('WebSocketReader takes no memory for what is announced, and has not come', () => {
  const rules = { messageBytesMax: 2 ** 28, masks: 'needed', isBinary: false } as const
  const host = { pinged() {}, ponged() {} }
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 100 }, (_, i) => {
    const reader = new WebSocketReader(rules, host)
    const bytes = frame(1, 'x', { bits: i % 2 === 0 ? 0x80 : 0, lengthBytes: 8, length: 2 ** 28 })
    reader.push(bytes)
    assert.equal(reader.next(), undefined)
    return reader
  })
  assert.ok(process.memoryUsage().arrayBuffers - before < 2 ** 26)
  for (const reader of readers) assert.throws(() => reader.end(), { code: 'ERR_FRAME_CUT' })
})
