import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecureContext, type SecureContext } from 'node:tls'
import { openLibc } from './libc.ts'
import { addressOfContext, freeObjects, openssl } from './openssl.ts'

openLibc()

test('OpenSSL of Node.js can be reached, and says where a context is', () => {
  const lib = openssl()!
  const context = createSecureContext({ maxVersion: 'TLSv1.2' })
  const ssl = lib.SSL_new(addressOfContext(context)!)
  // SSL_CTRL_GET_MAX_PROTO_VERSION, TLS1_2_VERSION
  assert.equal(lib.SSL_ctrl(ssl, 131, 0, 0), 0x0303)
  lib.SSL_free(ssl)
})

test('addressOfContext() says so when Node.js tells nothing', () => {
  const withExternal = (external: unknown): SecureContext =>
    ({ context: { _external: external } }) as unknown as SecureContext
  assert.equal(addressOfContext({ context: {} } as SecureContext), undefined)
  assert.equal(addressOfContext(withExternal('[External: 12ab]')), undefined)
})

test('freeObjects() frees each as what it is, and opens nothing for none', () => {
  const freed: string[] = []
  const lib = {
    SSL_free: (address: number) => freed.push(`ssl ${address}`),
    BIO_free: (address: number) => freed.push(`bio ${address}`),
  }
  freeObjects([5, -6, 7], () => lib)
  assert.deepEqual(freed, ['ssl 5', 'bio 6', 'ssl 7'])
  freeObjects([], () => assert.fail('opened'))
})
