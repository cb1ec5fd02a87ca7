/** Against what Skynet has made: each message both ways, and what we do otherwise on purpose. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plansOf } from './plan.ts'
import { SprotoReader } from './reader.ts'
import { loadSproto, type Sproto, sproto } from './sproto.ts'
import { bytesOf, type EncodeCase, luaValue, schemaOf, VECTORS } from './vectors.kit.ts'
import { sprotoPack, sprotoUnpack } from './zero-pack.ts'

/** Values that Skynet encodes and we refuse: what comes out of them is not what went in. */
const REFUSED = [
  'numeric string accepted as integer',
  'non number silently becomes 0',
  'a Lua string is silently taken as an empty struct (strings have an index metatable)',
]
/** Bytes that Skynet hands on as they are, and we refuse: they are no text. */
const NO_TEXT = '32-bit integer data read as string: 4 raw bytes'

function eachCase(run: (game: Sproto<string, 'wide'>, each: EncodeCase, text: string) => void) {
  for (const { text, cases } of VECTORS.schemas) {
    const game = sproto(text).withBigInts()
    for (const each of cases) run(game, each, text)
  }
}

const isRefused = ({ note, decoded, obj }: EncodeCase): boolean =>
  note !== undefined && decoded !== undefined && obj !== undefined && REFUSED.includes(note)

// Proves: docs/sproto.md#wire
test('encode() makes the bytes that Skynet makes', () => {
  eachCase((game, each, text) => {
    if (each.obj === undefined || each.hex === undefined || isRefused(each)) return
    const value = luaValue(schemaOf(text), each.type, each.obj) as Record<string, unknown>
    assert.equal(game.encode(each.type, value).toString('hex'), each.hex, JSON.stringify(each.note))
  })
})

// Proves: docs/sproto.md#wire
test('decode() gives what Skynet has encoded, and leaves the bytes behind it alone', () => {
  let count = 0
  eachCase((game, each, text) => {
    const hex = each.decodeHex ?? each.hex
    if (hex === undefined || each.decodeError !== undefined || each.note === NO_TEXT) return
    const expected = luaValue(schemaOf(text), each.type, each.decoded ?? each.obj)
    assert.deepEqual(game.decode(each.type, bytesOf(hex)), expected, hex.slice(0, 80))
    const reader = new SprotoReader(true)
    reader.read(plansOf(schemaOf(text)).get(each.type)!, bytesOf(`${hex}0000ff`), 0)
    assert.equal(reader.end, each.decodedBytes ?? hex.length / 2)
    count++
  })
  assert.ok(count > 150, String(count))
})

// Proves: docs/sproto.md#refused
test('encode() refuses what Skynet refuses, and what it would change in silence', () => {
  let count = 0
  eachCase((game, each, text) => {
    if (each.encodeError === undefined && !isRefused(each)) return
    const value = luaValue(schemaOf(text), each.type, each.obj) as Record<string, unknown>
    assert.throws(() => game.encode(each.type, value), TypeError, JSON.stringify(each))
    count++
  })
  assert.ok(count >= 16, String(count))
})

// Proves: docs/sproto.md#hostile
test('decode() refuses the bytes that Skynet refuses', () => {
  let count = 0
  eachCase((game, each) => {
    const hex = each.decodeHex ?? each.hex
    if (hex === undefined || (each.decodeError === undefined && each.note !== NO_TEXT)) return
    assert.throws(() => game.decode(each.type, bytesOf(hex)), { code: 'ERR_CODEC' }, hex)
    count++
  })
  assert.ok(count >= 18, String(count))
})

test('decode() of bytes that are no text succeeds once they are declared as binary', () => {
  const each = VECTORS.schemas.flatMap(({ cases }) => cases).find(({ note }) => note === NO_TEXT)!
  const game = sproto('.Msg { id 0 : binary }')
  assert.deepEqual(game.decode('Msg', bytesOf(each.decodeHex!)), { id: bytesOf('a0860100') })
})

// Proves: docs/sproto.md#hostile
test('decode() refuses each message that is cut, at any byte', () => {
  eachCase((game, { type, hex }) => {
    if (hex === undefined || hex.length > 2000) return
    const bytes = bytesOf(hex)
    for (let end = 0; end < bytes.length; end++) {
      const cut = bytes.subarray(0, end)
      assert.throws(() => game.decode(type, cut), { code: 'ERR_CODEC' }, `${hex} at ${end}`)
    }
  })
})

