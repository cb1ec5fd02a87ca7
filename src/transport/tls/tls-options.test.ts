import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changedTls, checkTlsServer, type TlsOptions } from './tls-options.ts'

const ONE = { key: 'key', cert: 'cert' }
const check = (options: object): void => checkTlsServer('listen', options as TlsOptions)

// Proves: docs/tls.md#needs-certificate
test('a listener without a certificate is refused, as each client would be', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /'tls.key' must be the key of a certificate: current value is undefined/],
    [{ ca: 'ca', requestCert: true }, /'tls.key'/],
    [{ key: 'key' }, /'tls.cert' must be a certificate: current value is undefined/],
    [{ cert: 'cert' }, /'tls.key'/],
    [{ ...ONE, contexts: { 'a.test': {} } }, /'contexts\['a.test'\].key'/],
    [{ ...ONE, contexts: { 'a.test': { key: 'key' } } }, /'contexts\['a.test'\].cert'/],
    [{ ...ONE, contexts: {} }, /'contexts' must be at least one name/],
  ]
  for (const [options, name] of wrong) assert.throws(() => check(options), name)
  for (const options of [ONE, { pfx: 'pfx' }, { contexts: { 'a.test': ONE } }]) check(options)
})

// Proves: docs/tls.md#names
test('a name that no client can ask for is refused', () => {
  for (const name of [
    '*.*.x',
    'a.*',
    'https://a.test',
    'a.test:443',
    '',
    '*',
    '*.',
    'a..b',
    'ü.test',
  ]) {
    const options = { ...ONE, contexts: { [name]: ONE } }
    const message = /'contexts' must be names as 'a.test', '\*.a.test': current value is "/
    assert.throws(() => check(options), message, name)
  }
  const names = ['a', 'a.test', '*.a.test', 'A-1.x_y.TEST', 'xn--tda.test']
  for (const name of names) check({ ...ONE, contexts: { [name]: ONE } })
})

test('a protocol has a name of at most 255 bytes', () => {
  for (const name of ['x'.repeat(256), 'ü'.repeat(128)]) {
    const message = /'ALPNProtocols' must be names of at most 255 bytes/
    assert.throws(() => check({ ...ONE, ALPNProtocols: [name] }), message)
  }
  check({ ...ONE, ALPNProtocols: ['x'.repeat(255)] })
})

// Proves: docs/tls.md#needs-certificate
test('an empty key or certificate is none', () => {
  for (const empty of ['', null, Buffer.alloc(0), []]) {
    const [key, cert] = [
      { key: empty, cert: 'cert' },
      { key: 'key', cert: empty },
    ]
    assert.throws(() => check(key as never), /'tls.key' must be the key of a certificate/)
    assert.throws(() => check(cert as never), /'tls.cert' must be a certificate/)
  }
})

// Proves: docs/tls.md#set-tls
test('a change of a certificate leaves what it does not name', () => {
  const before = { ...ONE, passphrase: 'x', requestCert: true, ca: 'ca' }
  const next = { pfx: 'pfx' }
  assert.deepEqual(changedTls('test', before, next), { pfx: 'pfx', requestCert: true, ca: 'ca' })
  assert.deepEqual(changedTls('test', before, { ca: 'b' }), { ...before, ca: 'b' })
  const without = changedTls('test', before, { requestCert: undefined } as never)
  assert.equal(without.requestCert, undefined)
  assert.throws(() => changedTls('test', before, { crt: 'x' } as never), /'crt'/)
  assert.throws(() => changedTls('test', before, undefined as never), TypeError)
})
