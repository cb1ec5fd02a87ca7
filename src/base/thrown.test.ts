import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printed } from './thrown.ts'

test('printed() throws for nothing that a log may be given', () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const trap = (): never => {
    throw new Error('no')
  }
  const hostile = new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap })
  for (const value of [proxy, hostile, [proxy], { hostile }, Object.create(null), Symbol('x')]) {
    assert.equal(typeof printed(value), 'string')
  }
})
