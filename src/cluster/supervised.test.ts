/** Where a child of a supervisor here may be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import type { Children } from './children.ts'
import { Supervised, type SupervisedHost } from './supervised.ts'

const UNSENT = { node: 'b', epoch: 7, sent: 'no' } as const

/** A cluster of `a`, which is this node, and `b`. */
function setUp(state: string) {
  const peer = (node: string) => (node === 'b' ? { node, epoch: 7 } : undefined)
  const drive = {
    self: { node: 'a', epoch: 1 },
    node: { peer },
    nodes: () => [
      { node: 'a', epoch: 1, state: 'up' },
      { ...peer('b'), state },
    ],
  }
  return new Supervised({ drive } as never as SupervisedHost, {} as Children)
}

// Proves: docs/cluster.md#supervise-unheard
test('a node that is not heard is no place for a child, and not the same as none', async () => {
  assert.deepEqual(await setUp('up').place('b'), { node: 'b', epoch: 7, id: 'a@1/1' })
  const { message } = new SkynetError('ERR_NODE_LOST', UNSENT)
  await assert.rejects(setUp('suspect').place('b'), { code: 'ERR_NODE_LOST', message })
  await assert.rejects(setUp('draining').place('b'), { code: 'ERR_NODE_UNKNOWN' })
  await assert.rejects(setUp('up').place('c'), { code: 'ERR_NODE_UNKNOWN' })
})
