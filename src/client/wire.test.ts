import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { CLOSE_CODES } from './close-codes.ts'
import { FULL } from './full.ts'
import {
  decodeWire,
  encodeWire,
  FIELDS,
  FROM_CLIENT,
  FROM_SERVER,
  type FromClient,
  type FromServer,
  QUIET,
  WireError,
} from './wire.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const MOST = Number.MAX_SAFE_INTEGER

/** What each message is on the wire. The bytes never change: clients of today will speak them. */
const GOLDEN_CLIENT: readonly (readonly [FromClient, string])[] = [
  [
    {
      kind: 'hello',
      version: 1,
      attempt: 300,
      token: new Uint8Array(0),
      pushesUpTo: 0,
      answersUpTo: 0,
      login: utf8('{"name":"bob"}'),
    },
    `0101ac02000000${hex(utf8('{"name":"bob"}'))}`,
  ],
  [
    {
      kind: 'hello',
      version: 1,
      attempt: 2,
      token: bytesOf('010203'),
      pushesUpTo: 128,
      answersUpTo: 5,
      login: new Uint8Array(0),
    },
    '010102' + '03010203' + '8001' + '05',
  ],
  [
    { kind: 'request', number: 1, flags: 0, name: 'draw', body: utf8('{}') },
    `02010004${hex(utf8('draw{}'))}`,
  ],
  [
    { kind: 'request', number: 16_384, flags: QUIET, name: 'é', body: new Uint8Array(0) },
    '0280800101' + '02c3a9',
  ],
  [{ kind: 'ack', pushesUpTo: 7, answersUpTo: 3, answers: [] }, '030703'],
  [{ kind: 'ack', pushesUpTo: 7, answersUpTo: 3, answers: [5, 6, 200] }, '0307030501c201'],
  [{ kind: 'ping', value: 0 }, '0400'],
  [{ kind: 'pong', value: MOST }, '05ffffffffffffff0f'],
  [{ kind: 'bye' }, '06'],
]

const GOLDEN_SERVER: readonly (readonly [FromServer, string])[] = [
  [
    {
      kind: 'welcome',
      version: 1,
      isResumed: 1,
      session: 'ab',
      token: bytesOf('ff00'),
      epoch: 2,
      requestsUpTo: 9,
      pushesUpTo: 4,
      heartbeatMs: 15_000,
      missed: 2,
      keepMs: 60_000,
      window: 64,
      messageBytesMax: 65_536,
      messagesPerSecond: 100,
      open: [8, 9],
    },
    '1001010261' +
      '62' +
      '02ff00' +
      '020904' +
      '9875' +
      '02' +
      'e0d403' +
      '40' +
      '808004' +
      '64' +
      '0801',
  ],
  [{ kind: 'answer', number: 3, body: utf8('1') }, '110331'],
  [{ kind: 'failed', number: 3, code: 'ERR_X', text: 'no' }, `120305${hex(utf8('ERR_X'))}026e6f`],
  [{ kind: 'push', number: 1, name: 'line', body: utf8('[]') }, `130104${hex(utf8('line[]'))}`],
  [
    { kind: 'close', code: 'drain', text: '', retryMs: 30_000, isOver: 1 },
    `1405${hex(utf8('drain'))}00b0ea0101`,
  ],
  [{ kind: 'ping', value: 1 }, '0401'],
  [{ kind: 'pong', value: 1 }, '0501'],
]

/** Buffers and arrays of bytes are the same here. */
const plain = (message: object): object =>
  Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? hex(value) : value,
    ]),
  )

test('each message of a client has its bytes, and is read from them', () => {
  for (const [message, bytes] of GOLDEN_CLIENT) {
    assert.equal(hex(encodeWire(FROM_CLIENT, message)), bytes)
    assert.deepEqual(plain(decodeWire(FROM_CLIENT, bytesOf(bytes))), plain(message))
  }
  const kinds = new Set(GOLDEN_CLIENT.map(([{ kind }]) => kind))
  assert.deepEqual([...kinds], Object.keys(FROM_CLIENT))
})

test('each message of a server has its bytes, and is read from them', () => {
  for (const [message, bytes] of GOLDEN_SERVER) {
    assert.equal(hex(encodeWire(FROM_SERVER, message)), bytes)
    assert.deepEqual(plain(decodeWire(FROM_SERVER, bytesOf(bytes))), plain(message))
  }
  const kinds = new Set(GOLDEN_SERVER.map(([{ kind }]) => kind))
  assert.deepEqual([...kinds], Object.keys(FROM_SERVER))
})

test('a message that is cut is refused, or is another one that says so with its own bytes', () => {
  const tables = [
    [FROM_CLIENT, GOLDEN_CLIENT],
    [FROM_SERVER, GOLDEN_SERVER],
  ] as const
  let refused = 0
  for (const [table, golden] of tables) {
    for (const [, text] of golden) {
      const whole = bytesOf(text)
      for (let length = 0; length < whole.length; length++) {
        const cut = whole.subarray(0, length)
        try {
          assert.equal(hex(encodeWire(table, decodeWire(table, cut))), hex(cut))
        } catch (error) {
          assert.ok(error instanceof WireError)
          refused++
        }
      }
    }
  }
  assert.ok(refused > 100)
})

