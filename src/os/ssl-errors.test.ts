import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLibc } from './libc.ts'
import { openssl } from './openssl.ts'
import { certificateError } from './ssl-errors.ts'

openLibc()

test('certificateError() has the codes of Node.js, by the numbers of OpenSSL 3', () => {
  const problem = certificateError(openssl()!, 79)!
  assert.equal(problem.code, 'INVALID_CA')
  assert.match(problem.message, /invalid CA/)
  assert.equal(certificateError(openssl()!, 24)!.code, 'UNSPECIFIED')
  assert.equal(certificateError(openssl()!, 0), undefined)
})