// Proves: docs/sproto.md#pack
test('sprotoPack() and sprotoUnpack() do as Skynet', () => {
  const cases = VECTORS.schemas.flatMap(({ cases }) => cases).filter(({ pack }) => pack)
  const pairs = cases.map(({ hex, pack }) => ({ raw: hex!, pack: pack! }))
  for (const { raw, pack } of [...VECTORS.packVectors, ...pairs]) {
    assert.equal(sprotoPack(bytesOf(raw)).toString('hex'), pack)
    const padded = Buffer.alloc(Math.ceil(raw.length / 16) * 8)
    bytesOf(raw).copy(padded)
    assert.equal(sprotoUnpack(bytesOf(pack)).toString('hex'), padded.toString('hex'))
  }
})

// Proves: docs/sproto.md#hostile
test('sprotoUnpack() refuses what is cut', () => {
  for (const { pack, ok, raw } of VECTORS.unpackEdge) {
    const unpack = () => sprotoUnpack(bytesOf(pack)).toString('hex')
    if (ok) assert.equal(unpack(), raw)
    else assert.throws(unpack, { code: 'ERR_CODEC' })
  }
})

// Proves: docs/sproto.md#bundle
test('bundle() makes the bytes that Skynet makes, and loadSproto() the same schema of them', () => {
  const { c2s, c2sSpb, s2c, s2cSpb } = VECTORS.rpcSchemas
  const texts = VECTORS.schemas.map(({ text, spb }) => [text, spb] as const)
  for (const [text, spb] of [...texts, [c2s, c2sSpb], [s2c, s2cSpb]] as const) {
    assert.equal(sproto(text).bundle().toString('hex'), spb)
    const loaded = loadSproto(bytesOf(spb))
    assert.equal(loaded.bundle().toString('hex'), spb)
    assert.deepEqual([...loaded.types].sort(), [...sproto(text).types].sort())
  }
  const { text, spb } = VECTORS.emptySchema
  assert.equal(sproto(text).bundle().toString('hex'), spb)
  assert.deepEqual(loadSproto(bytesOf(spb)).types, [])
})

// Proves: docs/sproto.md#grammar
test('sproto() refuses the schemas that Skynet refuses, but for one without types', () => {
  const { text } = VECTORS.protocolWithoutTypes
  for (const each of VECTORS.schemaErrors) {
    const make = () => sproto(each.text)
    const isMistaken = each.text === 'p 32766 {}'
    if (each.error === '(accepted)' || isMistaken) make()
    else assert.throws(make, { code: 'ERR_SPROTO_SCHEMA' }, each.text)
  }
  assert.deepEqual(sproto(text).protocols, ['ping'])
})

// Proves: docs/sproto.md#decimals
test('sproto() takes so many decimals as 32 bits have room for', () => {
  for (const { decimals, value, hex } of VECTORS.decimalOverflow) {
    const make = () => sproto(`.T { d 0 : integer(${decimals}) }`)
    if (decimals > 9) assert.throws(make, { code: 'ERR_SPROTO_SCHEMA' })
    else assert.equal(make().encode('T', { d: value }).toString('hex'), hex)
  }
})

// Proves: docs/limits.md#sproto-bytes
test('encode() refuses objects of 16 MiB, and makes those that are a byte smaller', () => {
  const game = sproto('.Big { data 0 : binary }')
  const encode = (length: number) => game.encode('Big', { data: Buffer.alloc(length) })
  for (const { dataLength } of VECTORS.encodeLimit) {
    assert.throws(() => encode(dataLength), { code: 'ERR_MESSAGE_TOO_LARGE' })
  }
  const bytes = encode(16 * 1024 * 1024 - 9)
  assert.equal(bytes.length, 16 * 1024 * 1024 - 1)
  assert.equal(game.decode('Big', bytes).data?.length, 16 * 1024 * 1024 - 9)
})

// Proves: docs/sproto.md#hostile
test('objects may be nested as deep as in Skynet', () => {
  const game = sproto('.Node { v 0 : integer next 1 : Node }')
  interface Node {
    v?: number
    next?: Node
  }
  const chain = (depth: number): Node => (depth === 1 ? { v: 1 } : { next: chain(depth - 1) })
  for (const [name, said] of Object.entries(VECTORS.depth)) {
    const depth = Number(name.slice(1))
    const encode = () => game.encode('Node', chain(depth))
    if (said === 'ok') assert.deepEqual(game.decode('Node', encode()), chain(depth))
    else assert.throws(encode, { code: 'ERR_MESSAGE_TOO_DEEP' })
  }
  // 65 of them, each in a block of the one around it.
  let bytes = bytesOf('0000')
  for (let depth = 1; depth < 65; depth++) {
    const head = bytesOf('02000100000000000000')
    head.writeUInt32LE(bytes.length, 6)
    bytes = Buffer.concat([head, bytes])
  }
  assert.throws(() => game.decode('Node', bytes), { code: 'ERR_CODEC' })
})
