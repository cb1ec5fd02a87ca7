import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createSocketServer,
  isSkynetError,
  resolve,
  type StandaloneServer,
  UdpAddress,
} from 'skynet-ts/socket-server'
import { realClock } from '../../src/base/clock.ts'
import { StandaloneServer as Server } from '../../src/net/library/standalone.ts'
import { posixOs } from '../../src/os/posix.ts'
import { descriptors, ends, library, next, one } from '../support/library.ts'

type Call = (server: StandaloneServer) => unknown
const TYPE = 'ERR_INVALID_ARG_TYPE'
const VALUE = 'ERR_INVALID_ARG_VALUE'
const RANGE = 'ERR_OUT_OF_RANGE'
const PEER = UdpAddress.of('127.0.0.1', 9)
/** What a caller without types may hand in. */
const bad = (value: unknown): never => value as never

/** Every call that takes an id. */
const BY_ID: readonly (readonly [string, (server: StandaloneServer, id: number) => boolean])[] = [
  ['start', (s, id) => s.start(id)],
  ['pause', (s, id) => s.pause(id)],
  ['end', (s, id) => s.end(id)],
  ['close', (s, id) => s.close(id)],
  ['shutdown', (s, id) => s.shutdown(id)],
  ['configure', (s, id) => s.configure(id, { lingerMs: 5 })],
  ['setOption', (s, id) => s.setOption(id, 'noDelay', 1)],
  ['send', (s, id) => s.send(id, 'x')],
  ['send low', (s, id) => s.send(id, 'x', { priority: 'low' })],
  ['sendTo', (s, id) => s.sendTo(id, PEER, 'x')],
  ['udpConnect', (s, id) => s.udpConnect(id, PEER)],
]

