/** Messages across harbors, without sockets: two borders, and what is between them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from '../base/errors.ts'
import { HARBOR_OPEN_MAX } from '../base/limits.ts'
import { packValues } from '../codec/seri/writer.ts'
import { FrameFormat } from '../frames/frame-format.ts'
import { FrameParser } from '../frames/frame-parser.ts'
import type { Message } from '../kernel/message.ts'
import { PTYPE } from '../wire/ptype.ts'
import { ServiceId } from '../wire/service-id.ts'
import { Border, harborNumber } from './border.ts'
import { bytesOf, CAPTURED } from './harbor.kit.ts'
import { encodeRemote, REMOTE_FRAMES } from './remote-message.ts'
import { type HarborParcel, Roads } from './roads.ts'
import type { HarborState } from './slave.ts'

type Sent = Message & { readonly to: number }

/** A harbor whose services are the handles in `alive`. */
class Side {
  readonly harbor: number
  readonly border: Border
  readonly roads: Roads
  readonly states = new Map<number, HarborState>()
  readonly out: { readonly harbor: number; readonly frame: Buffer }[] = []
  readonly delivered: Sent[] = []
  readonly said: string[] = []
  readonly returned: (readonly number[])[] = []
  readonly alive = new Set<number>()
  now = 0
  buffered = 0

  constructor(harbor: number, queueBytes = 10_000) {
    this.harbor = harbor
    this.border = new Border({
      harbor,
      callTimeoutMs: 1000,
      now: () => this.now,
      send: (type, to, source, session, value) => this.#send(type, to, source, session, value),
      returned: (...all) => this.returned.push(all),
      handleOf: (name) => (name === '.lobby' ? this.own(9) : 0),
      transmit: (to, parcel) => this.roads.transmit(to, parcel),
      say: (_trouble, text) => this.said.push(text),
    })
    this.roads = new Roads(
      {
        now: () => this.now,
        stateOf: (to) => this.states.get(to) ?? 'unknown',
        bufferedAmount: () => this.buffered,
        write: (to, { frame }) => this.out.push({ harbor: to, frame }),
        dropped: (_harbor, parcel: HarborParcel, error) => this.border.dropped(parcel, error),
      },
      { queueBytes, waitMs: 100 },
    )
  }

  own(id: number): number {
    return ((this.harbor << 24) | id) >>> 0
  }

  #send(type: number, to: number, source: number, session: number, value: unknown): boolean {
    if (harborNumber(to) !== this.harbor || !this.alive.has(to)) return false
    if (value === 'refuse me') throw new TypeError('refused')
    this.delivered.push({ type, to, source, session, value })
    return true
  }

  up(harbor: number): void {
    this.states.set(harbor, 'up')
    this.roads.up(harbor)
  }

  down(harbor: number, reason: string): void {
    this.states.set(harbor, 'down')
    this.roads.down(harbor, reason)
    this.border.lost(harbor, (call) => this.roads.lossOf(harbor, call))
  }

  /** The last that a service got. */
  take(): Sent {
    return this.delivered.shift() ?? assert.fail('nothing was delivered')
  }

  receive(frame: Buffer): void {
    new FrameParser(new FrameFormat(REMOTE_FRAMES)).take(frame, (body) => this.border.receive(body))
  }
}

/** Move all that is under way. */
function settle(...sides: Side[]): void {
  for (const side of sides) {
    for (let next = side.out.shift(); next !== undefined; next = side.out.shift()) {
      sides.find(({ harbor }) => harbor === next?.harbor)?.receive(next.frame)
    }
  }
  if (sides.some(({ out }) => out.length > 0)) settle(...sides)
}

function pair(): [Side, Side] {
  const [one, two] = [new Side(1), new Side(2)]
  one.up(2)
  two.up(1)
  one.alive.add(one.own(8))
  two.alive.add(two.own(7))
  return [one, two]
}
const call = (source: number, session: number, ...value: unknown[]): Message => ({
  type: PTYPE.LUA,
  source,
  session,
  value,
})
const answer = (source: number, session: number, value?: unknown): Message => ({
  type: PTYPE.RESPONSE,
  source,
  session,
  value,
})

