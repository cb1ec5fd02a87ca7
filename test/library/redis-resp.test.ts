/** The parser of the Redis example: replies in any pieces, and what no Redis sends. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DEPTH_MAX,
  ELEMENTS_MAX,
  encode,
  LINE_BYTES_MAX,
  ProtocolError,
  REPLY_BYTES_MAX,
  RedisError,
  type Reply,
  RespParser,
} from '../../examples/redis/resp.ts'
import { seeded } from '../support/seed.ts'

/** What a parser finds in these chunks. */
function found(chunks: readonly (string | Buffer)[]): Reply[] {
  const replies: Reply[] = []
  const parser = new RespParser({
    answer: (reply) => replies.push(reply),
    failure: (error) => replies.push(error as RedisError),
  })
  for (const chunk of chunks) parser.take(Buffer.from(chunk as string))
  return replies
}

/** As on the wire, and what it means. */
const GOLDEN: readonly [string, Reply][] = [
  ['+OK\r\n', 'OK'],
  ['+\r\n', ''],
  ['-ERR unknown command\r\n', new RedisError('ERR unknown command')],
  [':7\r\n', 7],
  [':-7\r\n', -7],
  [':+7\r\n', 7],
  [':9007199254740993\r\n', 9007199254740993n],
  [':-9223372036854775808\r\n', -9223372036854775808n],
  ['$-1\r\n', null],
  ['$0\r\n\r\n', ''],
  ['$5\r\nhello\r\n', 'hello'],
  ['$8\r\n\r\n龙\r\n!\r\n', '\r\n龙\r\n!'],
  ['*-1\r\n', null],
  ['*0\r\n', []],
  ['*3\r\n:1\r\n$-1\r\n$1\r\nx\r\n', [1, null, 'x']],
  ['*2\r\n*2\r\n:1\r\n-ERR no\r\n*0\r\n', [[1, new RedisError('ERR no')], []]],
]
const WIRE = GOLDEN.map(([bytes]) => bytes).join('')
const REPLIES = GOLDEN.map(([, reply]) => reply)

test('RespParser finds each reply, alone and among others', () => {
  for (const [bytes, reply] of GOLDEN) assert.deepEqual(found([bytes]), [reply], bytes)
  assert.deepEqual(found([WIRE]), REPLIES)
})

test('RespParser finds them byte by byte, and cut anywhere', () => {
  const bytes = Buffer.from(WIRE)
  const each = Array.from(bytes, (byte) => Buffer.from([byte]))
  assert.deepEqual(found(each), REPLIES)
  for (let at = 0; at <= bytes.length; at++) {
    assert.deepEqual(found([bytes.subarray(0, at), bytes.subarray(at)]), REPLIES)
  }
  const random = seeded(7)
  for (let round = 0; round < 500; round++) {
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + Math.floor(random() * 20)
      chunks.push(bytes.subarray(at, end))
      at = end
    }
    assert.deepEqual(found(chunks), REPLIES)
  }
})

test('RespParser joins a long string of small and large chunks', () => {
  const text = 'x'.repeat(300_000)
  const bytes = Buffer.from(`$${text.length}\r\n${text}\r\n:1\r\n`)
  for (const size of [1000, 65_536, 131_072]) {
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    assert.deepEqual(found(chunks), [text, 1])
  }
})

const BAD = [
  'OK\r\n',
  '\r\n',
  '+OK\rx',
  '-ERR\r\r',
  ':\r\n',
  ':1x\r\n',
  ':--1\r\n',
  ':1.5\r\n',
  ':123456789012345678901\r\n',
  '$x\r\n',
  '$-2\r\n',
  `$${REPLY_BYTES_MAX + 1}\r\n`,
  '$99999999999999999999\r\n',
  '$1\r\nxyz',
  '*-2\r\n',
  `*${ELEMENTS_MAX + 1}\r\n`,
  '*1\r\n'.repeat(DEPTH_MAX + 1),
  `+${'x'.repeat(LINE_BYTES_MAX + 1)}`,
  `+${'x'.repeat(LINE_BYTES_MAX + 1)}\r\n`,
]

test('RespParser refuses what no Redis sends', () => {
  for (const bytes of BAD) {
    assert.throws(() => found([bytes]), ProtocolError, bytes.slice(0, 40))
    assert.throws(() => found(Array.from(bytes)), ProtocolError, bytes.slice(0, 40))
  }
})

test('RespParser takes what is at its limits, and holds no more than has come', () => {
  assert.equal(found([`+${'x'.repeat(LINE_BYTES_MAX)}\r\n`]).length, 1)
  const deep = `${'*1\r\n'.repeat(DEPTH_MAX)}:1\r\n`
  assert.equal(found([deep]).length, 1)
  // Of these sizes nothing is laid out before bytes come.
  const before = process.memoryUsage()
  for (let i = 0; i < 1000; i++) {
    found([`$${REPLY_BYTES_MAX}\r\nx`])
    found([`*${ELEMENTS_MAX}\r\n:1\r\n`])
  }
  const { external, arrayBuffers } = process.memoryUsage()
  const grown = external + arrayBuffers - before.external - before.arrayBuffers
  assert.ok(grown < REPLY_BYTES_MAX / 8, `${grown} bytes`)
})

test('encode() is an array of bulk strings; bytes stay bytes', () => {
  const rows: [Parameters<typeof encode>[0], ReturnType<typeof encode>][] = [
    [['SET', 'k', 'v'], '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n'],
    [['SET', 'é', 1.5], '*3\r\n$3\r\nSET\r\n$2\r\né\r\n$3\r\n1.5\r\n'],
    [['INCRBY', '', 2n ** 63n], '*3\r\n$6\r\nINCRBY\r\n$0\r\n\r\n$19\r\n9223372036854775808\r\n'],
  ]
  for (const [words, data] of rows) assert.equal(encode(words), data)
  const bytes = Buffer.from([0, 13, 10, 255])
  const pieces = encode(['SET', bytes, bytes, 'EX', 1])
  const whole = Buffer.concat(
    (pieces as (string | Buffer)[]).map((each) => Buffer.from(each as string)),
  )
  const head = Buffer.from('*5\r\n$3\r\nSET\r\n$4\r\n')
  const tail = Buffer.from('\r\n$2\r\nEX\r\n$1\r\n1\r\n')
  assert.deepEqual(whole, Buffer.concat([head, bytes, Buffer.from('\r\n$4\r\n'), bytes, tail]))
})
