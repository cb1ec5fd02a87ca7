import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LinkEndpoint, LinkPair } from '../../testing/link-pair.ts'
import type { Posted } from './link.ts'

const LUA = 10
const RESPONSE = 1

interface Sending {
  readonly type?: number
  readonly to?: number
  readonly source?: number
  readonly session?: number
  readonly ms?: number
}

function post(from: LinkEndpoint, body: string | Buffer, sending: Sending = {}): Posted {
  const { type = LUA, to = 2, source = 1, session = 0, ms = session > 0 ? 10_000 : 0 } = sending
  const bytes = Buffer.from(body)
  return from.link.post(type, to, source, session, ms, bytes, 0, bytes.length)
}

const answer = (from: LinkEndpoint, session: number): Posted =>
  post(from, 'done', { type: RESPONSE, to: 1, source: 2, session })

/** A pair with an open session, over which nothing is under way. */
function opened() {
  const pair = new LinkPair()
  post(pair.a, 'first')
  pair.settle()
  assert.deepEqual(texts(pair.b), ['first'])
  pair.b.delivered.length = 0
  return { a: pair.a, b: pair.b, pair }
}

const texts = (to: LinkEndpoint): string[] => to.delivered.map(({ bytes }) => `${bytes}`)

test('a request comes with its parts, and is open until its answer', () => {
  const { a, b, pair } = opened()
  post(a, 'hello', { session: 7, ms: 500 })
  pair.settle()
  assert.deepEqual(b.delivered, [
    { type: LUA, to: 2, source: 1, session: 7, remainingMs: 500, bytes: Buffer.from('hello') },
  ])
  assert.equal(a.link.openRequests, 1)
  answer(b, 7)
  pair.settle()
  assert.deepEqual(texts(a), ['done'])
  assert.equal(a.link.openRequests, 0)
})

test('what a turn posts leaves in one frame, and before the answer of who is greeted', () => {
  const { a, b, pair } = opened()
  for (let i = 0; i < 100; i++) post(a, `${i}`)
  a.flush()
  assert.equal(a.frames.length, 1)
  pair.settle()
  assert.deepEqual(
    texts(b),
    Array.from({ length: 100 }, (_, i) => `${i}`),
  )
})

test('messages of both ends come before there was a session', () => {
  const pair = new LinkPair()
  post(pair.a, 'from a')
  post(pair.b, 'from b')
  pair.settle()
  assert.deepEqual([texts(pair.a), texts(pair.b)], [['from b'], ['from a']])
  assert.deepEqual([pair.a.link.state, pair.b.link.state], ['open', 'open'])
})

test('a long message comes whole, short ones of others overtake it, its own pair waits', () => {
  const { a, b, pair } = opened()
  const long = Buffer.alloc(1_000_000, 'long')
  post(a, 'before')
  post(a, long, { session: 1 })
  post(a, 'behind')
  post(a, 'other', { source: 3 })
  pair.settle()
  assert.deepEqual(
    b.delivered.map(({ bytes }) => (bytes.length > 9 ? 'long' : `${bytes}`)),
    ['before', 'other', 'long', 'behind'],
  )
  assert.ok(b.delivered[2]!.bytes.equals(long))
  assert.equal(a.link.waitingBytes, 0)
})

test('a long answer leaves the request of its sender alone that has the same session', () => {
  const { a, b, pair } = opened()
  post(b, 'theirs', { to: 1, source: 2, session: 1 })
  post(a, 'ours', { source: 1, session: 1 })
  pair.settle()
  post(a, Buffer.alloc(100_000), { type: RESPONSE, source: 1, to: 2, session: 1 })
  pair.settle()
  a.link.refused()
  assert.deepEqual(a.losses, ['1:1 maybe refused'])
})

test('a reset ends each request once, and says which never left', () => {
  const { a, b, pair } = opened()
  post(a, 'left', { session: 1 })
  a.flush()
  post(a, 'waits', { session: 2 })
  a.link.reset('cut')
  assert.deepEqual(a.losses, ['1:1 maybe cut', '1:2 no cut'])
  pair.settle()
  answer(b, 1)
  answer(b, 2)
  pair.settle()
  assert.deepEqual(texts(a), [])
  assert.equal(a.link.counts.unasked, 2)
  assert.equal(a.losses.length, 2)
})

test('a lost frame resets both ends at the next one, or when time has passed', () => {
  for (const isNext of [true, false]) {
    const { a, b, pair } = opened()
    post(a, 'lost', { session: 1 })
    a.flush()
    a.frames.length = 0
    if (isNext) post(a, 'next', { session: 2 })
    pair.pass(isNext ? 50 : 1500)
    const both = ['1:1 maybe peer', '1:2 maybe peer']
    assert.deepEqual(a.losses, isNext ? both : both.slice(0, 1))
    assert.deepEqual(texts(b), [])
    assert.deepEqual([a.link.state, b.link.state], ['open', 'open'])
    assert.equal(a.link.outstandingBytes, 0)
  }
})
