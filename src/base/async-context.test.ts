import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { areStoresUsed, asNobody, contextNow, noticeStores, ofNobody } from './async-context.ts'

const als = new AsyncLocalStorage<string>()
const { run, enterWith } = AsyncLocalStorage.prototype

// The first: before it no store was used in this process.
// Proves: docs/commands.md#store-cost
test('noticeStores() sees the first store, and leaves no trace behind', () => {
  noticeStores()
  assert.notEqual(AsyncLocalStorage.prototype.run, run)
  assert.equal(contextNow(), undefined)
  assert.equal(
    asNobody(() => als.getStore()),
    undefined,
  )
  assert.equal(areStoresUsed(), false)
  const result = als.run('first', (a: number, b: number) => `${als.getStore()} ${a} ${b}`, 1, 2)
  assert.equal(result, 'first 1 2')
  assert.equal(areStoresUsed(), true)
  assert.equal(AsyncLocalStorage.prototype.run, run)
  assert.equal(AsyncLocalStorage.prototype.enterWith, enterWith)
})

test('noticeStores() leaves what others have put over it, which goes on to work', () => {
  noticeStores()
  const { prototype } = AsyncLocalStorage
  const ours = prototype.enterWith
  let calls = 0
  prototype.enterWith = function (this: AsyncLocalStorage<unknown>, store) {
    calls++
    ours.call(this, store)
  }
  const theirs = prototype.enterWith
  try {
    als.run('outer', () => {
      calls = 0
      als.enterWith('theirs')
      assert.equal(als.getStore(), 'theirs')
      assert.equal(calls, 1)
    })
    assert.equal(prototype.enterWith, theirs)
    assert.equal(prototype.run, run)
  } finally {
    prototype.enterWith = enterWith
  }
})

test('asNobody() and ofNobody() run code without a store, and leave none behind', () => {
  const seen: unknown[] = []
  const look = (): void => {
    seen.push(als.getStore())
    als.enterWith('left behind')
  }
  als.run('somebody', () => {
    asNobody(look)
    const task = ofNobody(look)
    task()
    als.run('another', task)
    assert.equal(als.getStore(), 'somebody')
  })
  assert.deepEqual(seen, [undefined, undefined, undefined])
})

test('contextNow() leads back to where it was taken, any number of times', () => {
  const within = als.run('owner', contextNow)!
  const look = (): unknown => {
    const store = als.getStore()
    als.enterWith('left behind')
    return store
  }
  als.run('another', () => {
    assert.equal(within(look), 'owner')
    assert.equal(within(look), 'owner')
    assert.equal(als.getStore(), 'another')
  })
})
