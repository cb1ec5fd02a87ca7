import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import {
  CLUSTER_BACKLOG_BYTES_MAX,
  CLUSTER_SENDS_BYTES_MAX,
  PEER_ASKED_MAX,
} from '../base/limits.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { Incoming, type IncomingHost } from './incoming.ts'
import { BY_NAME } from './outgoing.ts'
import { BorderPeer } from './peer.ts'

/** What comes of messages from a peer while so many bytes wait for the worker they are for. */
function behind(waitingBytes: number, place = { isRemote: false, isFull: false }) {
  const taken: number[] = []
  const errors: unknown[] = []
  const sends: unknown[][] = []
  const complaints: string[] = []
  const peer = new BorderPeer({ node: 'b', epoch: 1 }, 0)
  const host = {
    router: {
      waitingBytesTo: () => waitingBytes,
      sendPacked: (type: number) => taken.push(type) > 0,
    },
    references: {},
    handles: { isRemote: () => place.isRemote },
    isFull: () => place.isFull,
    backlog: { requests: CLUSTER_BACKLOG_BYTES_MAX, sends: CLUSTER_SENDS_BYTES_MAX },
    sent: (_peer: unknown, ...sending: unknown[]) => sends.push(sending),
    outgoing: { refused: (...error: unknown[]) => errors.push(error.at(-1)) },
    node: 'c',
    now: () => 0,
    handleOf: () => 7,
    ownName: () => undefined,
    proxyFor: () => ({ handle: 8, peer, asked: undefined }),
    complain: (_peer: unknown, text: string) => complaints.push(text),
  }
  const incoming = new Incoming(host as unknown as IncomingHost)
  const packer = new Packer()
  const length = packer.pack(['method'])
  const send = (type: number, session: number): void =>
    incoming.deliver(peer, {
      ...{ type, to: 7, source: 1, session, ms: 1000 },
      ...{ bytes: packer.bytes, at: 0, length },
    })
  const sendByName = (session: number): void => {
    const bytes = Buffer.concat([Buffer.from('\x02.x'), packer.bytes.subarray(0, length)])
    const head = { type: PTYPE.LUA | BY_NAME, to: 0, source: 1, session, ms: 1000 }
    incoming.deliver(peer, { ...head, bytes, at: 0, length: bytes.length })
  }
  return { send, sendByName, taken, errors, complaints, sends, incoming, peer }
}

// Proves: docs/limits.md#cluster-backlog
test('a worker that takes nothing gets no more requests, but sends and every answer', () => {
  const full = behind(CLUSTER_BACKLOG_BYTES_MAX + 1)
  full.send(PTYPE.LUA, 5)
  full.send(PTYPE.RESPONSE, 5)
  full.send(PTYPE.ERROR, 6)
  assert.deepEqual(full.taken, [PTYPE.RESPONSE, PTYPE.ERROR])
  assert.equal(full.errors.length, 1)
  assert.ok(isSkynetError(full.errors[0], 'ERR_LINK_FULL'))
  assert.deepEqual(full.errors[0].info, {
    ...{ node: 'c', to: 'c:00000007', limit: CLUSTER_BACKLOG_BYTES_MAX, sent: 'no' },
  })
  full.sendByName(7)
  assert.match((full.errors[1] as Error).message, /^Cannot send more to c\.x: /)
  full.send(PTYPE.LUA, 0)
  assert.deepEqual([full.taken.at(-1), full.incoming.takeLost()], [PTYPE.LUA, 0])
  assert.deepEqual(full.sends, [[7, 7, CLUSTER_BACKLOG_BYTES_MAX + 1]])
  const { send, taken, errors } = behind(CLUSTER_BACKLOG_BYTES_MAX)
  send(PTYPE.LUA, 5)
  assert.deepEqual([taken, errors], [[PTYPE.LUA], []])
})

// Proves: docs/limits.md#cluster-sends
test('what a peer says that was told to say no more is dropped in the end, and counted', () => {
  const atLimit = behind(CLUSTER_SENDS_BYTES_MAX)
  atLimit.send(PTYPE.LUA, 0)
  assert.deepEqual(atLimit.taken, [PTYPE.LUA])
  const beyond = behind(CLUSTER_SENDS_BYTES_MAX + 1)
  beyond.send(PTYPE.LUA, 0)
  assert.deepEqual(beyond.taken, [])
  assert.deepEqual([beyond.incoming.takeLost(), beyond.incoming.takeLost()], [1, 0])
})

test('a peer that asks for more answers than its limit is refused, and only then', () => {
  const { send, taken, errors, peer } = behind(0)
  peer.asking = PEER_ASKED_MAX - 1
  send(PTYPE.LUA, 1)
  send(PTYPE.LUA, 2)
  send(PTYPE.LUA, 0)
  assert.equal(taken.length, 2)
  assert.ok(isSkynetError(errors[0], 'ERR_LINK_FULL'))
  const info = { node: 'c', limit: PEER_ASKED_MAX, unit: 'requests', sent: 'no' }
  assert.deepEqual(errors[0].info, info)
  assert.match(errors[0].message, /what waits for it has reached its limit, 262144 requests$/)
})

test('a number of a service of a third node is one of nobody: who has it asks that node', () => {
  const { send, taken, errors, complaints, peer } = behind(0, { isRemote: true, isFull: false })
  send(PTYPE.LUA, 1)
  send(PTYPE.SYSTEM, 2)
  send(PTYPE.LUA, 0)
  assert.deepEqual([taken, peer.asking], [[], 0])
  for (const error of errors) assert.ok(isSkynetError(error, 'ERR_CALL_DEAD'))
  assert.deepEqual([errors.length, complaints.length], [2, 1])
})

test('a send for a name of such one is dropped while that node is full, and counted', () => {
  const place = { isRemote: true, isFull: true }
  const { sendByName, taken, incoming } = behind(0, place)
  sendByName(0)
  assert.deepEqual([taken, incoming.takeLost()], [[], 1])
  sendByName(3)
  place.isFull = false
  sendByName(0)
  assert.deepEqual([taken.length, incoming.takeLost()], [2, 0])
})
