import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { ErrorCode } from '../../base/errors.ts'
import { loadSproto, sproto } from './sproto.ts'
import { bytesOf, luaValue, schemaOf, VECTORS } from './vectors.kit.ts'
import { sprotoPack, sprotoUnpack } from './zero-pack.ts'

/** What clients ask of servers, and what servers tell clients. */
const ASKED = `
.package { type 0 : integer session 1 : integer ud 2 : string }
login 1 { request { user 0 : string } response { ok 0 : boolean token 1 : string } }
ping 2 {}
quit 3 { request { reason 0 : string } response nil }
`
const TOLD = `
.package { type 0 : integer session 1 : integer ud 2 : string }
push 7 { request { text 0 : string } }
`
const asked = sproto(ASKED)
const told = sproto(TOLD)
const server = () => asked.host('package').attach(told)
const client = () => told.host('package').attach(asked)
const fails = (code: ErrorCode, run: () => unknown) => assert.throws(run, { code })

// Proves: docs/sproto.md#rpc
test('request(), dispatch() and respond() make and take the bytes of Skynet', () => {
  const schemas = { c2s: VECTORS.rpcSchemas.c2s, s2c: VECTORS.rpcSchemas.s2c }
  for (const each of VECTORS.rpc) {
    const text = schemas[each.side]
    const schema = schemaOf(text)
    const other = sproto(each.side === 'c2s' ? schemas.s2c : schemas.c2s).host('package')
    const near = other.attach(sproto(text))
    const far = sproto(text).host('package')
    const body = (part: string, json: unknown) =>
      json === undefined ? undefined : luaValue(schema, typeOf(schema, each.name, part), json)
    const args = body('request', each.args) as Record<string, unknown> | undefined
    if (each.requestError !== undefined) {
      assert.throws(() => near.request(each.name, args, each.session), TypeError)
      continue
    }
    const bytes = near.request(each.name, args, each.session)
    assert.equal(bytes.toString('hex'), each.request)
    assert.equal(sprotoUnpack(bytes).toString('hex'), each.requestUnpacked)
    const seen = far.dispatch(bytes)
    assert.deepEqual([seen.name, seen.request, seen.session], [each.name, args, each.session])
    assert.equal(seen.respond !== undefined, each.dispatch!.hasResponse)
    const answer = each.responseArgs as Record<string, unknown> | undefined
    if (each.responseError !== undefined) {
      assert.throws(() => seen.respond!(answer), TypeError)
      continue
    }
    if (each.response === undefined) continue
    const response = seen.respond!(answer)
    assert.equal(response.toString('hex'), each.response)
    const { session, result } = each.clientSees!
    const got = near.dispatch(response)
    assert.deepEqual(got, {
      type: 'response',
      name: each.name,
      session,
      response: body('response', result),
      ud: undefined,
    })
    assert.equal(near.waiting, 0)
  }
})

function typeOf(schema: ReturnType<typeof schemaOf>, name: string, part: string): string {
  const protocol = schema.protocols.get(name)!
  return (part === 'request' ? protocol.request : protocol.response)!
}

test('dispatch() tells requests apart by name, and responses by what was asked', () => {
  const far = server()
  const near = client()
  const message = far.dispatch(near.request('login', { user: 'ann' }, 1, 'first'))
  assert.ok(message.type === 'request' && message.name === 'login')
  assert.deepEqual([message.request, message.session, message.ud], [{ user: 'ann' }, 1, 'first'])
  const answer = near.dispatch(message.respond!({ ok: true, token: 't' }, 'second'))
  assert.ok(answer.type === 'response' && answer.name === 'login')
  assert.deepEqual(
    [answer.response, answer.session, answer.ud],
    [{ ok: true, token: 't' }, 1, 'second'],
  )
  const push = near.dispatch(far.request('push', { text: 'hi' }))
  assert.ok(push.type === 'request' && push.name === 'push')
  assert.deepEqual([push.request.text, push.respond], ['hi', undefined])
})