// Proves: docs/harbor.md#example
test('a call crosses, and its answer comes back under the session of the caller', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 2 ** 40, 'echo', 'hi', [1]))
  settle(one, two)
  const request = one.take()
  assert.deepEqual(request.value, ['echo', 'hi', [1]])
  assert.equal(request.source, two.own(7))
  assert.ok(request.session > 0 && request.session <= 0x7fffffff)
  one.border.take(two.own(7), answer(one.own(8), request.session, { ok: true }))
  // Once: nobody waits any more.
  one.border.take(two.own(7), answer(one.own(8), request.session, 'twice'))
  settle(one, two)
  const { to, type, session, value, source } = two.take()
  assert.deepEqual([to, type, session, value], [two.own(7), PTYPE.RESPONSE, 2 ** 40, { ok: true }])
  assert.equal(source, one.own(8))
  assert.deepEqual(two.delivered, [])
  assert.deepEqual([one.border.open, two.border.open], Array(2).fill({ calls: 0, requests: 0 }))
})

// Proves: docs/harbor.md#wire
test('what was captured of Skynet is taken, and answered with the same bytes', () => {
  const one = new Side(1)
  one.up(2)
  one.alive.add(0x01000008).add(0x01000009)
  const sent = (session: number): string[] =>
    CAPTURED.remote.filter((frame) => frame.by === 1 && frame.session === session).map((f) => f.hex)
  const answers: Record<number, (message: Sent) => Message> = {
    2: ({ to }) => ({ ...answer(to, 2), value: null }),
    3: ({ to }) => answer(to, 3, 'hi'),
    6: ({ to }) => ({ type: PTYPE.ERROR, source: to, session: 6, value: new Error('no') }),
  }
  for (const { by, hex, session, source, values } of CAPTURED.remote) {
    if (by !== 2) continue
    one.receive(bytesOf(hex))
    const got = one.delivered.shift()
    if (got !== undefined) assert.deepEqual(got.value, values)
    if (got !== undefined && session !== 0) one.border.take(source, answers[session]!(got))
    const frames = one.out.splice(0).map(({ frame }) => frame.toString('hex'))
    // Of two values that a service of Lua has answered, one of ours answers the first.
    if (session === 3) assert.equal(frames[0], '0000000f146869010000090100000700000003')
    else assert.deepEqual(frames, session === 0 ? [] : sent(session))
  }
  assert.match(one.said.join('\n'), /:01000009 has failed, called by :02000007 .*: no/)
  assert.match(one.said.join('\n'), /Unknown destination :01ffffff from :02000007 type\(10\)/)
})

// Proves: docs/harbor.md#failures
test('a method that fails, and a service that is not there, are ERR_HARBOR_FAILED', () => {
  const [one, two] = pair()
  const failed = (method: string, to: number): void => {
    settle(one, two)
    const { type, session, value } = two.take()
    assert.deepEqual([type, session], [PTYPE.ERROR, 5])
    assert.ok(isSkynetError(value, 'ERR_HARBOR_FAILED'))
    assert.deepEqual(value.info, { to: `:${to.toString(16).padStart(8, '0')}`, method })
  }
  two.border.take(one.own(8), call(two.own(7), 5, 'fail'))
  settle(one, two)
  const { session } = one.take()
  const value = new Error('no luck')
  one.border.take(two.own(7), { type: PTYPE.ERROR, source: one.own(8), session, value })
  failed('fail', one.own(8))
  assert.match(one.said.join(), /no luck/)
  two.border.take(one.own(99), call(two.own(7), 5, 'echo'))
  failed('echo', one.own(99))
  assert.match(one.said.join(), /Unknown destination :01000063/)
})

// Proves: docs/harbor.md#values
test('references travel as handles, also those of a local name', () => {
  const [one, two] = pair()
  const refs = [new ServiceId(two.own(7)), { lobby: new ServiceId('.lobby') }]
  two.border.take(one.own(8), call(two.own(7), 0, 'meet', refs, new Map([[1, refs[0]]])))
  settle(one, two)
  const list = [two.own(7), { lobby: two.own(9) }]
  assert.deepEqual(one.take().value, ['meet', list, [two.own(7)]])
  two.border.take(one.own(8), call(two.own(7), 3, 'meet', new ServiceId('.gone')))
  assert.equal((two.take().value as { code: string }).code, 'ERR_MESSAGE_UNSUPPORTED')
})

