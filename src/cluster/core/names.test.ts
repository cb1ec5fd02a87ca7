import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLUSTER_TOKENS_MAX } from '../../base/limits.ts'
import { ClusterNames, type ClusterNamesHost } from './names.ts'
import { StoreView, type ViewedStore } from './store-view.ts'

const ignore = (): void => undefined
const HOST: ClusterNamesHost = {
  now: () => 0,
  owned: ignore,
  taken: ignore,
  refused: ignore,
  fenced: ignore,
  owner: ignore,
}
const MEMBERS = {
  epoch: 1,
  isWritten: true,
  isGrace: false,
  isCertain: true,
  isDraining: false,
  isOver: () => false,
}

function namesOf(store: ViewedStore): ClusterNames {
  const view = { now: () => 0, opened: ignore, entry: ignore, synced: ignore, lost: ignore }
  return new ClusterNames('a', 100, new StoreView(store, view, 3000), MEMBERS, HOST)
}

const NOWHERE = {} as ViewedStore

test('accepts() refuses every token below the highest that was seen', () => {
  const names = namesOf(NOWHERE)
  assert.equal(names.accepts('lobby', [1, 5]), true)
  assert.equal(names.accepts('lobby', [1, 4]), false)
  assert.equal(names.accepts('lobby', [1, 5]), true)
  assert.equal(names.accepts('ranks', [1, 1]), true)
  // Another era is later, whatever the revision.
  assert.equal(names.accepts('lobby', [2, 1]), true)
  assert.equal(names.accepts('lobby', [1, 9]), false)
  assert.deepEqual(names.current('lobby'), [2, 1])
})

// Proves: docs/limits.md#cluster-tokens
test('accepts() remembers so many names, and forgets the one that was seen longest ago', () => {
  const names = namesOf(NOWHERE)
  for (let i = 0; i < CLUSTER_TOKENS_MAX; i++) names.accepts(`n${i}`, [1, 2])
  names.accepts('n0', [1, 3])
  names.accepts('one more', [1, 1])
  assert.deepEqual(names.current('n0'), [1, 3])
  assert.equal(names.current('n1'), undefined)
  assert.deepEqual(names.current('n2'), [1, 2])
})