/** Bytes of a client that are refused, and the field that is named. */
const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ['', 'message', /missing/],
  ['00', 'message', /first byte is 0/],
  ['10', 'message', /first byte is 16/],
  ['ff', 'message', /first byte is 255/],
  ['04', 'ping.value', /it is cut/],
  ['0480', 'ping.value', /it is cut/],
  ['0480808080808080801000', 'ping.value', /above 2\^53-1/],
  ['04ffffffffffffff10', 'ping.value', /above 2\^53-1/],
  ['04ffffffffffffffffff01', 'ping.value', /above 2\^53-1/],
  ['048000', 'ping.value', /more bytes than it needs/],
  ['0480808000', 'ping.value', /more bytes than it needs/],
  ['040100', 'ping', /1 bytes too many/],
  ['0600', 'bye', /1 bytes too many/],
  ['02010004617262', 'request.name', /it is cut/],
  ['020100ffffffffffffff0f61', 'request.name', /it is cut/],
  ['02010001ff', 'request.name', /not UTF-8/],
  ['02010003eda080', 'request.name', /not UTF-8/],
  ['0101010502', 'hello.token', /it is cut/],
  ['0301010200', 'ack.answers', /do not grow/],
  ['03010102ffffffffffffff0f', 'ack.answers', /above 2\^53-1/],
]

test('what is no message is refused, and the field is named', () => {
  for (const [bytes, field, reason] of REFUSED) {
    assert.throws(
      () => decodeWire(FROM_CLIENT, bytesOf(bytes)),
      (error) => {
        assert.ok(error instanceof WireError)
        assert.equal(error.field, field)
        if (FULL) assert.match(error.message, reason)
        return true
      },
      bytes,
    )
  }
})

test('a message of the other side is refused', () => {
  for (const [{ kind }, bytes] of GOLDEN_CLIENT) {
    if (kind in FROM_SERVER) continue
    assert.throws(() => decodeWire(FROM_SERVER, bytesOf(bytes)), WireError)
  }
  for (const [{ kind }, bytes] of GOLDEN_SERVER) {
    if (kind in FROM_CLIENT) continue
    assert.throws(() => decodeWire(FROM_CLIENT, bytesOf(bytes)), WireError)
  }
})

const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const bytes = fc.uint8Array({ maxLength: 400 })
const numbers = fc
  .uniqueArray(fc.integer({ min: 1, max: MOST }), { maxLength: 70 })
  .map((values) => values.sort((a, b) => a - b))
const VALUES = new Map<unknown, fc.Arbitrary<unknown>>([
  [FIELDS.number, number],
  [FIELDS.bytes, bytes],
  [FIELDS.rest, bytes],
  [FIELDS.numbers, numbers],
  [FIELDS.text, fc.string({ unit: 'grapheme', maxLength: 300 })],
])

/** Any message of a table. */
const anyOf = <T extends typeof FROM_CLIENT | typeof FROM_SERVER>(table: T) =>
  fc.oneof(
    ...Object.entries(table).map(([kind, { fields }]) =>
      fc.record({
        kind: fc.constant(kind),
        ...Object.fromEntries(
          Object.entries(fields).map(([name, field]) => [name, VALUES.get(field)!]),
        ),
      }),
    ),
  )

test('what was written is read, and has one form', () => {
  for (const table of [FROM_CLIENT, FROM_SERVER] as const) {
    fc.assert(
      fc.property(anyOf(table), (message) => {
        const written = encodeWire(table, message as never)
        const read = decodeWire(table, written)
        assert.deepEqual(plain(read), plain(message))
        assert.deepEqual(encodeWire(table, read as never), written)
      }),
    )
  }
})

test('a long message leaves no long memory behind, and the next one is right', () => {
  const body = new Uint8Array(100_000).fill(7)
  const name = 'n'.repeat(10_000)
  const long = encodeWire(FROM_CLIENT, { kind: 'request', number: 1, flags: 0, name, body })
  assert.equal(long.length, 1 + 1 + 1 + 2 + 10_000 + 100_000)
  const read = decodeWire(FROM_CLIENT, long)
  assert.ok(read.kind === 'request' && read.name === name)
  assert.equal(hex(encodeWire(FROM_CLIENT, { kind: 'ping', value: 5 })), '0405')
})

test('each reason to close has its row, and codes of WebSocket are ones that may be sent', () => {
  for (const [code, { webSocket, retryMs, text }] of Object.entries(CLOSE_CODES)) {
    assert.match(code, /^[a-z-]+$/)
    assert.ok([1000, 1001, 1002, 1008, 1009, 1011, 1013].includes(webSocket) || webSocket >= 4000)
    assert.ok(webSocket <= 4999 && retryMs >= 0 && text.length <= 123 && !text.endsWith('.'))
  }
})
