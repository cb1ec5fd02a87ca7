import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHANNELS_MAX, WORKERS_MAX } from '../base/limits.ts'
import { Channels } from './channels.ts'

const newChannels = (workers: number, channels: number): Channels =>
  new Channels(Channels.memory(workers, channels), workers)

function workersOf(channels: Channels, id: number): number[] {
  const found: number[] = []
  for (let at = channels.nextWorker(id, 0); at >= 0; at = channels.nextWorker(id, at + 1)) {
    found.push(at)
  }
  return found
}

// Proves: docs/sharing.md#channel-delete
test('create gives ids that are there until they end, and never again', () => {
  const channels = newChannels(2, 2)
  const seen = new Set<number>()
  for (let round = 0; round < 100; round++) {
    const id = channels.create()
    assert.ok(Number.isSafeInteger(id) && !seen.has(id))
    seen.add(id)
    assert.equal(channels.has(id), true)
    assert.equal(channels.end(id), true)
    assert.equal(channels.has(id), false)
    assert.equal(channels.end(id), false, 'it ends once')
  }
})

test('mirrors are found by nobody but who asks for them, and keep their slot', () => {
  for (const workers of [1, 31, 32, 33, WORKERS_MAX]) {
    const channels = newChannels(workers, 2)
    const [id, other] = [channels.create(), channels.create()]
    channels.setMirror(id, true)
    assert.deepEqual(channels.mirrors(), [id])
    assert.deepEqual(workersOf(channels, id), [], 'it is no worker')
    channels.join(id, workers - 1)
    assert.deepEqual(workersOf(channels, id), [workers - 1])
    channels.leave(id, workers - 1)
    channels.end(id)
    channels.end(other)
    for (let i = 0; i < 4; i++) channels.end(channels.create())
    assert.equal(channels.mirrors().length, 1)
    assert.equal(channels.create() % 2, other % 2, 'the other slot alone')
    assert.throws(() => channels.create(), { code: 'ERR_CHANNEL_LIMIT' })
    channels.setMirror(id, false)
    assert.deepEqual(channels.mirrors(), [])
    assert.equal(channels.create() % 2, id % 2)
  }
})

// Proves: docs/limits.md#channels
test('create refuses one channel more than there are slots, and end makes room', () => {
  const channels = newChannels(1, 3)
  const ids = [channels.create(), channels.create(), channels.create()]
  assert.throws(() => channels.create(), { code: 'ERR_CHANNEL_LIMIT' })
  channels.end(ids[1]!)
  assert.equal(channels.has(channels.create()), true)
  assert.throws(() => channels.create(), { code: 'ERR_CHANNEL_LIMIT' })
  const real = new Channels(Channels.memory(1), 1)
  for (let i = 0; i < CHANNELS_MAX; i++) real.create()
  assert.throws(() => real.create(), { code: 'ERR_CHANNEL_LIMIT' })
})

test('has says false for what is no id', () => {
  const channels = newChannels(1, 3)
  const id = channels.create()
  for (const odd of [0, -1, id + 0.5, id + 1, id + 3, -id, Number.NaN, 2 ** 53, 1e300]) {
    assert.equal(channels.has(odd), false, String(odd))
  }
  for (const odd of ['1', undefined, {}] as unknown as number[]) {
    assert.equal(channels.has(odd), false, String(odd))
  }
})

test('nextWorker finds every worker that joined and did not leave, up to WORKERS_MAX', () => {
  const channels = newChannels(WORKERS_MAX, 3)
  const id = channels.create()
  const other = channels.create()
  const all = [0, 1, 31, 32, 33, 63, 64, 700, WORKERS_MAX - 1]
  for (const worker of all) assert.equal(channels.join(id, worker), true)
  assert.deepEqual(workersOf(channels, id), all)
  assert.deepEqual(workersOf(channels, other), [])
  channels.leave(id, 31)
  channels.leave(id, WORKERS_MAX - 1)
  assert.deepEqual(workersOf(channels, id), [0, 1, 32, 33, 63, 64, 700])
})

// Proves: docs/sharing.md#channel-delete
test('a slot is not taken again before every worker has left the channel that ended', () => {
  const channels = newChannels(40, 1)
  const id = channels.create()
  for (const worker of [3, 39]) channels.join(id, worker)
  channels.end(id)
  assert.equal(channels.join(id, 5), false)
  assert.deepEqual(workersOf(channels, id), [3, 39], 'they are told')
  channels.leave(id, 3)
  assert.throws(() => channels.create(), { code: 'ERR_CHANNEL_LIMIT' })
  channels.leave(id, 39)
  const next = channels.create()
  assert.equal(channels.has(next), true)
  assert.deepEqual(workersOf(channels, next), [])
})

test('ids go on when the stamp of a slot comes round', () => {
  const memory = Channels.memory(1, 1)
  const channels = new Channels(memory, 1)
  const id = channels.create()
  const cells = new Int32Array(memory)
  const at = cells.indexOf(1, 1)
  channels.end(id)
  Atomics.store(cells, at, 0x7ffffffe)
  const late = channels.create()
  assert.ok(channels.has(late) && channels.end(late))
  Atomics.store(cells, at, -2)
  const last = channels.create()
  assert.ok(Number.isSafeInteger(last) && channels.has(last) && channels.end(last))
  assert.ok(channels.has(channels.create()))
})

test('forget() takes one worker out of every channel', () => {
  const channels = newChannels(40, 8)
  const ids = [0, 1, 2].map(() => channels.create())
  for (const id of ids) for (const worker of [3, 33, 35]) channels.join(id, worker)
  channels.forget(33)
  for (const id of ids) assert.deepEqual(workersOf(channels, id), [3, 35])
})