test('what cannot be sent is told who calls, and the log of what is sent alone', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 3, 'x', new Date(0)))
  const { value } = two.take()
  assert.match(String(value), /args\[0\]: Date/)
  two.border.take(one.own(8), call(two.own(7), 0, 'x', new Date(0)))
  assert.match(two.said.join(), /Cannot send x from :02000007 to :01000008: .*Date/)
  two.border.take(one.own(8), { ...call(two.own(7), 4), type: PTYPE.MULTICAST })
  assert.match(String(two.take().value), /type 2/)
  assert.deepEqual(two.out, [])
})

test('what cannot be answered fails the call', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 3, 'x'))
  settle(one, two)
  one.border.take(two.own(7), answer(one.own(8), one.take().session, new Date(0)))
  settle(one, two)
  assert.equal(two.take().type, PTYPE.ERROR)
  assert.match(one.said.join(), /value: Date/)
})

// Proves: docs/harbor.md#waiting
test('what is sent before a harbor is connected waits, in order; so long, and so much', () => {
  const [one, two] = [new Side(1), new Side(2)]
  one.alive.add(one.own(8))
  two.alive.add(two.own(7))
  const to = one.own(8)
  for (let i = 0; i < 3; i++) two.border.take(to, call(two.own(7), 0, 'n', i))
  two.up(1)
  settle(one, two)
  assert.deepEqual(
    one.delivered.map(({ value }) => value),
    [0, 1, 2].map((i) => ['n', i]),
  )
  assert.equal(two.roads.waitingBytes, 0)

  const other = ((3 << 24) | 1) >>> 0
  two.border.take(other, call(two.own(7), 1, 'a'))
  two.border.take(other, call(two.own(7), 0, 'b'))
  two.now = 60
  two.border.take(other, call(two.own(7), 2, 'c'))
  two.roads.tick()
  assert.deepEqual(two.said, [])
  two.now = 100
  two.roads.tick()
  const late = two.take()
  assert.equal(late.session, 1)
  assert.ok(isSkynetError(late.value, 'ERR_HARBOR_LOST'))
  assert.match(late.value.message, /harbor 3: it has not connected within 100 ms/)
  assert.equal(late.value.info.sent, 'no')
  assert.match(two.said.join(), /harbor 3/)
  two.now = 160
  two.roads.tick()
  assert.equal(two.take().session, 2)
  assert.equal(two.roads.waitingBytes, 0)
})

// Proves: docs/limits.md#harbor-queue
test('beyond queueBytes a message is refused: ERR_HARBOR_FULL', () => {
  const two = new Side(2, 1000)
  two.alive.add(two.own(7))
  const to = 0x01000008
  const bytes = 'x'.repeat(1000 - 128 - 16 - 3 - 2)
  two.border.take(to, call(two.own(7), 1, 'n', bytes))
  assert.deepEqual(two.delivered, [], 'it waits')
  assert.equal(two.roads.waitingBytes, 1000)
  two.border.take(to, call(two.own(7), 2, 'n'))
  const { session, value } = two.take()
  assert.equal(session, 2)
  assert.ok(isSkynetError(value, 'ERR_HARBOR_FULL'))
  assert.deepEqual(value.info, { harbor: 1, bytes: 1000, limit: 1000, sent: 'no' })
  two.up(1)
  assert.equal(two.out.length, 1)
  two.border.take(to, call(two.own(7), 0, 'n', 'x'.repeat(5000)))
  assert.equal(two.out.length, 2, 'one alone finds room')
  two.buffered = 990
  two.border.take(to, call(two.own(7), 3, 'n'))
  assert.equal((two.take().value as { code: string }).code, 'ERR_HARBOR_FULL')
})

