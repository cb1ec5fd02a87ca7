import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClusterProxies } from './cluster-proxies.ts'

function proxies() {
  const alive = new Set<number>()
  let count = 0
  let failure: Error | undefined
  const all = new ClusterProxies({
    isAlive: (handle) => alive.has(handle),
    launch: async () => {
      if (failure !== undefined) throw failure
      alive.add(++count)
      return count
    },
  })
  const fail = (error: Error | undefined): void => {
    failure = error
  }
  return { all, alive, fail }
}

test('get() launches one for each service, however many ask at once', async () => {
  const { all, alive } = proxies()
  const three = (node: string, target: string) =>
    Promise.all([1, 2, 3].map(() => all.get(node, target)))
  assert.deepEqual(await three('db', '@x'), [1, 1, 1])
  assert.deepEqual(await three('db', '@y'), [2, 2, 2])
  assert.deepEqual(await three('db string', '@x'), [3, 3, 3])
  alive.delete(1)
  assert.deepEqual(await three('db', '@x'), [4, 4, 4])
})

test('a launch that fails is the failure of who asked, and not kept', async () => {
  const { all, fail } = proxies()
  fail(new Error('no room'))
  await assert.rejects(all.get('db', '@x'), /no room/)
  fail(undefined)
  assert.equal(await all.get('db', '@x'), 1)
})

test('proxies that have ended are let go of', async () => {
  const { all, alive } = proxies()
  for (let i = 0; i < 1000; i++) alive.delete(await all.get('db', i + 1))
  assert.ok(all.size <= 64, `${all.size}`)
})
