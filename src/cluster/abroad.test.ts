import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ErrorCode, type ErrorInfo, SkynetError } from '../base/errors.ts'
import { nameAbroad } from './abroad.ts'

function abroad<C extends ErrorCode>(code: C, info: ErrorInfo<C>, cause?: unknown): SkynetError<C> {
  const error = new SkynetError(code, { ...(info as object) } as ErrorInfo<C>, { cause })
  nameAbroad(error, 'b')
  assert.ok(error.stack?.includes(error.message))
  return error
}

// Proves: docs/cluster.md#addresses
test('nameAbroad() names services of ours, and leaves what users have written', () => {
  const own = ':0000000a'
  const call = abroad('ERR_CALL_DEAD', { to: own, method: own })
  assert.deepEqual(call.info, { to: `b${own}`, method: own })
  assert.match(call.message, /^Cannot call :0000000a of b:0000000a: no such service/)
  const unknown = { service: `a/b ${own}`, method: `x ${own}`, hint: ` (did you mean ' ${own}'?)` }
  const method = abroad('ERR_METHOD_UNKNOWN', unknown)
  assert.deepEqual(method.info, { ...unknown, service: `a/b b${own}` })
  const task = abroad('ERR_TASK_KILLED', { task: `call of ${own} of ${own}` })
  assert.equal(task.message, `Cannot go on: the task was killed (call of ${own} of b${own})`)
  assert.match(
    abroad('ERR_SERVICE_EXITED', { handle: 10 }).message,
    / service b:0000000a has ended/,
  )
  assert.equal(abroad('ERR_NAME_UNKNOWN', { name: own }).info.name, `b${own}`)
  assert.equal(abroad('ERR_NAME_UNKNOWN', { name: `.x ${own}` }).info.name, `.x ${own}`)
  assert.equal(
    abroad('ERR_DATACENTER_PATH', { path: own, reason: own }).message.includes('b:'),
    false,
  )
})

test('nameAbroad() changes a reason as the cause that it repeats', () => {
  const cause = new SkynetError('ERR_CALL_DEAD', { to: ':0000000a', method: ':0000000b' })
  const reason = `${cause.message}; see :0000000c`
  const launch = abroad('ERR_SERVICE_LAUNCH', { path: 'x', reason }, cause)
  assert.equal(launch.info.reason, `${cause.message}; see :0000000c`)
  assert.match(launch.message, /:0000000b of b:0000000a: .*; see :0000000c$/)
})

test('nameAbroad() leaves a text that somebody has given to an error of ours', () => {
  const error = new SkynetError('ERR_CALL_DEAD', { to: ':0000000a', method: 'm' })
  error.message = 'Sorry, :0000000a is gone'
  nameAbroad(error, 'b')
  assert.deepEqual([error.message, error.info.to], ['Sorry, :0000000a is gone', 'b:0000000a'])
})