// Proves: docs/harbor.md#down
test('calls that wait for a harbor end when it goes down, and say whether they were sent', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 1, 'left'))
  two.states.set(1, 'connecting')
  two.border.take(one.own(8), call(two.own(7), 2, 'waits'))
  two.down(1, 'connection reset')
  const ends = two.delivered.map(({ session, value }) => {
    assert.ok(isSkynetError(value, 'ERR_HARBOR_LOST'))
    assert.match(value.message, /connection reset/)
    return [session, value.info.sent]
  })
  assert.deepEqual(ends.sort(), [
    [1, 'maybe'],
    [2, 'no'],
  ])
  assert.deepEqual(two.border.open, { calls: 0, requests: 0 })
  two.delivered.length = 0
  two.border.take(one.own(8), call(two.own(7), 3, 'after'))
  assert.equal((two.take().value as { code: string }).code, 'ERR_HARBOR_LOST')
  // An answer that comes all the same is of nobody.
  one.border.take(two.own(7), answer(one.own(8), 1))
  settle(one, two)
  assert.deepEqual(two.delivered, [])
})

// Proves: docs/harbor.md#deadline
test('a call ends after its deadline, or that of the harbor', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 1, 'a'))
  two.border.take(one.own(8), call(two.own(7), 2, 'b'), 500)
  two.now = 500
  two.border.tick()
  const { session, value } = two.take()
  assert.ok(isSkynetError(value, 'ERR_CALL_TIMEOUT'))
  assert.deepEqual([session, value.info.method, value.info.timeoutMs], [2, 'b', 500])
  assert.deepEqual(two.delivered, [])
  two.now = 1000
  two.border.tick()
  assert.equal(two.take().session, 1)
  assert.equal(two.border.open.calls, 0)
})

test('requests that a dead worker will not answer are answered with an error', () => {
  const [one, two] = pair()
  one.alive.add(one.own(9))
  two.border.take(one.own(8), call(two.own(7), 1, 'a'))
  two.border.take(one.own(9), call(two.own(7), 2, 'b'))
  settle(one, two)
  // The second was passed on to the first.
  const passed = one.delivered[1]!
  const value = { to: one.own(8), place: 0 }
  one.border.take(two.own(7), { ...passed, type: PTYPE.SYSTEM, source: one.own(9), value })
  one.border.take(two.own(7), { ...passed, type: PTYPE.SYSTEM, value: { isSent: true } })
  one.border.workerDied(new Set([one.own(8)]))
  settle(one, two)
  assert.deepEqual(two.delivered.map(({ session, type }) => [session, type]).sort(), [
    [1, PTYPE.ERROR],
    [2, PTYPE.ERROR],
  ])
  assert.equal(one.border.open.requests, 0)
})

test('a request that is passed on to a third harbor is answered from there', () => {
  const [one, two] = pair()
  const three = new Side(3)
  three.alive.add(three.own(5))
  for (const side of [one, two]) side.up(3)
  three.up(1)
  three.up(2)
  two.border.take(one.own(8), call(two.own(7), 77, 'who'))
  settle(one, two)
  const { session, source } = one.take()
  one.border.take(three.own(5), call(source, session, 'who'))
  assert.equal(one.border.open.requests, 0)
  settle(one, two, three)
  const got = three.take()
  assert.equal(got.source, two.own(7))
  three.border.take(two.own(7), answer(three.own(5), got.session, 'three'))
  settle(one, two, three)
  assert.deepEqual([two.delivered[0]?.session, two.take().value], [77, 'three'])
})

test('a call that comes back to its own harbor goes on there', () => {
  const [one, two] = pair()
  two.alive.add(two.own(6))
  two.border.take(one.own(8), call(two.own(7), 77, 'who'))
  settle(one, two)
  const { session, source } = one.take()
  one.border.take(two.own(6), call(source, session, 'who'))
  one.border.take(two.own(99), call(source, session, 'who'))
  settle(one, two)
  const got = two.take()
  assert.deepEqual([got.to, got.source, got.session], [two.own(6), two.own(7), 77])
  assert.deepEqual(two.returned, [[two.own(7), 77, two.own(6)]])
  assert.deepEqual(two.border.open, { calls: 0, requests: 0 })
})

