import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LINK_CHUNKS_BYTES_MAX,
  LINK_ERROR_BYTES_MAX,
  LINK_FRAME_BYTES_MAX,
  LINK_GREET_MS,
  LINK_GREET_MS_MAX,
  LINK_LANES_MAX,
  LINK_LONG_BYTES_MAX,
  LINK_OVER_BYTES_MAX,
  LINK_PROBE_MS,
  LINK_QUEUE_BYTES_MAX,
  LINK_STOP_MS,
  LINK_WINDOW_BYTES_MAX,
  MESSAGE_BYTES_MAX,
} from '../../base/limits.ts'
import { type LinkEndpoint, LinkPair } from '../../testing/link-pair.ts'
import { FRAME_KIND, HEADER_BYTES, MESSAGE_HEADER_BYTES, SMALL_BYTES_MAX } from './frame.ts'
import type { Posted } from './link.ts'

const LUA = 10
const RESPONSE = 1
const MULTICAST = 2
const SYSTEM = 4
const ERROR = 7
const EMPTY = Buffer.alloc(0)

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
  pair.pass(100)
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

test('an answer leaves the request of its sender alone that has the same session', () => {
  const { a, b, pair } = opened()
  post(b, 'theirs', { to: 1, source: 2, session: 1 })
  post(a, 'ours', { session: 1 })
  pair.settle()
  // Behind a long message of the same pair, it moves from there into a frame.
  post(a, Buffer.alloc(100_000))
  post(a, 'behind', { type: RESPONSE, session: 1 })
  a.flush()
  const last = a.frames.at(-1)!
  assert.equal(last.bytes[3], FRAME_KIND.DATA)
  a.link.refused(last.ticket)
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

test('a refusal with a ticket says of all from there on that they never ran', () => {
  const { a, b, pair } = opened()
  for (const session of [1, 2, 3]) {
    post(a, `${session}`, { session })
    a.flush()
  }
  const [, second] = a.frames
  a.frames.length = 0
  a.link.refused(second!.ticket)
  assert.deepEqual(a.losses, ['1:1 maybe refused', '1:2 no refused', '1:3 no refused'])
  // Whatever comes of it later is of a session that is over.
  post(a, 'again', { session: 4 })
  pair.pass(LINK_GREET_MS * 2)
  a.link.refused(second!.ticket)
  assert.equal(a.losses.length, 3)
  assert.deepEqual(texts(b), ['again'])
})

test('a refusal without a ticket says no of nothing that has left', () => {
  const { a } = opened()
  post(a, 'left', { session: 1 })
  a.flush()
  post(a, 'waits', { session: 2 })
  post(a, 'is sent')
  a.link.refused()
  assert.deepEqual(a.losses, ['1:1 maybe refused', '1:2 no refused'])
  assert.deepEqual(a.ends, ['refused 1'])
})

// Proves: docs/limits.md#link-greeting
test('who is refused again and again is greeted at longer and longer intervals', () => {
  const pair = new LinkPair()
  const { a } = pair
  const times: number[] = []
  post(a, 'nobody is there', { session: 1 })
  for (const until = pair.now + 9000; pair.now < until; pair.now += 50) {
    a.link.tick()
    a.flush()
    if (a.frames.splice(0).length === 0) continue
    times.push(pair.now)
    a.link.refused(0)
  }
  const pauses = times.slice(1).map((time, i) => time - times[i]!)
  assert.ok(pauses.every((pause) => pause >= LINK_GREET_MS && pause <= LINK_GREET_MS_MAX + 50))
  assert.equal(pauses.at(-1), LINK_GREET_MS_MAX)
  assert.deepEqual(a.losses, ['1:1 no refused'])
})

test('a request ends at its deadline: no when it never left, maybe when it did', () => {
  const { a, b, pair } = opened()
  post(a, 'leaves', { session: 1, ms: 100 })
  a.flush()
  a.framesMax = 0
  post(a, 'waits', { session: 2, ms: 100 })
  post(a, 'waits longer', { session: 3, ms: 300 })
  a.flush()
  pair.now += 100
  a.link.tick()
  assert.deepEqual(a.losses, ['1:1 maybe timeout', '1:2 no timeout'])
  a.framesMax = Infinity
  a.link.writable()
  pair.settle()
  // What left in time may run, what left too late does not.
  assert.deepEqual(texts(b), ['leaves', 'waits longer'])
  assert.equal(b.delivered[1]!.remainingMs, 200)
  assert.equal(b.link.counts.expired, 1)
})

test('forget() tells nothing, and the answer is dropped', () => {
  const { a, b, pair } = opened()
  post(a, 'x', { session: 1 })
  pair.settle()
  a.link.forget(1, 1)
  answer(b, 1)
  pair.pass(20_000)
  assert.deepEqual([texts(a), a.losses, a.link.counts.unasked], [[], [], 1])
})

test('frames that the transport does not take wait for it', () => {
  const { a, b, pair } = opened()
  a.framesMax = 1
  const body = Buffer.alloc(20_000)
  for (let i = 0; i < 3; i++) post(a, body)
  a.flush()
  assert.equal(a.frames.length, 1)
  pair.settle()
  assert.equal(b.delivered.length, 3)
})

// Proves: docs/limits.md#link-window
test('a window full is under way, and no more, until the peer has consumed some', () => {
  const { a, b, pair } = opened()
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  for (let i = 0; i < 20; i++) post(a, body)
  a.flush()
  assert.equal(a.frames.length, LINK_WINDOW_BYTES_MAX / LINK_FRAME_BYTES_MAX)
  assert.equal(a.link.outstandingBytes, LINK_WINDOW_BYTES_MAX)
  pair.settle()
  assert.equal(b.delivered.length, 20)
})

// Proves: docs/limits.md#link-window
test('a peer that sends more than the window lets in is reset', () => {
  const { a, b } = opened()
  // It can tell nobody that it has consumed something.
  b.framesMax = 0
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  for (let i = 0; i < 8; i++) post(a, body)
  a.flush()
  const frames = a.frames.map(({ bytes }) => bytes)
  for (const bytes of frames) b.link.receive(bytes, 0, bytes.length)
  assert.deepEqual(b.ends, [])
  // One more, as the link itself would never send it.
  const next = frames.at(-1)!
  next.writeUInt32LE(next.readUInt32LE(24) + 1, 24)
  b.link.receive(next, 0, next.length)
  assert.deepEqual(b.ends, ['credit 0'])
})

// Proves: docs/limits.md#link-queue
test('short requests are refused when 8 MiB wait, whatever long ones do', () => {
  const { a } = opened()
  assert.equal(post(a, Buffer.alloc(LINK_QUEUE_BYTES_MAX * 2), { source: 9 }), 'queued')
  a.framesMax = 0
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  let count = 0
  while (post(a, body, { session: count + 1 }) === 'queued') count++
  const bytes = count * (body.length + MESSAGE_HEADER_BYTES)
  assert.ok(bytes >= LINK_QUEUE_BYTES_MAX && bytes < LINK_QUEUE_BYTES_MAX + LINK_FRAME_BYTES_MAX)
  assert.equal(post(a, EMPTY, { session: 1_000_000 }), 'full')
  assert.equal(a.link.openRequests, count)
})

test('what services have said is taken: they are told to say no more, and when to go on', () => {
  const { a, b, pair } = opened()
  a.framesMax = 0
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  let count = 0
  for (; a.fulls.length === 0; count++) assert.equal(post(a, body), 'queued')
  const most = LINK_QUEUE_BYTES_MAX + 2 * LINK_FRAME_BYTES_MAX
  assert.ok(a.link.waitingBytes > LINK_QUEUE_BYTES_MAX && a.link.waitingBytes < most)
  for (; count < 1000; count++) assert.equal(post(a, body), 'queued')
  assert.equal(post(a, body, { type: MULTICAST }), 'full')
  assert.equal(post(a, body, { type: SYSTEM, to: 0, source: 0 }), 'full')
  assert.deepEqual(a.fulls, [true])
  a.framesMax = Infinity
  a.link.writable()
  while (a.fulls.length === 1) {
    const left = a.link.waitingBytes
    pair.step()
    assert.ok(a.fulls.length === 1 || left > LINK_QUEUE_BYTES_MAX / 2, 'told once half has left')
  }
  assert.ok(a.link.waitingBytes > 0)
  pair.settle()
  assert.deepEqual([b.delivered.length, a.fulls], [count, [true, false]])
})

test('a link that is full tells so no more once its session is over', () => {
  const { a } = opened()
  a.framesMax = 0
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  while (a.fulls.length === 0) post(a, body)
  a.link.reset('suspect')
  assert.deepEqual([a.fulls, a.link.waitingBytes], [[true, false], 0])
})

// Proves: docs/limits.md#link-error
test('answers find a link full as requests do, and short errors never do', () => {
  const { a } = opened()
  a.framesMax = 0
  const body = Buffer.alloc(SMALL_BYTES_MAX)
  while (a.fulls.length === 0) post(a, body)
  const answers = { to: 1, source: 2, session: 7 }
  assert.equal(post(a, 'done', { type: RESPONSE, ...answers }), 'full')
  const error = Buffer.alloc(LINK_ERROR_BYTES_MAX + 1)
  assert.equal(post(a, error, { type: ERROR, ...answers }), 'full')
  assert.equal(post(a, error.subarray(1), { type: ERROR, ...answers }), 'queued')
})

/** `a` says or refuses so much that nothing is taken any more. */
function over(sending: Sending, length: number) {
  const { a, b, pair } = opened()
  post(a, 'open', { session: 1 })
  a.flush()
  a.frames.length = 0
  a.framesMax = 0
  const body = Buffer.alloc(length)
  let taken = 0
  while (post(a, body, sending) === 'queued') taken++
  return { a, b, pair, taken }
}

// Proves: docs/limits.md#link-over
test('a link is reset when too much waits, and nothing comes behind a hole', () => {
  const length = SMALL_BYTES_MAX
  for (const isSend of [true, false]) {
    const sending = isSend ? {} : { type: ERROR, to: 1, source: 0, session: 7 }
    const { a, b, pair, taken } = over(sending, isSend ? length : LINK_ERROR_BYTES_MAX)
    const bytes = a.link.waitingBytes
    const most = LINK_OVER_BYTES_MAX + LINK_FRAME_BYTES_MAX
    assert.ok(bytes > LINK_OVER_BYTES_MAX && bytes <= most)
    // Whoever posts is told of nothing else meanwhile, and what is behind is not taken either.
    assert.deepEqual([a.losses, a.ends], [[], []])
    for (const session of [0, 2]) assert.equal(post(a, 'behind', { session }), 'full')
    a.framesMax = Infinity
    a.flush()
    assert.deepEqual(a.losses, ['1:1 maybe over'])
    assert.deepEqual([a.ends, a.fulls], [[`over ${isSend ? taken : 0}`], [true, false]])
    assert.equal(a.link.waitingBytes, 0)
    assert.equal(post(a, 'again'), 'queued')
    pair.settle()
    assert.deepEqual(texts(b), ['again'])
  }
})

// Proves: docs/limits.md#link-over
test('of longer messages as much waits beside the longest', () => {
  const { a, b } = opened()
  a.framesMax = 0
  const long = Buffer.alloc(MESSAGE_BYTES_MAX)
  const say = (): Posted => a.link.post(LUA, 2, 1, 0, 0, long, 0, long.length, true)
  assert.deepEqual([say(), say(), say()], ['queued', 'queued', 'full'])
  assert.equal(a.link.waitingBytes, 2 * MESSAGE_BYTES_MAX)
  // The peer may end the session before this side does.
  b.link.close()
  for (const { bytes } of b.frames.splice(0)) a.link.receive(bytes, 0, bytes.length)
  assert.deepEqual(a.ends, ['bye 2'])
  assert.equal(post(a, 'again'), 'queued')
})

// Proves: docs/limits.md#link-long
test('long requests are refused beyond 64 MiB, unless there is just one', () => {
  const { a } = opened()
  const half = Buffer.alloc(LINK_LONG_BYTES_MAX / 2)
  assert.equal(post(a, half), 'queued')
  assert.equal(post(a, half), 'queued')
  const long = Buffer.alloc(SMALL_BYTES_MAX + 1)
  assert.deepEqual([post(a, long, { session: 1 }), a.fulls], ['full', [true]])
  assert.equal(post(a, EMPTY, { session: 2 }), 'queued')
  assert.equal(post(a, long), 'queued', 'it has been said')
  const { a: other } = opened()
  assert.equal(post(other, Buffer.alloc(LINK_LONG_BYTES_MAX + 1), { session: 1 }), 'queued')
  assert.deepEqual(other.fulls, [])
})

// Proves: docs/limits.md#link-frame
test('a message of the most bytes of a frame fills one, one more takes two chunks', () => {
  const { a, b, pair } = opened()
  post(a, Buffer.alloc(SMALL_BYTES_MAX, 'x'))
  a.flush()
  assert.deepEqual(
    a.frames.map(({ bytes }) => [bytes[3], bytes.length]),
    [[FRAME_KIND.DATA, LINK_FRAME_BYTES_MAX]],
  )
  pair.settle()
  post(a, Buffer.alloc(SMALL_BYTES_MAX + 1, 'y'))
  a.flush()
  assert.deepEqual(
    a.frames.map(({ bytes }) => bytes[3]),
    [FRAME_KIND.CHUNK, FRAME_KIND.CHUNK],
  )
  pair.settle()
  assert.deepEqual(
    b.delivered.map(({ bytes }) => bytes.length),
    [SMALL_BYTES_MAX, SMALL_BYTES_MAX + 1],
  )
})

// Proves: docs/limits.md#link-window
test('beside a long message half of the window is left to short ones, which leave at once', () => {
  const { a } = opened()
  post(a, Buffer.alloc(8 * 1024 * 1024), { source: 3 })
  a.flush()
  const chunks = LINK_CHUNKS_BYTES_MAX / LINK_FRAME_BYTES_MAX
  assert.equal(a.frames.length, chunks)
  for (let i = 1; i <= 3; i++) {
    post(a, 'short')
    a.flush()
    assert.equal(a.frames.length, chunks + i)
  }
})

// Proves: docs/limits.md#link-lanes
test('as many long messages as the peer takes come at a time, in turns', () => {
  const { a, b, pair } = opened()
  for (let source = 1; source <= LINK_LANES_MAX + 4; source++) {
    post(a, Buffer.alloc(200_000, source), { source })
  }
  let most = 0
  for (let turn = 0; turn < 100; turn++) {
    a.flush()
    for (const { bytes } of a.frames.splice(0)) {
      b.link.receive(bytes, 0, bytes.length)
      most = Math.max(most, b.link.assemblies)
    }
    b.flush()
    for (const { bytes } of b.frames.splice(0)) a.link.receive(bytes, 0, bytes.length)
  }
  assert.equal(most, LINK_LANES_MAX)
  assert.equal(b.delivered.length, LINK_LANES_MAX + 4)
  pair.pass(100)
  assert.deepEqual([a.link.waitingBytes, a.link.outstandingBytes], [0, 0])
})

test('isGiven: the bytes of a long message are not copied', () => {
  const { a, b, pair } = opened()
  const bytes = Buffer.alloc(100_000, 'x')
  a.link.post(LUA, 2, 1, 0, 0, bytes, 0, bytes.length, true)
  bytes.fill('y')
  pair.settle()
  assert.equal(b.delivered[0]!.bytes[50_000], 'y'.charCodeAt(0))
})

// Proves: docs/cluster.md#sends
test('what an end says was dropped is what services sent, and nobody is told of', () => {
  const { a } = opened()
  const long = 'x'.repeat(100_000)
  for (const body of ['short', long, 'behind it']) {
    post(a, body, { session: 5, ms: 100 })
    post(a, body, { type: RESPONSE, session: 9 })
    post(a, body)
    post(a, body, { type: SYSTEM })
    // What the border says of services has no source.
    post(a, body, { source: 0 })
  }
  a.link.reset('cut')
  assert.deepEqual(a.ends, ['cut 6'])
  a.link.reset('cut')
  assert.deepEqual(a.ends, ['cut 6'])
})

test('a HELLO of another version closes both, with nothing sent', () => {
  const pair = new LinkPair()
  const { a, b } = pair
  post(a, 'x', { session: 1 })
  a.flush()
  const hello = a.frames.shift()!.bytes
  hello.fill(9, HEADER_BYTES, HEADER_BYTES + 2)
  b.link.receive(hello, 0, hello.length)
  pair.settle()
  assert.deepEqual([a.link.state, b.link.state], ['closed', 'closed'])
  assert.deepEqual([a.losses, a.ends], [['1:1 no version'], ['version 0']])
  assert.equal(post(a, 'y'), 'closed')
})

test('a HELLO for another epoch is refused, frames of another epoch are dropped', () => {
  const pair = new LinkPair()
  const { a, b } = pair
  post(a, 'x', { session: 1 })
  a.flush()
  const hello = a.frames.shift()!.bytes
  hello.writeUInt32LE(77, HEADER_BYTES + 12)
  b.link.receive(hello, 0, hello.length)
  assert.equal(b.link.state, 'idle')
  pair.settle()
  assert.deepEqual(a.losses, ['1:1 no epoch'])
  hello.writeUInt32LE(77, 8)
  b.link.receive(hello, 0, hello.length)
  assert.deepEqual([b.link.state, b.link.counts.late], ['idle', 1])
})

test('close() parts both: what is open ends, and nobody greets', () => {
  const { a, b, pair } = opened()
  post(b, 'open', { to: 1, source: 2, session: 5 })
  pair.settle()
  a.link.close()
  pair.pass(5000)
  assert.deepEqual([a.link.state, b.link.state], ['closed', 'idle'])
  assert.deepEqual([b.losses, b.ends], [['2:5 maybe bye'], ['bye 0']])
  assert.equal(post(a, 'x'), 'closed')
})

// Proves: docs/cluster.md#sent
test('what the peer had not consumed when it said goodbye was not run', () => {
  const { a, b, pair } = opened()
  const ask = (session: number, body: string | Buffer = 'x'): void => {
    post(a, body, { session })
    a.flush()
  }
  // A session before, whose numbers are over.
  ask(1)
  pair.settle()
  a.link.reset('suspect')
  pair.settle()
  ask(2)
  ask(3)
  pair.settle()
  ask(4)
  ask(5, Buffer.alloc(SMALL_BYTES_MAX + 1))
  // Not yet.
  post(a, 'x', { session: 6 })
  b.link.close()
  for (const { bytes } of b.frames.splice(0)) a.link.receive(bytes, 0, bytes.length)
  const told = a.losses.map((loss) => loss.slice(2))
  const ran = ['1 maybe suspect', '2 maybe bye', '3 maybe bye']
  assert.deepEqual(told.sort(), [...ran, '4 no bye', '5 no bye', '6 no bye'])
  pair.settle()
  assert.equal(texts(b).length, 3)
})

test('a goodbye that has consumed what was never sent says nothing of what has run', () => {
  const { a, b } = opened()
  post(a, 'x', { session: 1 })
  a.flush()
  b.link.close()
  const { bytes } = b.frames[0]!
  bytes.writeUInt32LE(1_000_000, 28)
  a.link.receive(bytes, 0, bytes.length)
  assert.deepEqual(a.losses, ['1:1 maybe bye'])
})

test('a link that was made anew is greeted by who knows the old one, and both begin again', () => {
  const { a, b, pair } = opened()
  const other = new LinkPair(() => 0.7)
  // The same node at the same epoch, that remembers nothing.
  post(a, 'lost', { session: 1 })
  a.flush()
  for (const { bytes } of a.frames.splice(0)) other.b.link.receive(bytes, 0, bytes.length)
  other.b.flush()
  for (const { bytes } of other.b.frames.splice(0)) a.link.receive(bytes, 0, bytes.length)
  assert.deepEqual([a.losses, b.losses], [['1:1 maybe peer'], []])
  assert.equal(a.link.state, 'greeting')
  assert.equal(other.b.link.counts.late, 1)
  pair.settle()
})

test('a handler may end the link in the middle of a frame: nothing more of it comes', () => {
  for (const end of ['close', 'reset'] as const) {
    const { a, b, pair } = opened()
    b.onMessage = () => (end === 'close' ? b.link.close() : b.link.reset('suspect'))
    for (const text of ['one', 'two', 'three']) post(a, text)
    pair.settle()
    assert.deepEqual(texts(b), ['one'])
  }
})

// Proves: docs/limits.md#link-probe
test('silence while something is under way is asked about, and the answer frees the credit', () => {
  const { a, b, pair } = opened()
  post(a, 'x')
  pair.settle()
  // The answer of the peer is lost, which nobody sees.
  pair.now += 50
  b.link.tick()
  b.flush()
  assert.equal(b.frames.splice(0).length, 1)
  assert.ok(a.link.outstandingBytes > 0)
  pair.now += LINK_PROBE_MS
  a.link.tick()
  pair.settle()
  assert.equal(a.link.outstandingBytes, 0)
  assert.equal(a.link.counts.resets + b.link.counts.resets, 0)
})

test('post() asserts that a request has a deadline', () => {
  const { a } = opened()
  assert.throws(() => post(a, 'x', { session: 1, ms: 0 }), /deadline/)
  assert.throws(() => post(a, 'x', { session: 1, ms: Number.NaN }), /deadline/)
})

test('a chunk that was refused in an earlier session says nothing of this one', () => {
  const { a, b, pair } = opened()
  post(a, Buffer.alloc(100_000))
  a.flush()
  const { ticket } = a.frames.splice(0)[0]!
  a.link.reset('cut')
  pair.settle()
  post(a, 'x', { session: 1 })
  pair.settle()
  a.link.refused(ticket)
  assert.deepEqual([texts(b), a.losses, a.link.state], [['x'], [], 'open'])
})

test('a deadline where the clock of 32 bits begins again is one', () => {
  const { a, b, pair } = opened()
  pair.now = 2 ** 32 - 100
  a.framesMax = 0
  post(a, 'x', { session: 1, ms: 100 })
  pair.now += 200
  pair.tick()
  a.framesMax = Infinity
  a.link.writable()
  pair.settle()
  assert.deepEqual([a.losses, texts(b), b.link.counts.expired], [['1:1 no timeout'], [], 1])
})

test('a message opens the session whose last HELLO was lost', () => {
  const pair = new LinkPair()
  const { a, b } = pair
  post(a, 'x')
  a.flush()
  for (const from of [a, b]) {
    const to = from === a ? b : a
    for (const { bytes } of from.frames.splice(0)) to.link.receive(bytes, 0, bytes.length)
    to.flush()
  }
  assert.deepEqual(
    a.frames.map(({ bytes }) => bytes[3]),
    [FRAME_KIND.HELLO, FRAME_KIND.DATA],
  )
  a.frames.shift()
  pair.settle()
  assert.deepEqual([texts(b), b.link.state], [['x'], 'open'])
})

test('what is over for both greets nobody', () => {
  const { a, b, pair } = opened()
  a.link.close()
  const [bye] = a.frames
  pair.settle()
  for (let i = 0; i < 3; i++) b.link.receive(bye!.bytes, 0, bye!.bytes.length)
  assert.deepEqual([b.link.state, b.isPending], ['idle', false])
})

test('who is told of an end by a greeting may close the link', () => {
  const { a, b, pair } = opened()
  post(b, 'x', { to: 1, source: 2, session: 1 })
  pair.settle()
  b.lost = () => b.link.close()
  a.link.reset('suspect')
  pair.settle()
  assert.equal(b.link.state, 'closed')
  assert.deepEqual([a.link.state, a.link.counts.malformed], ['greeting', 0])
})

/** `b` gets a frame of an open session, one number of whose header is one more. */
function receiveWith(at: number) {
  const { a, b } = opened()
  post(a, 'x')
  a.flush()
  const { bytes } = a.frames[0]!
  bytes.writeUInt32LE(bytes.readUInt32LE(at) + 1, at)
  b.link.receive(bytes, 0, bytes.length)
  return b
}

test('a frame of another session is late, one that consumes what was not sent is bad', () => {
  const other = receiveWith(16)
  assert.deepEqual([texts(other), other.link.counts.late, other.ends], [[], 1, []])
  const bold = receiveWith(28)
  assert.deepEqual([texts(bold), bold.ends], [[], ['malformed 0']])
  assert.equal(bold.link.outstandingBytes, 0)
})

test('nothing is outstanding once a link is closed', () => {
  const { a } = opened()
  post(a, 'x')
  a.flush()
  assert.ok(a.link.outstandingBytes > 0)
  a.link.close()
  assert.equal(a.link.outstandingBytes, 0)
})

// Proves: docs/limits.md#link-stop
test('requests that came while the process was stopped are not run past their deadlines', () => {
  for (const isTickFirst of [true, false]) {
    const { a, b, pair } = opened()
    post(a, 'short', { session: 1, ms: LINK_STOP_MS })
    post(a, 'long', { session: 2, ms: LINK_STOP_MS * 3 })
    post(a, 'sent')
    a.flush()
    pair.now += LINK_STOP_MS
    if (isTickFirst) b.link.tick()
    for (const { bytes } of a.frames.splice(0)) b.link.receive(bytes, 0, bytes.length)
    assert.deepEqual(texts(b), ['long', 'sent'])
    assert.equal(b.delivered[0]!.remainingMs, LINK_STOP_MS * 2)
    // What is sent from here on was not there.
    pair.pass(100)
    post(a, 'next', { session: 3, ms: 10 })
    pair.settle()
    assert.equal(texts(b).at(-1), 'next')
  }
})
