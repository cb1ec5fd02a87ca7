import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLUSTER_HOLD_BYTES } from '../base/limits.ts'
import { Holds } from './holds.ts'
import { BorderPeer, type RemoteProxy } from './peer.ts'

/** What a peer is told, and whose sends are refused. */
function setUp() {
  const told: unknown[] = []
  const set: string[] = []
  const state = { leaves: true, waiting: 0 }
  const holds = new Holds({
    control: (_peer, control) => {
      if (state.leaves) told.push(control)
      return state.leaves
    },
    waitingBytesTo: (handle) => (handle === 8 ? 0 : state.waiting),
    setHeld: (proxy, isHeld) => set.push(`${proxy} ${isHeld}`),
  })
  const peer = new BorderPeer({ node: 'b', epoch: 1 }, 0)
  return { holds, peer, told, set, state }
}

// Proves: docs/limits.md#cluster-hold
test('who sends to a worker that takes nothing is told once, and when it takes again', () => {
  const { holds, peer, told, state } = setUp()
  holds.sent(peer, 7, 0x107, CLUSTER_HOLD_BYTES)
  assert.deepEqual(told, [])
  for (let i = 0; i < 3; i++) holds.sent(peer, 7, 0x107, CLUSTER_HOLD_BYTES + 1)
  holds.sent(peer, '.room', 0x107, CLUSTER_HOLD_BYTES + 1)
  assert.deepEqual(told.splice(0), [
    ['full', [7]],
    ['full', ['.room']],
  ])
  state.waiting = CLUSTER_HOLD_BYTES / 2 + 1
  holds.sweep(peer)
  assert.deepEqual(told, [])
  state.waiting = CLUSTER_HOLD_BYTES / 2
  state.leaves = false
  holds.sweep(peer)
  state.leaves = true
  holds.sweep(peer)
  holds.sweep(peer)
  assert.deepEqual(told.splice(0), [['room', [7, '.room']]])
  holds.sent(peer, 7, 0x107, CLUSTER_HOLD_BYTES + 1)
  assert.deepEqual(told, [['full', [7]]])
})

test('what does not leave is told with the next send, and after a link began anew again', () => {
  const { holds, peer, told, state } = setUp()
  const send = (): void => holds.sent(peer, 7, 0x107, CLUSTER_HOLD_BYTES + 1)
  state.leaves = false
  send()
  state.leaves = true
  send()
  holds.began(peer)
  send()
  assert.deepEqual(told, [
    ['full', [7]],
    ['full', [7]],
  ])
})

test('sends to what a peer says is full are refused until it says so, or the link begins', () => {
  const { holds, peer, set } = setUp()
  const proxy = (handle: number, key: number | string): void => {
    peer.proxies.set(key, { handle, key, peer } as RemoteProxy)
  }
  proxy(3, 7)
  proxy(4, '.room')
  holds.told(peer, [7, '.room', 99], true)
  holds.told(peer, [7], false)
  assert.deepEqual(set.splice(0), ['3 true', '4 true', '3 false'])
  holds.began(peer)
  assert.deepEqual(set, ['3 false', '4 false'])
})
