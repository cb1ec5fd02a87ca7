import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NATS_MARK_BYTES as MARK, NATS_IN_FLIGHT_BYTES_MAX as MAX } from '../../base/limits.ts'
import { Flow } from './flow.ts'

function scene() {
  const pings: { answer(): void; fail(): void }[] = []
  let rooms = 0
  const ping = (): Promise<void> =>
    new Promise((resolve, reject) =>
      pings.push({ answer: resolve, fail: () => reject(new Error()) }),
    )
  const flow = new Flow(ping, () => rooms++)
  return { flow, pings, rooms: () => rooms }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// Proves: docs/limits.md#nats-flight
test('it is full at its limit, and has room when the server has what it was given', async () => {
  const { flow, pings, rooms } = scene()
  for (let sent = 0; sent < MAX - 1; sent += MARK) flow.add(MARK - 1)
  assert.equal(flow.isFull, false)
  flow.add(MAX)
  assert.equal(flow.isFull, true)
  const count = pings.length
  assert.ok(count > 0)
  for (const each of pings) each.answer()
  await settled()
  assert.equal(flow.isFull, false)
  assert.equal(rooms(), 1)
  assert.equal(pings.length, count)
})

test('it asks once for each so many bytes', () => {
  const { flow, pings } = scene()
  for (let i = 0; i < 1000; i++) flow.add(MARK / 100)
  assert.equal(pings.length, 10)
})

test('a new connection has nothing under way, and answers to the old one say nothing', async () => {
  const { flow, pings, rooms } = scene()
  flow.add(MAX)
  flow.reset()
  assert.equal(flow.isFull, false)
  flow.add(MAX)
  pings[0]!.answer()
  await settled()
  assert.equal(flow.isFull, true)
  pings[1]!.fail()
  await settled()
  assert.equal(flow.isFull, true, 'it was cut: a reset comes')
  assert.equal(rooms(), 0)
})