// Proves: docs/sproto.md#rpc-session
test('dispatch() refuses a response that nobody waits for: unknown, repeated, forgotten', () => {
  const far = asked.host('package')
  const near = client()
  const answer = (session: number) => {
    const message = far.dispatch(client().request('ping', undefined, session))
    assert.ok(message.name === 'ping')
    return message.respond!()
  }
  fails('ERR_SPROTO_SESSION', () => near.dispatch(answer(5)))
  near.request('ping', undefined, 6)
  near.dispatch(answer(6))
  fails('ERR_SPROTO_SESSION', () => near.dispatch(answer(6)))
  near.request('ping', undefined, 7)
  assert.deepEqual(
    [near.waiting, near.forget(7), near.forget(7), near.waiting],
    [1, true, false, 0],
  )
  fails('ERR_SPROTO_SESSION', () => near.dispatch(answer(7)))
  fails('ERR_SPROTO_SESSION', () => told.host('package').dispatch(answer(8)))
})

// Proves: docs/sproto.md#rpc-session
test('request() refuses a session that waits already, and one too many', () => {
  const near = told.host('package').attach(asked, { maxSessions: 2 })
  near.request('ping', undefined, 1)
  fails('ERR_SPROTO_SESSION', () => near.request('ping', undefined, 1))
  fails('ERR_SPROTO_SESSION', () => near.request('ping', undefined, 1n))
  near.request('ping', undefined, 2n ** 60n)
  fails('ERR_SPROTO_SESSION', () => near.request('ping', undefined, 3))
  near.request('ping')
  assert.ok(near.forget(2n ** 60n))
  near.request('ping', undefined, 3)
  assert.equal(near.waiting, 2)
})

// Proves: docs/limits.md#sproto-sessions
test('request() lets 65,536 sessions of a connection wait', () => {
  const near = client()
  for (let session = 0; session < 65_536; session++) near.request('ping', undefined, session)
  fails('ERR_SPROTO_SESSION', () => near.request('ping', undefined, 65_536))
  near.forget(0)
  near.request('ping', undefined, 65_536)
})

test('request() that cannot be encoded waits for nothing', () => {
  const near = client()
  // @ts-expect-error A number is no string.
  assert.throws(() => near.request('login', { user: 5 }, 1), TypeError)
  assert.equal(near.waiting, 0)
})

test('a session may be 0, negative, and as large as 64 bits', () => {
  for (const session of [0, -1, 2 ** 53 - 1, 2n ** 63n - 1n, -(2n ** 63n)]) {
    const near = client()
    const message = asked.host('package').dispatch(near.request('quit', { reason: 'x' }, session))
    assert.ok(message.name === 'quit')
    assert.equal(message.session, session)
    const answer = near.dispatch(message.respond!())
    assert.deepEqual([answer.name, answer.session], ['quit', session])
  }
  const near = client()
  const bytes = near.request('quit', {}, BigInt(2 ** 52 + 1))
  const message = asked.host('package').dispatch(bytes)
  assert.ok(message.name === 'quit')
  assert.equal(near.dispatch(message.respond!()).session, 2 ** 52 + 1)
})

// Proves: docs/sproto.md#rpc-once
test('respond() answers once, and may be tried again after a body that is wrong', () => {
  const message = server().dispatch(client().request('login', { user: 'a' }, 1))
  assert.ok(message.type === 'request' && message.name === 'login')
  // @ts-expect-error A number is no boolean.
  assert.throws(() => message.respond!({ ok: 1 }), TypeError)
  message.respond!({ ok: false })
  fails('ERR_RESPONSE_TWICE', () => message.respond!({ ok: true }))
})

// Proves: docs/sproto.md#hostile
test('dispatch() refuses what is no message of the schema', () => {
  const far = server()
  const head = sproto('.package { type 0 : integer session 1 : integer ud 2 : string }')
  const pack = (value: { type?: number; session?: number }) =>
    sprotoPack(head.encode('package', value))
  fails('ERR_CODEC', () => far.dispatch(pack({ type: 99, session: 1 })))
  fails('ERR_CODEC', () => far.dispatch(pack({})))
  fails('ERR_CODEC', () => far.dispatch(Buffer.alloc(0)))
  fails('ERR_CODEC', () => far.dispatch(bytesOf('ff')))
  // The body of the login is cut.
  fails('ERR_CODEC', () => far.dispatch(sprotoPack(bytesOf('0200040004000500'))))
  assert.throws(() => far.dispatch('text' as unknown as Buffer), TypeError)
})

