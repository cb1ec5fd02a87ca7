/** With stand-ins of the libraries; the libraries themselves: test/long/codec-packages.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protobuf } from './protobuf.ts'

interface Move {
  x: number
}

/** A message is one byte. */
const type = {
  fullName: '.game.Move',
  encode: ({ x }: Move) => ({ finish: () => Uint8Array.of(x) }),
  decode(bytes: Uint8Array): Move & { readonly raw: Uint8Array } {
    if (bytes.length !== 1) throw new RangeError('index out of range')
    return { x: bytes[0]!, raw: bytes }
  },
  verify: ({ x }: { x?: unknown }) => (typeof x === 'number' ? null : 'x: integer expected'),
}

test('protobuf() takes a type of protobufjs', () => {
  const codec = protobuf(type)
  assert.equal(codec.decode(codec.encode({ x: 7 })).x, 7)
  assert.throws(() => codec.encode({ x: 'a' } as never), {
    name: 'TypeError',
    message: 'Cannot encode game.Move: x: integer expected',
  })
})

test('protobuf() takes a schema of @bufbuild/protobuf with what reads and writes it', () => {
  const schema = { typeName: 'game.Move' }
  const codec = protobuf(
    schema,
    (_, bytes) => type.decode(bytes),
    (_, message) => type.encode(message).finish(),
  )
  const { x } = codec.decode(codec.encode({ x: 7, raw: Buffer.alloc(0) }))
  assert.equal(x, 7)
})

// Proves: docs/codec.md#protobuf
test('protobuf() makes ERR_CODEC of what a library throws, and gives out copies', () => {
  const codec = protobuf(type)
  assert.throws(() => codec.decode(Buffer.alloc(2)), {
    code: 'ERR_CODEC',
    info: { codec: 'protobuf', at: 'game.Move', reason: 'RangeError: index out of range' },
  })
  const bytes = Buffer.from([5])
  const { raw } = codec.decode(bytes)
  bytes.fill(0)
  assert.deepEqual([...raw], [5])
})

test('protobuf() refuses what is no type', () => {
  for (const wrong of [undefined, null, {}, { ...type, verify: 1 }]) {
    assert.throws(() => protobuf(wrong as never), TypeError)
  }
  const toBinary = undefined as never
  assert.throws(() => protobuf({}, () => ({}), toBinary), /'toBinary' must be a function/)
})

/** What must not compile; nobody calls it. */
export function misuse(): void {
  const codec = protobuf(type)
  // @ts-expect-error it is a number
  codec.encode({ x: 'a' })
  // @ts-expect-error there is no such field
  codec.decode(Buffer.alloc(0)).y
}
