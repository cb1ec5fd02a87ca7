import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { HEAD } from '../wire/tags.ts'
import { BorderOutgoing, BY_NAME, type OutgoingHost } from './outgoing.ts'
import type { Packed } from './packed.ts'
import { BorderPeer, type RemoteKey } from './peer.ts'

/** What is posted of a message that the border may keep. */
function postedOf(key: RemoteKey, head: number): Packed {
  const packer = new Packer()
  const length = packer.pack('written anew')
  const posted: Packed[] = []
  const host = {
    links: {
      queueBytesMax: 8,
      post: (_: unknown, message: Packed) => void posted.push({ ...message }),
    },
    references: { outward: () => length },
    packer,
    callTimeoutMs: 1000,
    ownerOf: () => undefined,
    refuse: () => assert.fail(),
  }
  const peer = new BorderPeer({ node: 'b', epoch: 1 }, 0)
  peer.isMember = true
  const bytes = Buffer.from([head, 1, 2, 3])
  const outgoing = new BorderOutgoing(host as unknown as OutgoingHost)
  const message = { type: PTYPE.LUA, to: 0, source: 1, session: 0, ms: 0, at: 0, length: 4 }
  outgoing.message(peer, key, { ...message, bytes, isGiven: true })
  assert.equal(posted.length, 1)
  return posted[0]!
}

test('bytes that were given go on as given, those that the border has written do not', () => {
  const asItWas = postedOf(7, HEAD.PLAIN)
  assert.deepEqual([asItWas.isGiven, asItWas.bytes[1]], [true, 1])
  assert.equal(postedOf(7, HEAD.SERVICES).isGiven, false)
  const named = postedOf('.name', HEAD.PLAIN)
  assert.deepEqual([named.type, named.isGiven], [PTYPE.LUA | BY_NAME, false])
})
