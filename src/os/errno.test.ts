import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO, errorText, isAgain, isTransient } from './errno.ts'

test('errorText() names the number, whatever its sign', () => {
  assert.equal(errorText(ERRNO.ECONNREFUSED), 'ECONNREFUSED (connection refused)')
  assert.equal(errorText(-ERRNO.EADDRINUSE), 'EADDRINUSE (address already in use)')
})

test('errorText() knows numbers without a description by name, and others by number', () => {
  assert.match(errorText(ERRNO.EDOM), /^EDOM/)
  assert.equal(errorText(-9999), 'errno 9999')
})

test('isAgain() is true of "not now" only', () => {
  assert.ok(isAgain(-ERRNO.EAGAIN))
  assert.ok(isAgain(-ERRNO.EWOULDBLOCK))
  assert.ok(!isAgain(-ERRNO.ENOBUFS))
  assert.ok(!isAgain(0))
  assert.ok(!isAgain(-ERRNO.ECONNRESET))
  assert.ok(!isAgain(-ERRNO.EINPROGRESS))
})

test('isTransient() is true of want of memory too', () => {
  for (const number of [ERRNO.EAGAIN, ERRNO.ENOBUFS, ERRNO.ENOMEM]) assert.ok(isTransient(-number))
  assert.ok(!isTransient(-ERRNO.EPIPE))
})

test('so many bytes, or datagrams, as an errno has are not that errno', () => {
  for (const count of [ERRNO.EAGAIN, ERRNO.EWOULDBLOCK, ERRNO.ENOBUFS, ERRNO.ENOMEM]) {
    assert.deepEqual([isAgain(count), isTransient(count)], [false, false])
  }
})