test('dispatch() unpacks no more than maxBytes', () => {
  const bytes = client().request('login', { user: 'x'.repeat(100) })
  const size = sprotoUnpack(bytes).length
  asked.host('package', { maxBytes: size }).dispatch(bytes)
  const small = asked.host('package', { maxBytes: size - 1 })
  fails('ERR_CODEC', () => small.dispatch(bytes))
})

test('dispatch() takes messages that are larger than what it keeps for unpacking', () => {
  const reason = 'x'.repeat(200_000)
  const message = server().dispatch(client().request('quit', { reason }))
  assert.ok(message.type === 'request' && message.name === 'quit')
  assert.equal(message.request.reason, reason)
})

test('host() needs a package, attach() a schema', () => {
  // @ts-expect-error There is no such type.
  assert.throws(() => asked.host('nothing'), /'package'|'type'/)
  assert.throws(() => sproto('.p { type 0 : integer }').host('p'), /integers/)
  assert.throws(() => asked.host('package', { maxBytes: 0 }), RangeError)
  // @ts-expect-error No schema.
  assert.throws(() => asked.host('package').attach({}), TypeError)
  // @ts-expect-error No such option.
  assert.throws(() => asked.host('package').attach(told, { sessions: 1 }), TypeError)
  const plain = sproto(`.package { type 0 : integer session 1 : integer } ${TOLD.split('\n')[2]}`)
  const peer = plain.host('package').attach(plain)
  assert.throws(() => peer.request('push', { text: '' }, 1, 'data'), /'ud'/)
})

// Proves: docs/sproto.md#rpc
test('the messages of the example client of Skynet are made and taken, and its schemas', () => {
  const file = new URL('../../../../test/vectors/gate.json', import.meta.url)
  const { schemaSpb, requestBytesWithoutLength, exampleClient } = JSON.parse(
    readFileSync(file, 'utf8'),
  ) as {
    schemaSpb: Record<'c2s' | 's2c', string>
    requestBytesWithoutLength: Record<string, string>
    exampleClient: { dir: 'c2s' | 's2c'; hex?: string }[]
  }
  const head = '.package { type 0 : integer session 1 : integer }'
  const c2s = sproto(
    head,
    `handshake 1 { response { msg 0 : string } }
     get 2 { request { what 0 : string } response { result 0 : string } }
     set 3 { request { what 0 : string value 1 : string } }
     quit 4 {}`,
  )
  const s2c = sproto(head, 'heartbeat 1 {}')
  assert.equal(c2s.bundle().toString('hex'), schemaSpb.c2s)
  assert.equal(s2c.bundle().toString('hex'), schemaSpb.s2c)

  const near = s2c.host('package').attach(c2s)
  const far = loadSproto(bytesOf(schemaSpb.c2s)).host('package')
  const sent = [
    near.request('handshake', undefined, 1),
    near.request('set', { what: 'hello', value: 'world' }, 2),
    near.request('get', { what: 'hello' }, 3),
    near.request('get', { what: 'nokey' }, 4),
    near.request('quit', undefined, 5),
  ].map((bytes) => bytes.toString('hex'))
  const bytesTo = (dir: string): string[] =>
    exampleClient.flatMap((each) => (each.dir === dir && each.hex ? [each.hex.slice(4)] : []))
  assert.deepEqual(sent, bytesTo('c2s'))
  assert.equal(near.request('quit').toString('hex'), requestBytesWithoutLength['quit-nosession'])

  const told = bytesTo('s2c').map((hex) => {
    const message = near.dispatch(bytesOf(hex))
    if (message.type === 'request') return [message.name, message.respond]
    const { session, name, response } = message
    return name === 'handshake' ? [session, typeof response.msg] : [session, response]
  })
  assert.deepEqual(told, [
    [1, 'string'],
    [2, undefined],
    [3, { result: 'world' }],
    [4, {}],
    ['heartbeat', undefined],
  ])
  const [, set] = sent.map((hex) => far.dispatch(bytesOf(hex)))
  assert.deepEqual(set?.request, { what: 'hello', value: 'world' })
  assert.equal(set?.respond?.().toString('hex'), bytesTo('s2c')[1])
})
