import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import { handshakeError } from './tls-errors.ts'

/** What Node.js and OpenSSL, of several versions, call it. Then: our code. */
const CODES: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'ERR_TLS_CERTIFICATE',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'ERR_TLS_CERTIFICATE',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'ERR_TLS_CERTIFICATE',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'ERR_TLS_CERTIFICATE',
  CERT_REVOKED: 'ERR_TLS_CERTIFICATE',
  CERT_UNTRUSTED: 'ERR_TLS_CERTIFICATE',
  INVALID_CA: 'ERR_TLS_CERTIFICATE',
  INVALID_PURPOSE: 'ERR_TLS_CERTIFICATE',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'ERR_TLS_CERTIFICATE',
  CERT_HAS_EXPIRED: 'ERR_TLS_EXPIRED',
  CERT_NOT_YET_VALID: 'ERR_TLS_EXPIRED',
  CRL_HAS_EXPIRED: 'ERR_TLS_EXPIRED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'ERR_TLS_HOST',
  ERR_SSL_NO_SHARED_CIPHER: 'ERR_TLS_MISMATCH',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'ERR_TLS_MISMATCH',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'ERR_TLS_MISMATCH',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'ERR_TLS_MISMATCH',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'ERR_TLS_REFUSED',
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': 'ERR_TLS_REFUSED',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'ERR_TLS_REFUSED',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'ERR_TLS_REFUSED',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'ERR_TLS_REFUSED',
  ERR_SSL_WRONG_VERSION_NUMBER: 'ERR_TLS_HANDSHAKE',
  ERR_SSL_HTTP_REQUEST: 'ERR_TLS_HANDSHAKE',
  ECONNRESET: 'ERR_TLS_HANDSHAKE',
  constructor: 'ERR_TLS_HANDSHAKE',
}

for (const [problem, code] of Object.entries(CODES)) {
  test(`handshakeError() makes ${code} of ${problem}`, () => {
    const cause = Object.assign(new Error('why'), { code: problem })
    const error = handshakeError('1.2.3.4:5', cause)
    assert.equal((error as SkynetError).code, code)
    assert.deepEqual((error as SkynetError).info, { address: '1.2.3.4:5', problem, reason: 'why' })
    assert.equal(error.cause, cause)
  })
}

test('handshakeError() says what people can read, and leaves what is ours as it is', () => {
  const text = '40C7F2:error:0A000076:SSL routines:tls_choose:no shared cipher:../x.c:22:\n'
  assert.match(handshakeError('a', new Error(text)).message, /to a: no shared cipher$/)
  const ours = new SkynetError('ERR_SOCKET_CLOSED', { id: 7 })
  assert.equal(handshakeError('a', ours), ours)
})
