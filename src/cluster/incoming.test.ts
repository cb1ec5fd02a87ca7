import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { CLUSTER_BACKLOG_BYTES_MAX, PEER_ASKED_MAX } from '../base/limits.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { Incoming, type IncomingHost } from './incoming.ts'
import { BorderPeer } from './peer.ts'

/** What comes of messages from a peer while so many bytes wait for the worker they are for. */
function behind(waitingBytes: number) {
  const taken: number[] = []
  const errors: unknown[] = []
  const peer = new BorderPeer({ node: 'b', epoch: 1 }, 0)
  const host = {
    router: {
      waitingBytesTo: () => waitingBytes,
      sendPacked: (type: number) => taken.push(type) > 0,
    },
    references: {},
    backlogBytesMax: CLUSTER_BACKLOG_BYTES_MAX,
    outgoing: { error: (...error: unknown[]) => errors.push(error.at(-1)) },
    node: 'c',
    now: () => 0,
    handleOf: () => 7,
    ownName: () => undefined,
    proxyFor: () => ({ handle: 8, peer, asked: undefined }),
    complain: assert.fail,
  }
  const incoming = new Incoming(host as unknown as IncomingHost)
  const packer = new Packer()
  const length = packer.pack(['method'])
  const send = (type: number, session: number): void =>
    incoming.deliver(peer, {
      ...{ type, to: 7, source: 1, session, ms: 1000 },
      ...{ bytes: packer.bytes, at: 0, length },
    })
  return { send, taken, errors, incoming, peer }
}

// Proves: docs/limits.md#cluster-backlog
test('a worker that takes nothing gets no more requests and sends, but every answer', () => {
  const full = behind(CLUSTER_BACKLOG_BYTES_MAX + 1)
  full.send(PTYPE.LUA, 5)
  full.send(PTYPE.LUA, 0)
  full.send(PTYPE.RESPONSE, 5)
  full.send(PTYPE.ERROR, 6)
  assert.deepEqual(full.taken, [PTYPE.RESPONSE, PTYPE.ERROR])
  assert.equal(full.errors.length, 1)
  assert.ok(isSkynetError(full.errors[0], 'ERR_LINK_FULL'))
  assert.deepEqual(full.errors[0].info, {
    ...{ node: 'c', limit: CLUSTER_BACKLOG_BYTES_MAX, sent: 'no' },
  })
  assert.deepEqual([full.incoming.takeLost(), full.incoming.takeLost()], [1, 0])
})

test('what has its limit of bytes waiting takes more', () => {
  const { send, taken, errors } = behind(CLUSTER_BACKLOG_BYTES_MAX)
  send(PTYPE.LUA, 0)
  assert.deepEqual([taken, errors], [[PTYPE.LUA], []])
})

test('a peer that asks for more answers than its limit is refused, and only then', () => {
  const { send, taken, errors, peer } = behind(0)
  peer.asking = PEER_ASKED_MAX - 1
  send(PTYPE.LUA, 1)
  send(PTYPE.LUA, 2)
  send(PTYPE.LUA, 0)
  assert.equal(taken.length, 2)
  assert.ok(isSkynetError(errors[0], 'ERR_LINK_FULL'))
  assert.deepEqual(errors[0].info, { node: 'c', limit: PEER_ASKED_MAX, sent: 'no' })
})
