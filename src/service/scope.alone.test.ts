import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { assumeStores } from '../base/async-context.ts'
import { begin, enterScope, kept, leaveScopes, type Scope, scopeNow, useScopes } from './scope.ts'

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

test('kept() brings back the stores of who keeps a task, in the scope that it begins in', () => {
  const als = new AsyncLocalStorage<string>()
  const look = (more: number) => [als.getStore(), scopeNow()?.task, more]
  assert.equal(kept(look), look)
  assumeStores()
  useScopes()
  const task = enterScope({ ...SCOPE, task: 'keeps' }, () => als.run('owner', () => kept(look)))
  als.run('another', () => {
    assert.deepEqual(
      begin(() => task(1), { ...SCOPE, task: 'begins' }),
      ['owner', 'begins', 1],
    )
    assert.deepEqual(
      begin(() => task(2)),
      ['owner', undefined, 2],
    )
  })
  leaveScopes()
})
