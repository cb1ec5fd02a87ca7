import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CLUSTER_TOKENS_MAX, STORE_ENTRIES_MAX } from '../../base/limits.ts'
import { HandCluster, type HandNode, LEASE_MS } from './cluster-node.kit.ts'
import { ClusterNames, type ClusterNamesHost } from './names.ts'
import { compareTokens, encodeOwner } from './records.ts'
import { StoreTable } from './store-table.ts'
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
  const view = {
    now: () => 0,
    opened: ignore,
    entry: ignore,
    synced: ignore,
    lost: ignore,
  }
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

describe('ClusterNames', () => {
  const two = (): { cluster: HandCluster; a: HandNode; b: HandNode } => {
    const cluster = new HandCluster()
    const [a, b] = [cluster.add('a'), cluster.add('b')]
    cluster.pass(LEASE_MS)
    a.node.names.claim('lobby', 7)
    b.node.names.claim('lobby', 8)
    assert.ok(a.node.names.acts('lobby'))
    a.take()
    b.take()
    return { cluster, a, b }
  }

  test('who writes first owns a name; another one waits until the owner is dead', () => {
    const { cluster, a, b } = two()
    const token = a.node.names.token('lobby')!
    assert.equal(b.node.names.owner('lobby')?.id, 7)
    cluster.kill(a)
    cluster.pass(LEASE_MS - 600)
    assert.deepEqual(b.take(), ['a suspect'])
    cluster.pass(700)
    assert.equal(b.take()[0], 'a down')
    assert.ok(b.node.names.acts('lobby'))
    assert.ok(compareTokens(b.node.names.token('lobby')!, token) > 0)
    assert.equal(b.node.names.accepts('lobby', token), false)
  })

  test('a name that is given back goes to whoever waits for it', () => {
    const { a, b } = two()
    let isReleased = false
    a.node.names.release('lobby', () => {
      isReleased = true
    })
    assert.ok(isReleased)
    assert.ok(b.node.names.acts('lobby'))
    assert.equal(a.node.names.owner('lobby')?.node, 'b')
  })

  test('a name is claimed again while it is being given back', () => {
    const { cluster, a } = two()
    cluster.kill(cluster.nodes[1]!)
    cluster.store.isMute = true
    a.node.names.release('lobby', () => undefined)
    a.node.names.claim('lobby', 9)
    cluster.store.isMute = false
    cluster.pass(2 * LEASE_MS)
    assert.ok(a.node.names.acts('lobby'))
    assert.equal(a.node.names.owner('lobby')?.id, 9)
  })

  test('an owner that is not heard for a lease does not act until it is sure again', () => {
    const { cluster, a, b } = two()
    b.isStopped = true
    a.isCut = true
    cluster.pass(LEASE_MS - 600)
    assert.ok(a.node.names.acts('lobby'))
    cluster.pass(700)
    assert.equal(a.node.names.acts('lobby'), false)
    a.isCut = false
    cluster.pass(700)
    assert.ok(a.node.names.acts('lobby'))
  })

  test('an owner that was overtaken is told so, and its claim is over', () => {
    const { cluster, a, b } = two()
    a.isCut = true
    cluster.pass(LEASE_MS + 600)
    assert.deepEqual(
      a.take().filter((text) => !text.startsWith('b')),
      ['fenced lobby 0.3', 'overtaken tombstone'],
    )
    assert.ok(b.node.names.acts('lobby'))
    assert.equal(a.node.names.acts('lobby'), false)
  })

  test('a new era changes no owner, and who has just come takes nothing meanwhile', () => {
    const { cluster, a, b } = two()
    cluster.store.isMute = true
    cluster.store.forget()
    cluster.pass(500)
    cluster.store.isMute = false
    const c = cluster.add('c')
    c.node.names.claim('lobby', 1)
    cluster.pass(3 * LEASE_MS)
    assert.deepEqual(
      [a, b, c].map(({ node }) => node.names.acts('lobby')),
      [true, false, false],
    )
    assert.deepEqual(a.node.names.token('lobby')![0], 1_000_000, 'it has the token of before')
  })

  test('a newcomer that comes to a new era first waits for owners of the one before', () => {
    const { cluster, a } = two()
    cluster.kill(cluster.nodes[1]!)
    cluster.store.table = new StoreTable(cluster.store.table.era + 1000)
    const c = cluster.add('c')
    c.node.names.claim('lobby', 1)
    cluster.pass(LEASE_MS - 200)
    assert.deepEqual(c.take(), [])
    // Only now the owner hears of it.
    cluster.store.cut()
    cluster.pass(2 * LEASE_MS)
    assert.ok(a.node.names.acts('lobby'))
    assert.equal(c.node.names.acts('lobby'), false)
  })

  test('in a new era the higher token outbids', () => {
    const { cluster, a, b } = two()
    a.isCut = true
    cluster.pass(LEASE_MS + 600)
    assert.ok(b.node.names.acts('lobby'))
    cluster.store.forget()
    // Somebody has announced an older owner before.
    const older = encodeOwner({ node: 'x', epoch: 1 }, 5, [1_000_000, 1])
    cluster.store.table.cas('name.lobby', older, 0)
    cluster.pass(LEASE_MS)
    assert.ok(b.node.names.acts('lobby'))
  })

  test('an owner does not act for more than a lease without the store', () => {
    const { cluster, a } = two()
    cluster.store.isMute = true
    cluster.store.cut()
    cluster.pass(LEASE_MS - 200)
    assert.ok(a.node.names.acts('lobby'))
    cluster.pass(300)
    assert.equal(a.node.names.acts('lobby'), false)
    cluster.store.isMute = false
    // What was asked before is given up first.
    cluster.pass(LEASE_MS)
    assert.ok(a.node.names.acts('lobby'))
  })

  test('who comes back to a name that was given away and back has lost it', () => {
    const { cluster, a, b } = two()
    a.isCut = true
    cluster.pass(LEASE_MS + 600)
    b.node.names.release('lobby', () => undefined)
    a.isCut = false
    cluster.pass(LEASE_MS)
    assert.equal(a.node.names.acts('lobby'), false)
    assert.equal(b.node.names.owner('lobby'), undefined)
  })

  test('the name of a node that was started again may be taken a lease later', () => {
    const { cluster, a, b } = two()
    cluster.kill(a)
    cluster.add('a')
    cluster.pass(LEASE_MS - 200)
    assert.equal(b.node.names.acts('lobby'), false)
    cluster.pass(300)
    assert.ok(b.node.names.acts('lobby'))
  })

  test('a store that is full refuses a claim, which is over then', () => {
    const { cluster, a } = two()
    for (let i = 0; i < STORE_ENTRIES_MAX; i++) {
      if (cluster.store.table.get(`x.${i}`) === undefined) {
        try {
          cluster.store.table.cas(`x.${i}`, new Uint8Array(0), 0)
        } catch {
          break
        }
      }
    }
    a.node.names.claim('ranks', 1)
    assert.deepEqual(a.take(), ['refused ranks ERR_STORE_FULL'])
    assert.equal(a.node.names.token('ranks'), undefined)
  })

  test('who drains takes no name', () => {
    const { cluster, a, b } = two()
    b.node.drain(ignore)
    cluster.kill(a)
    cluster.pass(2 * LEASE_MS)
    assert.equal(b.node.names.acts('lobby'), false)
  })
})
