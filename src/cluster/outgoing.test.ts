import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import { HEAD } from '../wire/tags.ts'
import { unpack } from '../wire/unpack.ts'
import { BorderOutgoing, BY_NAME, type OutgoingHost } from './outgoing.ts'
import type { Packed } from './packed.ts'
import { BorderPeer, type RemoteKey } from './peer.ts'
import type { References } from './references.ts'

/** A border, and what it posts. */
function border() {
  const packer = new Packer()
  const posted: Packed[] = []
  const host = {
    links: {
      queueBytesMax: 8,
      post: (_: unknown, message: Packed) => void posted.push({ ...message }),
    },
    references: {
      outward: (...[, bytes, at, length, isError]: Parameters<References['outward']>) =>
        packer.pack(isError ? unpack(bytes, at, length) : 'written anew'),
    },
    packer,
    callTimeoutMs: 1000,
    ownerOf: () => undefined,
    refuse: () => assert.fail(),
  }
  const peer = new BorderPeer({ node: 'b', epoch: 1 }, 0)
  peer.isMember = true
  const outgoing = new BorderOutgoing(host as unknown as OutgoingHost)
  return { outgoing, peer, posted }
}

/** What is posted of a message that the border may keep. */
function postedOf(key: RemoteKey, head: number): Packed {
  const { outgoing, peer, posted } = border()
  const bytes = Buffer.from([head, 1, 2, 3])
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

test('a refusal that a peer may ask for at any time is short, and has no stack of here', () => {
  const { outgoing, peer, posted } = border()
  const error = new SkynetError('ERR_CALL_DEAD', { to: 'b:0000000a', method: 'note', sent: 'no' })
  outgoing.refused(peer, 1, 5, error)
  const { type, bytes, at, length } = posted[0]!
  assert.deepEqual([type, length < 256], [PTYPE.ERROR, true], `${length} bytes`)
  const told = unpack(bytes, at, length)
  assert.ok(isSkynetError(told, 'ERR_CALL_DEAD'))
  assert.deepEqual(told.info, error.info)
  assert.equal(told.stack?.includes('.test.'), false)
  assert.equal(error.stack?.includes('.test.'), true)
})