test('a traced call crosses without its trace; one that Skynet announces is left out', () => {
  const [one, two] = pair()
  const { type, source, session, value } = call(two.own(7), 4, 'x')
  const traced = ['id', type, value]
  two.border.take(one.own(8), { type: PTYPE.TRACE, source, session, value: traced })
  settle(one, two)
  assert.deepEqual(one.take().value, ['x'])
  const payload = Buffer.from(':02000007-1')
  const tag = { type: PTYPE.TRACE, to: one.own(8), source, session: 0, payload }
  one.receive(encodeRemote(tag))
  assert.deepEqual([one.delivered, one.said], [[], []])
})

// Proves: docs/harbor.md#hostile
test('messages that no service sends are answered with an error, and change nothing', () => {
  const one = new Side(1)
  one.up(2)
  one.alive.add(one.own(8))
  const payload = packValues(['x'])
  const good = { type: PTYPE.LUA, to: one.own(8), source: 0x02000007, session: 4, payload }
  const odd = [
    { type: PTYPE.SYSTEM },
    { type: PTYPE.SOCKET },
    { type: PTYPE.HARBOR },
    { session: 0x80000000 },
    { payload: packValues([1]) },
    { payload: Buffer.from('ff', 'hex') },
    { payload: Buffer.alloc(0) },
  ]
  for (const each of odd) {
    one.receive(encodeRemote({ ...good, ...each }))
    const { session = good.session } = each as { session?: number }
    const [answered] = one.out.splice(0)
    const expected = `0000000c0100000807000007${session.toString(16).padStart(8, '0')}`
    assert.equal(answered?.frame.toString('hex'), expected)
  }
  // Whoever is of no harbor cannot be answered.
  one.receive(encodeRemote({ ...good, source: 5 }))
  assert.equal(one.take().session, 0)
  // Nobody here has made these calls.
  for (const source of [one.own(8), one.own(77)]) {
    one.receive(encodeRemote({ ...good, source }))
    one.receive(encodeRemote({ ...good, source, type: PTYPE.RESPONSE }))
  }
  assert.deepEqual([one.delivered, one.out], [[], []])
  assert.deepEqual(one.border.open, { calls: 0, requests: 0 })
})

// Proves: docs/harbor.md#answer-full
test('who waits for an answer that finds no room is told so', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 1, 'x'))
  settle(one, two)
  one.take()
  one.buffered = 9_990
  one.border.take(two.own(7), {
    type: PTYPE.RESPONSE,
    source: one.own(8),
    session: 1,
    value: 'x'.repeat(50),
  })
  settle(one, two)
  const { session, value } = two.take()
  assert.equal(session, 1)
  assert.ok(isSkynetError(value, 'ERR_HARBOR_FAILED'))
  assert.match(one.said.join(), /Cannot send the answer of :01000008 .*limit is 10000, 9990 wait/)
  assert.deepEqual([one.border.open.requests, two.border.open.calls], [0, 0])
})

// Proves: docs/limits.md#harbor-open
test('beyond so many open calls and requests the oldest ends with an error', () => {
  const [one, two] = pair()
  for (let i = 1; i <= HARBOR_OPEN_MAX + 1; i++) {
    two.border.take(one.own(8), call(two.own(7), i, 'x'))
    settle(one, two)
  }
  const codes = two.delivered.map(({ session, value }) => [session, (value as Error).name])
  assert.deepEqual(codes, [[1, 'SkynetError']])
  assert.ok(isSkynetError(two.delivered[0]?.value, 'ERR_HARBOR_FULL'))
  assert.deepEqual(one.border.open, { calls: 0, requests: HARBOR_OPEN_MAX })
  assert.deepEqual(two.border.open, { calls: HARBOR_OPEN_MAX, requests: 0 })
})

test('end() ends all that waits, on both sides', () => {
  const [one, two] = pair()
  two.border.take(one.own(8), call(two.own(7), 1, 'x'))
  settle(one, two)
  one.border.end((each) => one.roads.lossOf(2, each))
  settle(one, two)
  assert.equal(two.take().type, PTYPE.ERROR)
  two.border.take(one.own(8), call(two.own(7), 2, 'x'))
  two.border.end((each) => two.roads.lossOf(1, each))
  assert.equal(two.take().type, PTYPE.ERROR)
})
