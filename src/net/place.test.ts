import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BACKLOG_DEFAULT } from '../base/limits.ts'
import { checkDescriptor, checkListen, checkUdp, type ListenPlace } from './place.ts'

const wrong = <T>(value: unknown): T => value as T

test('checkListen() gives where to listen and how, with what was left out', () => {
  const { endpoint, flags } = checkListen({ port: 80, reusePort: true })
  assert.deepEqual([endpoint.host, endpoint.port], ['0.0.0.0', 80])
  assert.deepEqual(flags, {
    backlog: BACKLOG_DEFAULT,
    reusePort: true,
    ipv6Only: undefined,
    mode: undefined,
  })
  const unix = checkListen({ path: '/run/x.sock', mode: 0o600, backlog: 1 })
  assert.deepEqual([unix.endpoint.address?.family, unix.flags.mode], ['unix', 0o600])
})

test('checkListen() names what makes no sense', () => {
  const places: readonly (readonly [ListenPlace, string])[] = [
    [{}, 'port'],
    [{ port: 1, backlog: 0 }, 'backlog'],
    [{ port: 1, reusePort: wrong(1) }, 'reusePort'],
    [{ port: 1, ipv6Only: wrong('no') }, 'ipv6Only'],
    [{ port: 1, mode: 0o600 }, 'mode'],
    [{ path: '\0name', mode: 0o600 }, 'mode'],
    [{ path: '/run/x.sock', mode: 0o1000 }, 'mode'],
    [{ path: '/run/x.sock', port: 1 }, 'path'],
  ]
  for (const [place, name] of places) {
    assert.throws(
      () => checkListen(place),
      (error: Error) => error.message.startsWith(`Cannot listen as '${name}' must be `),
    )
  }
})

test('checkUdp() binds where a host or a port is asked for, and only there', () => {
  assert.equal(checkUdp({}).flags, undefined)
  assert.equal(checkUdp({ reusePort: true }).flags, undefined)
  assert.deepEqual(checkUdp({ port: 0, reusePort: true }).flags, {
    reusePort: true,
    ipv6Only: undefined,
  })
  const { endpoint, flags } = checkUdp({ host: '::1' })
  assert.deepEqual([endpoint.host, endpoint.port], ['::1', 0])
  assert.notEqual(flags, undefined)
  assert.throws(() => checkUdp(wrong(null)), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('checkDescriptor() takes numbers of descriptors alone', () => {
  checkDescriptor(0)
  for (const fd of [-1, 0.5, 2 ** 31, '1']) assert.throws(() => checkDescriptor(fd), /'fd'/)
})