/** The call, the code of its error, and the argument and value that it names. */
const REFUSED: readonly (readonly [Call, string, string, string])[] = [
  [(s) => s.listen(bad(undefined)), TYPE, 'options', 'undefined'],
  [(s) => s.listen(bad({})), TYPE, 'port', 'undefined'],
  [(s) => s.listen({ port: 65_536 }), RANGE, 'port', '65536'],
  [(s) => s.listen({ port: bad('80') }), TYPE, 'port', '"80"'],
  [(s) => s.listen({ port: 0, host: bad(7) }), TYPE, 'host', '7'],
  [(s) => s.listen({ port: 0, host: '' }), VALUE, 'host', '""'],
  [(s) => s.listen({ port: 0, host: 'localhost' }), VALUE, 'host', '"localhost"'],
  [(s) => s.listen({ port: 0, owner: 0 }), RANGE, 'owner', '0'],
  [(s) => s.listen({ port: 0, owner: 2 ** 32 }), RANGE, 'owner', '4294967296'],
  [(s) => s.listen({ port: 0, backlog: 0 }), RANGE, 'backlog', '0'],
  [(s) => s.listen({ path: '/x', port: 1 }), VALUE, 'path', '"/x"'],
  [(s) => s.listen({ path: 'x'.repeat(108) }), RANGE, 'path', '"xxx'],
  [(s) => s.connect(bad(null)), TYPE, 'options', 'null'],
  [(s) => s.connect({ port: 0 }), RANGE, 'port', '0'],
  [(s) => s.connect({ port: 1, host: [] }), RANGE, 'host.length', '0'],
  [(s) => s.connect({ port: 1, host: new Array(65).fill('::1') }), RANGE, 'host.length', '65'],
  [(s) => s.connect({ port: 1, host: ['::1', 'a.name'] }), VALUE, 'host', '"a.name"'],
  [(s) => s.udp(bad(null)), TYPE, 'options', 'null'],
  [(s) => s.udp({ port: -1 }), RANGE, 'port', '-1'],
  [(s) => s.udp({ host: 'a.name' }), VALUE, 'host', '"a.name"'],
  [(s) => s.bind(-1), RANGE, 'fd', '-1'],
  [(s) => s.start(1, 0.5), RANGE, 'owner', '0.5'],
  [(s) => s.start(1, bad(null)), TYPE, 'owner', 'null'],
  [(s) => s.configure(1, bad(null)), TYPE, 'options', 'null'],
  [(s) => s.configure(1, { lingerMs: 0 }), RANGE, 'lingerMs', '0'],
  [(s) => s.configure(1, { sendPolicy: bad('no') }), VALUE, 'sendPolicy', '"no"'],
  [(s) => s.setOption(1, 'noDelay', bad('on')), TYPE, 'noDelay', '"on"'],
  [(s) => s.setOption(1, 'noDelay', 2), RANGE, 'noDelay', '2'],
  [(s) => s.setOption(1, 'noDelay', -1), RANGE, 'noDelay', '-1'],
  [(s) => s.setOption(1, 'keepIdleSeconds', 0), RANGE, 'keepIdleSeconds', '0'],
  [(s) => s.listen({ port: 0, reusePort: bad(1) }), TYPE, 'reusePort', '1'],
  [(s) => s.listen({ port: 0, ipv6Only: bad(null) }), TYPE, 'ipv6Only', 'null'],
  [(s) => s.listen(bad([])), TYPE, 'options', 'an object (Array)'],
  [(s) => s.connect(bad(new Date())), TYPE, 'options', 'an object (Date)'],
  [(s) => s.udp(bad([])), TYPE, 'options', 'an object (Array)'],
  [(s) => s.udp({ reusePort: bad('x') }), TYPE, 'reusePort', '"x"'],
  [(s) => s.configure(1, bad([])), TYPE, 'options', 'an object (Array)'],
  [(s) => s.poll({ timeoutMs: bad(Symbol('x')) }), TYPE, 'timeoutMs', 'Symbol(x)'],
  [(s) => s.poll({ timeoutMs: bad('5') }), TYPE, 'timeoutMs', '"5"'],
  [(s) => s.setOption(s.udp(), bad('no'), 1), VALUE, 'name', '"no"'],
  [(s) => s.send(1, bad(7)), TYPE, 'data', '7'],
  [(s) => s.send(1, 'x', bad(null)), TYPE, 'options', 'null'],
  [(s) => s.send(1, 'x', { priority: bad('urgent') }), VALUE, 'priority', '"urgent"'],
  [(s) => s.send(1, 'x', { free: bad(true) }), TYPE, 'free', 'true'],
  [(s) => s.broadcast(bad(1), 'x'), TYPE, 'ids', '1'],
  [(s) => s.broadcast(bad([1, 2, 3, 10n]), 'x'), TYPE, 'ids[3]', '10'],
  [(s) => s.broadcast(bad([Symbol('x')]), ''), TYPE, 'ids[0]', 'Symbol(x)'],
  [(s) => s.broadcast([1, 0], 'x'), RANGE, 'ids[1]', '0'],
  [(s) => s.broadcast([1], bad(undefined)), TYPE, 'data', 'undefined'],
  [(s) => s.sendTo(1, bad('127.0.0.1:1'), 'x'), TYPE, 'to', '"127.0.0.1:1"'],
  [(s) => s.udpConnect(1, bad(undefined)), TYPE, 'to', 'undefined'],
  [(s) => s.poll(bad(null)), TYPE, 'options', 'null'],
  [(s) => s.poll({ timeoutMs: -1 }), RANGE, 'timeoutMs', '-1'],
  [(s) => s.poll({ timeoutMs: Number.NaN }), RANGE, 'timeoutMs', 'NaN'],
  [() => createSocketServer(bad(null)), TYPE, 'options', 'null'],
  [() => createSocketServer({ log: bad('x') }), TYPE, 'log', '"x"'],
  [() => createSocketServer({ readBytesMax: 63 }), RANGE, 'readBytesMax', '63'],
  ...[0, -1, 1.5, Number.NaN, 2 ** 31, bad('7'), bad(undefined)].flatMap((id) => {
    const value = typeof id === 'string' ? '"7"' : `${id}`
    const code = typeof id === 'number' ? RANGE : TYPE
    return BY_ID.map(
      ([, call]) => [(s: StandaloneServer) => call(s, id), code, 'id', value] as const,
    )
  }),
]

// Proves: docs/sockets.md#poll-arguments
test('a wrong argument is an error with a code, which names it and its value', (t) => {
  const server = library(t)
  const before = descriptors()
  for (const [call, code, name, value] of REFUSED) {
    assert.throws(
      () => call(server),
      (error: TypeError & { code?: string }) => {
        assert.equal(error.code, code, error.message)
        assert.ok(error.message.includes(` as '${name}' must be `), error.message)
        assert.ok(error.message.includes(`: current value is ${value}`), error.message)
        return error instanceof (code === RANGE ? RangeError : TypeError)
      },
    )
  }
  assert.equal(server.shutdown(1), true) // the one that a call above opened
  assert.equal(server.poll().length, 2)
  assert.deepEqual([server.netstat(), descriptors()], [[], before])
})

