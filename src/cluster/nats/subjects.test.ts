import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketKeyOf, refusedOf, Subjects, tokenOf, wordOf } from './subjects.ts'

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const epochs = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

test('tokenOf() and wordOf(): any word, as letters that subjects and keys may have', () => {
  fc.assert(
    fc.property(words, (word) => {
      const token = tokenOf(word)
      assert.match(token, /^[\w=-]+$/)
      assert.equal(wordOf(token), word)
    }),
  )
  assert.equal(tokenOf('node-1_b'), 'node-1_b')
  assert.equal(tokenOf('a.b'), 'a=2Eb')
})

test('bucketKeyOf() keeps the first dot alone', () => {
  assert.equal(bucketKeyOf('name..lobby'), 'name.=2Elobby')
  assert.equal(bucketKeyOf('node.a.b'), 'node.a=2Eb')
})

test('a subject says who has sent a frame, and one of a refusal which nobody got', () => {
  fc.assert(
    fc.property(words, words, epochs, epochs, (a, b, from, to) => {
      const subjects = new Subjects('c.d', a)
      const peer = { node: b, epoch: to }
      const its = new Subjects('c.d', b)
      assert.deepEqual(its.senderOf(subjects.frame(peer, from)), { node: a, epoch: from })
      assert.equal(its.beatOf(subjects.beat), a)
      assert.deepEqual(refusedOf(`${subjects.refusal(peer)}7`), { to: peer, ticket: 7 })
      // Ours, with the places of the tokens that stand for any.
      const mine = subjects.inbox(from).split('.').slice(0, 5)
      const theirs = its.frame({ node: a, epoch: from }, to).split('.')
      assert.deepEqual(theirs.slice(0, 5), mine)
    }),
  )
})

test('what is no subject of ours names nobody', () => {
  const subjects = new Subjects('c', 'a')
  assert.deepEqual(subjects.senderOf('sk.c.n.a.1.b.5'), { node: 'b', epoch: 5 })
  for (const subject of [
    '',
    'sk.c.n.ab.1.b.5',
    'sk.d.n.a.1.b.5',
    'sk.c.i.a.1.b.5',
    '$KV.sk_c.n.a.1.b.5',
    'sk.c.n.a.1.b',
    'sk.c.n.a.1.b.x',
    'sk.c.n.a.1.b.0',
    'a.b.c.d.e.f.1.5',
  ]) {
    assert.equal(subjects.senderOf(subject), undefined, subject)
  }
  for (const subject of ['', 'sk.c.i.a.r.b.1', 'sk.c.i.a.r.b.x.1', 'sk.c.i.a.r.b.1.x']) {
    assert.equal(refusedOf(subject), undefined, subject)
  }
})
