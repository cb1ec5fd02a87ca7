import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientHello, readServerHello } from './client-handshake.ts'
import { acceptOffer, agreedDeflate, extensionsOf, OFFER } from './deflate.ts'
import {
  type Accepted,
  acceptOf,
  answerHandshake,
  type HandshakeRequest,
  type HandshakeRules,
  type NotAccepted,
  refusalText,
} from './handshake.ts'

const GOOD: HandshakeRequest = {
  method: 'GET',
  httpVersion: '1.1',
  headers: {
    host: 'game.test:8080',
    upgrade: 'websocket',
    connection: 'keep-alive, Upgrade',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-version': '13',
  },
}
const RULES: HandshakeRules = { origins: undefined, subprotocols: undefined, deflate: false }

const answer = (
  headers: HandshakeRequest['headers'],
  rules: Partial<HandshakeRules> = {},
  more: Partial<HandshakeRequest> = {},
): Accepted | NotAccepted =>
  answerHandshake(
    { ...GOOD, ...more, headers: { ...GOOD.headers, ...headers } },
    { ...RULES, ...rules },
  )

test('acceptOf() is as in the RFC, and as Skynet answers', () => {
  assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
  assert.equal(acceptOf('MDEyMzQ1Njc4OWFiY2RlZg=='), 'BACScCJPNqyz+UBoqMH89VmURoA=')
})

test('answerHandshake() accepts what is right', () => {
  const accepted = answer({}) as Accepted
  assert.deepEqual(accepted, {
    status: 101,
    text: [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      '',
      '',
    ].join('\r\n'),
    subprotocol: '',
    deflate: undefined,
  })
  for (const headers of [
    { upgrade: 'WebSocket' },
    { upgrade: 'h2c, websocket' },
    { connection: 'UPGRADE' },
    { 'sec-websocket-extensions': 'permessage-deflate' },
    { 'sec-websocket-protocol': 'chat' },
  ]) {
    assert.equal(answer(headers).status, 101)
  }
})

