import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_ERRORS, ClientError } from './client-error.ts'
import type { CallFault } from './core.ts'
import { FULL } from './full.ts'

test('ClientError has a sentence for each code of its own, and each fault of the core', () => {
  const faults: readonly CallFault[] = [
    'ERR_CLIENT_LOST',
    'ERR_CLIENT_CLOSED',
    'ERR_CLIENT_TOO_LONG',
  ]
  for (const code of [...Object.keys(CLIENT_ERRORS), ...faults]) {
    const { message, text } = new ClientError(code, 'call draw', '')
    assert.equal(message, `Cannot call draw: ${text}`)
    if (FULL) assert.match(text, /^[a-z].*[^.]$/)
    else assert.equal(text, code)
  }
})

test('ClientError says what the server says, or else its code', () => {
  assert.equal(new ClientError('full', 'call draw', 'No room').text, 'No room')
  assert.equal(new ClientError('full', 'call draw', '').text, 'full')
  assert.equal(new ClientError('toString', 'call draw', '').text, 'toString')
  const { name, ...own } = new ClientError('ABORT_ERR', 'call draw')
  assert.equal(name, 'AbortError')
  assert.deepEqual(Object.keys(own), ['code', 'text', 'closeCode'])
  assert.ok(!('cause' in own))
})