// Proves: docs/semantics.md#socket-arguments
test('an option that there is not is refused by name, and those there are are listed', (t) => {
  const server = library(t)
  const wrong = bad({ host: '127.0.0.1', port: 1, idleTimeout: 5 })
  const calls: readonly [Call, string][] = [
    [() => createSocketServer(bad({ idleTimeout: 5 })), 'log, sendLimitBytes'],
    [(s) => s.listen(wrong), 'host, port, path, owner, backlog, mode, reusePort, ipv6Only'],
    [(s) => s.connect(wrong), 'host, port, path, owner'],
    [(s) => s.udp(wrong), 'host, port, owner, reusePort, ipv6Only'],
    [(s) => s.bind(0, bad({ idleTimeout: 5 })), 'owner'],
    [(s) => s.configure(1, bad({ idleTimeout: 5 })), 'sendLimitBytes'],
  ]
  for (const [call, known] of calls) {
    const message = new RegExp(`with option 'idleTimeout': there are ${known}`)
    assert.throws(() => call(server), { name: 'TypeError', code: VALUE, message })
  }
  assert.deepEqual(server.netstat(), [])
})

// Proves: docs/sockets.md#poll-gone
test('every call with an id that is gone says so', (t) => {
  const server = library(t)
  const { near } = ends(server)
  assert.equal(server.shutdown(near), true)
  assert.equal(next(server, 'close').id, near)
  for (const id of [near, 1_000_000]) {
    for (const [name, call] of BY_ID) assert.equal(call(server, id), false, name)
    server.broadcast([id], 'x')
  }
  for (const event of server.poll().filter(({ type }) => type === 'error')) {
    assert.equal(event.type === 'error' && event.text, 'invalid socket')
  }
})

// Proves: docs/sockets.md#poll-release
test('release() closes everything at once, and ends every call', (t) => {
  const before = descriptors()
  const server = library(t)
  const { near, far } = ends(server)
  server.send(near, 'unread')
  server.udp({ port: 0 })
  server[Symbol.dispose]()
  server.release()
  assert.equal(descriptors(), before)
  const calls: Call[] = [
    (s) => s.poll(),
    (s) => s.listen({ port: 0 }),
    (s) => s.connect({ port: 1 }),
    (s) => s.udp(),
    (s) => s.bind(0),
    (s) => s.broadcast([far], 'x'),
    ...BY_ID.map(
      ([, call]) =>
        (s: StandaloneServer) =>
          call(s, far),
    ),
  ]
  for (const call of calls) {
    assert.throws(
      () => call(server),
      (error) => isSkynetError(error, 'ERR_SERVER_RELEASED'),
    )
  }
  assert.deepEqual(server.netstat(), [])
  assert.equal(server.totals().accepted, 1)
  assert.equal(descriptors(), before)
})

test('an event handler may release the server: what it has not seen is dropped', (t) => {
  const server = library(t)
  const { near } = ends(server)
  const seen: string[] = []
  server.send(near, 'x', { free: () => seen.push('free') })
  next(server, 'data')
  server.shutdown(near)
  server.release()
  assert.throws(() => one(server), { code: 'ERR_SERVER_RELEASED' })
  assert.deepEqual(seen, ['free'])
})

test('a server that cannot be made leaves no descriptor', () => {
  const before = descriptors()
  const os = posixOs()
  const createPoller = (): never => {
    throw new Error('no poller')
  }
  Object.assign(os, { createPoller })
  assert.throws(() => new Server(os, realClock(0), {}), /no poller/)
  assert.equal(descriptors(), before)
})

test('resolve() gives the addresses of a name, and stops waiting when it is told to', async () => {
  assert.ok((await resolve('localhost')).includes('127.0.0.1'))
  assert.deepEqual(await resolve('::1'), ['::1'])
  const invalid = resolve('no.such.host.invalid')
  await assert.rejects(invalid, (error) => isSkynetError(error, 'ERR_CONNECT'))
  const controller = new AbortController()
  const waiting = resolve('localhost', { signal: controller.signal })
  controller.abort('enough')
  const isAbort = { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' }
  await assert.rejects(waiting, isAbort)
  await assert.rejects(resolve('localhost', { signal: controller.signal }), isAbort)
  await assert.rejects(resolve('localhost', { signal: bad('x') }), { code: TYPE })
})
