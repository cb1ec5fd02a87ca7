/** The bytes of the original, and bytes that are none of what it sends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type LuaValues, luaValues, valuesOf } from '../codec/seri/lua-values.ts'
import { packValues } from '../codec/seri/writer.ts'
import { FrameFormat } from '../frames/frame-format.ts'
import { PTYPE } from '../wire/ptype.ts'
import { CONTROL_FORMAT, encodeControl, readToMaster, readToSlave } from './control.ts'
import { bytesOf, CAPTURED, pieces, readAll } from './harbor.kit.ts'
import { answerPayload, readAnswerPayload, readRequestPayload, requestPayload } from './payload.ts'
import { decodeRemote, encodeRemote, PAYLOAD_BYTES_MAX, REMOTE_FRAMES } from './remote-message.ts'

const REMOTE_FORMAT = new FrameFormat(REMOTE_FRAMES)
const nobody = (): number => 0
const toMaster = CAPTURED.control.filter(({ to }) => to === 'master')
const toSlave = CAPTURED.control.filter(({ to }) => to === 'slave')
const streamOf = (all: readonly { readonly hex: string }[]): Buffer =>
  Buffer.concat(all.map(({ hex }) => bytesOf(hex)))

// Proves: docs/harbor.md#wire
test('encodeControl() makes the bytes of the original, and they are read as what they were', () => {
  assert.ok(toMaster.length > 3 && toSlave.length > 3)
  for (const { values, hex } of CAPTURED.control) {
    assert.equal(CONTROL_FORMAT.encode(encodeControl(values)).toString('hex'), hex)
  }
  for (const cut of [Number.MAX_SAFE_INTEGER, 1, 2, 3, 7]) {
    const masters = readAll(
      CONTROL_FORMAT,
      pieces(streamOf(toMaster), () => cut),
      readToMaster,
    )
    assert.deepEqual(
      masters,
      toMaster.map(({ values }) => values),
    )
    const slaves = readAll(
      CONTROL_FORMAT,
      pieces(streamOf(toSlave), () => cut),
      readToSlave,
    )
    assert.deepEqual(
      slaves,
      toSlave.map(({ values }) => values),
    )
  }
})

// Proves: docs/harbor.md#wire
test('a remote message has the bytes of the original, whole and in random pieces', () => {
  const read = (body: Buffer): unknown => decodeRemote(body, 9)
  const expected = CAPTURED.remote.map(({ hex, type, source, to, session }) => {
    const payload = bytesOf(hex).subarray(4, -12)
    const frame = encodeRemote({ type, to, source, session, payload })
    assert.equal(frame.toString('hex'), hex)
    // The harbor of the receiver does not travel.
    return { type, source, to: (9 << 24) | (to & 0xffffff), session, payload }
  })
  const stream = streamOf(CAPTURED.remote)
  assert.deepEqual(
    readAll(
      REMOTE_FORMAT,
      pieces(stream, () => 1),
      read,
    ),
    expected,
  )
  fc.assert(
    fc.property(fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (cuts) => {
      const chunks = pieces(stream, () => cuts.next().value as number)
      assert.deepEqual(readAll(REMOTE_FORMAT, chunks, read), expected)
    }),
  )
})

// Proves: docs/harbor.md#values
test('values of method calls and their answers are those of lua-seri', () => {
  for (const { hex, type, values } of CAPTURED.remote) {
    const payload = bytesOf(hex).subarray(4, -12)
    const nilled = values.map((value) => value ?? undefined)
    if (type === PTYPE.LUA) {
      assert.deepEqual(readRequestPayload(PTYPE.LUA, payload), nilled)
      assert.deepEqual(requestPayload(PTYPE.LUA, nilled, nobody), payload)
    } else if (type === PTYPE.RESPONSE) {
      const answer = readAnswerPayload(PTYPE.LUA, payload)
      if (nilled.length === 1) assert.deepEqual(answer, nilled[0])
      else assert.deepEqual(valuesOf(answer as LuaValues), nilled)
    }
  }
  assert.equal(answerPayload(PTYPE.LUA, undefined, nobody).length, 0)
  assert.deepEqual(answerPayload(PTYPE.LUA, ['a', 1], nobody), packValues([['a', 1]]))
  assert.equal(readAnswerPayload(PTYPE.LUA, Buffer.alloc(0)), undefined)
  const several = answerPayload(PTYPE.LUA, luaValues(true, 'x'), nobody)
  assert.deepEqual(several, packValues([true, 'x']))
  assert.deepEqual(valuesOf(readAnswerPayload(PTYPE.LUA, several) as LuaValues), [true, 'x'])
  assert.deepEqual(readAnswerPayload(PTYPE.TEXT, Buffer.from('x')), Buffer.from('x'))
})

// Proves: docs/harbor.md#values
test('what cannot be sent is named as its author wrote it', () => {
  const call = (...args: unknown[]) => requestPayload(PTYPE.LUA, ['m', ...args], nobody)
  assert.throws(() => call(1, { a: new Date(0) }), {
    code: 'ERR_MESSAGE_UNSUPPORTED',
    message: /args\[1\]\.a/,
  })
  assert.throws(() => answerPayload(PTYPE.LUA, [() => {}], nobody), { message: /value\[0\]/ })
  assert.throws(() => call('x'.repeat(PAYLOAD_BYTES_MAX)), { code: 'ERR_MESSAGE_TOO_LARGE' })
  // `m`, and the tag and the length of the other, take 7 bytes.
  assert.equal(call('x'.repeat(PAYLOAD_BYTES_MAX - 7)).length, PAYLOAD_BYTES_MAX)
  assert.throws(() => requestPayload(PTYPE.CLIENT, 5, nobody), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  assert.deepEqual(requestPayload(PTYPE.CLIENT, 'é', nobody), Buffer.from('é'))
})

test('control messages that are none have one code; names that are no text are left out', () => {
  const read = (...values: unknown[]) => readToSlave(packValues(values))
  const wrong = [
    [],
    ['X', 1],
    ['H', 2, '127.0.0.1:1'],
    ['W', -1],
    ['W', 256],
    ['C', 0, 'a:1'],
    ['C', 2],
    ['N', 'NAME', 0],
    ['N', 'NAME', 2 ** 32],
    ['N', 5, 5],
    ['D'],
    ['constructor'],
    [2 ** 53],
  ]
  for (const values of wrong) {
    assert.throws(() => read(...values), { code: 'ERR_HARBOR_PROTOCOL' }, String(values))
  }
  assert.throws(() => readToSlave(Buffer.from('ff', 'hex')), { code: 'ERR_HARBOR_PROTOCOL' })
  assert.deepEqual(read('N', 'HIGH', 0xff000001), ['N', 'HIGH', 0xff000001])
  assert.equal(read('N', Buffer.from([0xff, 0xfe]), 5), undefined)
  // What is behind is left out.
  assert.deepEqual(read('D', 4, 'more'), ['D', 4])
})

// Proves: docs/harbor.md#high-handles
test('handles from 0x80000000 on have the form of 64 bits', () => {
  const bytes = encodeControl(['R', 'HIGH', 0x80000001])
  assert.equal(bytes.toString('hex'), '0c5224484947' + '48320100008000000000')
  assert.deepEqual(readToMaster(bytes), ['R', 'HIGH', 0x80000001])
})

// Proves: docs/harbor.md#hostile
test('a frame of 16 MiB, and one too short for a message, end what is read', () => {
  const read = (body: Buffer): unknown => decodeRemote(body, 1)
  const large = bytesOf('01000000')
  assert.deepEqual(readAll(REMOTE_FORMAT, [large], read), ['ERR_FRAME_TOO_LARGE'])
  const short = bytesOf('0000000b' + '00'.repeat(11))
  assert.deepEqual(readAll(REMOTE_FORMAT, [short], read), ['ERR_HARBOR_PROTOCOL'])
  assert.throws(() => encodeControl(['H', 1, 'x'.repeat(252)]), { code: 'ERR_FRAME_TOO_LARGE' })
})