// Proves: docs/websocket.md#refused
test('answerHandshake() refuses what is not, and says what it wants', () => {
  const rows: readonly (readonly [
    HandshakeRequest['headers'],
    number,
    Partial<HandshakeRequest>?,
  ])[] = [
    [{}, 405, { method: 'POST' }],
    [{}, 405, { method: 'get' }],
    [{}, 505, { httpVersion: '1.0' }],
    [{}, 505, { httpVersion: '2.0' }],
    [{ upgrade: undefined }, 426],
    [{ upgrade: 'h2c' }, 426],
    [{ connection: undefined }, 400],
    [{ connection: 'keep-alive' }, 400],
    [{ 'sec-websocket-version': undefined }, 426],
    [{ 'sec-websocket-version': '8' }, 426],
    [{ 'sec-websocket-version': '13, 8' }, 426],
    [{ 'sec-websocket-key': undefined }, 400],
    [{ 'sec-websocket-key': '' }, 400],
    [{ 'sec-websocket-key': 'AAAA' }, 400],
    [{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZSE=' }, 400],
    [{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZR==' }, 400],
    [{ 'sec-websocket-key': ['dGhlIHNhbXBsZSBub25jZQ==', 'x'] }, 400],
    [{ host: undefined }, 400],
  ]
  for (const [headers, status, more] of rows) {
    const refusal = answer(headers, {}, more) as NotAccepted
    assert.equal(refusal.status, status, JSON.stringify([headers, more]))
    assert.ok(refusal.reason.length > 0)
  }
  assert.equal(
    refusalText({ status: 426, reason: 'Upgrade: websocket' }),
    [
      'HTTP/1.1 426 Upgrade Required',
      'Connection: close',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Length: 18',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      '',
      'Upgrade: websocket',
    ].join('\r\n'),
  )
  assert.match(refusalText({ status: 405, reason: 'x' }), /\r\nAllow: GET\r\n\r\nx$/)
})

// Proves: docs/websocket.md#origins
test('answerHandshake() lets pages of its own host in, or of the origins it is told', () => {
  const rows: readonly (readonly [string | undefined, HandshakeRules['origins'], boolean])[] = [
    [undefined, undefined, true],
    ['http://game.test:8080', undefined, true],
    ['https://game.test:8080', undefined, true],
    ['HTTP://GAME.test:8080', undefined, true],
    ['http://game.test', undefined, false],
    ['http://evil.test:8080', undefined, false],
    ['null', undefined, false],
    ['', undefined, false],
    ['http://evil.test', 'any', true],
    [undefined, ['https://a.test'], true],
    ['https://a.test', ['https://a.test'], true],
    ['https://A.test', ['https://a.TEST'], true],
    ['http://a.test', ['https://a.test'], false],
    ['https://a.test.evil.test', ['https://a.test'], false],
    ['http://game.test:8080', ['https://a.test'], false],
    ['null', ['null'], true],
    ['https://a.test', [], false],
  ]
  for (const [origin, origins, isTaken] of rows) {
    const { status } = answer({ origin }, { origins })
    assert.equal(status, isTaken ? 101 : 403, `${origin} of ${origins}`)
  }
})

// Proves: docs/websocket.md#subprotocols
test('answerHandshake() takes the first subprotocol of the client that it knows', () => {
  const rows: readonly (readonly [
    string | undefined,
    readonly string[] | undefined,
    string | 400,
  ])[] = [
    [undefined, ['chat'], ''],
    ['chat', undefined, ''],
    ['chat', ['chat'], 'chat'],
    ['b, a', ['a', 'b'], 'b'],
    ['x,y ,  z', ['z'], 'z'],
    ['x', ['chat'], 400],
    ['Chat', ['chat'], 400],
  ]
  for (const [asked, subprotocols, expected] of rows) {
    const made = answer({ 'sec-websocket-protocol': asked }, { subprotocols })
    if (expected === 400) assert.equal(made.status, 400)
    else assert.equal((made as Accepted).subprotocol, expected)
  }
  const { text } = answer({ 'sec-websocket-protocol': 'b' }, { subprotocols: ['b'] }) as Accepted
  assert.match(text, /\r\nSec-WebSocket-Protocol: b\r\n\r\n$/)
})

test('acceptOffer() takes the first offer that it can keep', () => {
  const both = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['permessage-deflate', 15],
    [OFFER, 15],
    ['permessage-deflate; client_max_window_bits', 15],
    ['permessage-deflate; client_max_window_bits=10', 15],
    ['permessage-deflate; client_max_window_bits=8', 15],
    ['permessage-deflate; server_max_window_bits=10', 10],
    ['permessage-deflate; server_max_window_bits="12"', 12],
    ['permessage-deflate; server_max_window_bits=15; client_no_context_takeover', 15],
    ['x-other, permessage-deflate', 15],
    ['permessage-deflate; server_max_window_bits=8, permessage-deflate', 15],
    ['permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9', 9],
    ['permessage-deflate; server_max_window_bits=8', undefined],
    ['permessage-deflate; server_max_window_bits=16', undefined],
    ['permessage-deflate; server_max_window_bits=010', undefined],
    ['permessage-deflate; server_max_window_bits', undefined],
    ['permessage-deflate; client_max_window_bits=7', undefined],
    ['permessage-deflate; server_no_context_takeover=1', undefined],
    ['permessage-deflate; a; a', undefined],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', undefined],
    ['permessage-deflate;', undefined],
    ['permessage-bzip2', undefined],
    ['x-webkit-deflate-frame', undefined],
  ]
  for (const [header, windowBits] of rows) {
    assert.equal(acceptOffer(header)?.windowBits, windowBits, String(header))
  }
  assert.equal(acceptOffer('permessage-deflate')?.answer, both)
  const told = acceptOffer('permessage-deflate; server_max_window_bits=9')
  assert.equal(told?.answer, `${both}; server_max_window_bits=9`)
  assert.equal(extensionsOf('a b'), undefined)
})

test('agreedDeflate() takes what keeps to our offer, and nothing else', () => {
  const ok = 'permessage-deflate; server_no_context_takeover'
  for (const header of [
    ok,
    `${ok}; client_no_context_takeover`,
    `${ok}; server_max_window_bits=8`,
  ]) {
    assert.deepEqual(agreedDeflate(header), { windowBits: 15 })
  }
  assert.equal(agreedDeflate(undefined), undefined)
  assert.equal(agreedDeflate(' '), undefined)
  for (const header of [
    'permessage-deflate',
    'x-other',
    `${ok}, ${ok}`,
    `${ok}; client_max_window_bits=10`,
    `${ok}; server_max_window_bits`,
    `${ok}; other`,
    `${ok}; server_no_context_takeover`,
  ]) {
    assert.equal(typeof agreedDeflate(header), 'string', header)
  }
})

test('clientHello() makes a request of a URL', () => {
  const { text, ...hello } = clientHello('ws://user.test/a/b?c=d', {
    subprotocols: ['x', 'y'],
    headers: { Origin: 'https://user.test' },
    deflate: true,
  })
  const key = /Sec-WebSocket-Key: (.{24})\r\n/.exec(text)![1]!
  assert.equal(
    text,
    [
      'GET /a/b?c=d HTTP/1.1',
      'Host: user.test',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: x, y',
      `Sec-WebSocket-Extensions: ${OFFER}`,
      'Origin: https://user.test',
      '',
      '',
    ].join('\r\n'),
  )
  assert.equal(hello.accept, acceptOf(key))
  const places = {
    'ws://a.test': ['a.test', 80, false],
    'wss://a.test/x': ['a.test', 443, true],
    'ws://127.0.0.1:8080/': ['127.0.0.1', 8080, false],
    'ws://[::1]:9/': ['::1', 9, false],
  }
  for (const [url, place] of Object.entries(places)) {
    const { host, port, isSecure } = clientHello(url, {})
    assert.deepEqual([host, port, isSecure], place)
  }
})

test('clientHello() refuses what makes no sense, and names it', () => {
  for (const url of ['http://a.test', 'a.test', 'ws://', 'ws://a.test/#x', 'ws://u:p@a.test', '']) {
    assert.throws(() => clientHello(url, {}), /'url' must be/)
  }
  for (const subprotocols of ['x', ['a b'], ['a', 'a'], [''], [1, '\r\n']]) {
    assert.throws(
      () => clientHello('ws://a.test', { subprotocols: subprotocols as never }),
      /'subprotocols'/,
    )
  }
  for (const headers of [
    { 'a b': 'x' },
    { Host: 'x' },
    { 'Sec-WebSocket-Key': 'x' },
    { a: 'b\r\nc: d' },
    { a: 1 },
  ]) {
    assert.throws(() => clientHello('ws://a.test', { headers: headers as never }), /'headers/)
  }
})

test('readServerHello() wants an answer to our own key', () => {
  const hello = clientHello('ws://a.test', { subprotocols: ['x'], deflate: true })
  const head = (changes: Record<string, string | undefined>, first = 'HTTP/1.1 101 OK'): string => {
    const headers: Record<string, string | undefined> = {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': hello.accept,
      ...changes,
    }
    const lines = Object.entries(headers).filter(([, value]) => value !== undefined)
    return [first, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  }
  const read = (...given: Parameters<typeof head>): unknown =>
    readServerHello(head(...given), hello)
  assert.deepEqual(read({}), { subprotocol: '', deflate: undefined })
  assert.deepEqual(read({ 'sec-WEBSOCKET-protocol': ' x ' }), {
    subprotocol: 'x',
    deflate: undefined,
  })
  const extension = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'
  assert.deepEqual(read({ 'Sec-WebSocket-Extensions': extension }), {
    subprotocol: '',
    deflate: { windowBits: 15 },
  })
  assert.deepEqual(read({}, 'HTTP/1.1 101'), { subprotocol: '', deflate: undefined })
  const wrong: readonly (readonly [Parameters<typeof head>, RegExp])[] = [
    [[{}, 'HTTP/1.1 404 Not Found'], /^it answers 404 Not Found$/],
    [[{}, 'HTTP/1.1 200'], /^it answers 200$/],
    [[{}, 'HTTP/1.0 101 OK'], /no HTTP\/1.1/],
    [[{}, 'SSH-2.0-x'], /no HTTP\/1.1/],
    [[{ Upgrade: undefined }], /no Upgrade/],
    [[{ Upgrade: 'h2c' }], /no Upgrade/],
    [[{ Connection: 'close' }], /no Connection/],
    [[{ 'Sec-WebSocket-Accept': 'x' }], /another key/],
    [[{ 'Sec-WebSocket-Accept': undefined }], /another key/],
    [[{ 'sec-websocket-accept': 'twice' }], /another key/],
    [[{ 'Sec-WebSocket-Protocol': 'y' }], /subprotocol/],
    [[{ 'Sec-WebSocket-Extensions': 'x-other' }], /other extensions/],
    [[{ 'bad name': 'x' }], /headers that are none/],
  ]
  for (const [given, reason] of wrong) assert.match(String(read(...given)), reason)
  const bare = clientHello('ws://a.test', {})
  const unasked = head({
    'Sec-WebSocket-Accept': bare.accept,
    'Sec-WebSocket-Extensions': extension,
  })
  assert.match(String(readServerHello(unasked, bare)), /other extensions than asked/)
})
