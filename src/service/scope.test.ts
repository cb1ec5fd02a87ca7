import assert from 'node:assert/strict'
import { test } from 'node:test'
import { enterScope, leaveScopes, type Scope, scopeNow, useScopes } from './scope.ts'

const SCOPE: Scope = { service: 1, task: 'get', entry: undefined, trace: ':00000001-1' }

test('a scope is followed through awaits, and is not known when nobody follows', async () => {
  useScopes()
  await enterScope(SCOPE, async () => {
    await undefined
    assert.equal(scopeNow(), SCOPE)
  })
  assert.equal(scopeNow(), undefined)
  leaveScopes()
  assert.equal(scopeNow(), undefined)
})

test('what was begun in a scope that nobody follows any more begins without one', async () => {
  const seen: unknown[] = []
  useScopes()
  const turn = enterScope(SCOPE, () => {
    return new Promise<void>((resolve) => {
      setImmediate(() => {
        useScopes()
        enterScope({ ...SCOPE, task: 'put' }, () => {})
        seen.push(scopeNow())
        leaveScopes()
        resolve()
      })
    })
  })
  leaveScopes()
  await turn
  assert.deepEqual(seen, [undefined])
})
