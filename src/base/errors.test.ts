import assert from 'node:assert/strict'
import { test } from 'node:test'
import { abortError, ERROR_CODES, formatHandle, isSkynetError, SkynetError } from './errors.ts'

/** Answers any fact by its name. */
const FACTS = new Proxy({}, { get: (_target, name) => String(name) }) as never

test('SkynetError has code, facts, message and cause', () => {
  const cause = new Error('why')
  const error = new SkynetError('ERR_SOCKET_CLOSED', { id: 7 }, { cause })
  assert.deepEqual(
    [error.name, error.code, error.info],
    ['SkynetError', 'ERR_SOCKET_CLOSED', { id: 7 }],
  )
  assert.equal(error.message, 'Cannot go on with socket 7: it is closed')
  assert.equal(error.cause, cause)
  assert.ok(error instanceof Error)
})

test('every message begins with what failed, is one line and has no full stop', () => {
  for (const code of ERROR_CODES) {
    const { message } = new SkynetError(code, FACTS)
    assert.match(message, /^[A-Z][^\n]*[^.\n]$/, code)
    assert.doesNotMatch(message, /undefined|NaN|\[object/, code)
  }
})

test('isSkynetError knows ours by code, and no others', () => {
  const error: unknown = new SkynetError('ERR_NAME_TAKEN', { name: '.x' })
  assert.ok(isSkynetError(error))
  assert.ok(isSkynetError(error, 'ERR_NAME_TAKEN') && error.info.name === '.x')
  assert.equal(isSkynetError(error, 'ERR_NAME_LIMIT'), false)
  assert.equal(isSkynetError(Object.assign(new Error('x'), { code: 'ERR_NAME_TAKEN' })), false)
  assert.equal(isSkynetError(undefined), false)
})

test('abortError is what users of AbortSignal expect, with the reason as its cause', () => {
  const error = abortError(AbortSignal.abort('reason'))
  assert.deepEqual([error.name, error.code, error.cause], ['AbortError', 'ABORT_ERR', 'reason'])
})

test('formatHandle writes eight hex digits, also of a negative int32', () => {
  assert.equal(formatHandle(10), ':0000000a')
  assert.equal(formatHandle(0xff000001 | 0), ':ff000001')
})
