/** Messages from one service to another arrive in the order sent, once, whatever their size. */
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type recorder from '../fixtures/recorder.ts'
import type sender from '../fixtures/sender.ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/semantics.md#message-order
check('messages of 0 bytes to 8 MB arrive in order and once', async (skynet) => {
  const seed = seedOf()
  const count = 150
  const on = [0, 1, 0, 1]
  const recorders = await Promise.all(
    on.slice(0, 3).map((on) => skynet.newService<typeof recorder>('./recorder.ts', { on })),
  )
  const senders = await Promise.all(
    on.map((on) => skynet.newService<typeof sender>('./sender.ts', { on })),
  )
  const handles = recorders.map(({ handle }) => handle)
  await Promise.all(senders.map((each, i) => each.call.run(handles, count, seed + i)))
  for (const each of recorders) {
    // The last sends may still be on their way: calls of others do not overtake them for us.
    await until('all have come', async () => {
      const { total, fault } = await each.call.result()
      return total >= count * senders.length || fault !== undefined
    })
    const result = await each.call.result()
    assert.deepEqual(result, { total: count * senders.length, fault: undefined }, `SEED=${seed}`)
  }
})

// Proves: docs/semantics.md#order-load
// Proves: docs/limits.md#message-ring
check(
  'messages that overfill the ring of a busy worker arrive in order and once',
  async (skynet) => {
    const peer = await skynet.newService<typeof recorder>('./recorder.ts', { on: 1 })
    const holder = await skynet.newService<typeof subject>('./subject.ts', { on: 1, args: [] })
    const file = join(String(skynet.getenv('folder')), 'overfill')
    holder.send.holdUntil(file)
    await until('the worker is held', () => existsSync(`${file}.held`))
    const senders = await Promise.all(
      [0, 0].map((on) => skynet.newService<typeof sender>('./sender.ts', { on })),
    )
    // Two times 40,000 records of more than 64 bytes: the ring has 4 MiB.
    const count = 40_000
    await Promise.all(senders.map((each) => each.call.burst(peer.handle, count)))
    writeFileSync(file, '')
    await until('all have come', async () => {
      const { total, fault } = await peer.call.result()
      return total >= count * 2 || fault !== undefined
    })
    assert.deepEqual(await peer.call.result(), { total: count * 2, fault: undefined })
  },
)

// Proves: docs/semantics.md#order-fair
check('a flood between two services does not stop a third, nor their timers', async (skynet) => {
  const peer = await skynet.newService<typeof recorder>('./recorder.ts', { on: 'same' })
  const flood = await skynet.newService<typeof sender>('./sender.ts', { on: 'same' })
  const other = await skynet.newService<typeof subject>('./subject.ts', { on: 'same', args: [] })
  const count = 50_000
  await flood.call.burst(peer.handle, count)
  let isDone = false
  const done = peer.call.result().then((result) => {
    isDone = true
    return result
  })
  let rounds = 0
  for (; !isDone; rounds++) await other.call.later(1, rounds)
  assert.deepEqual(await done, { total: count, fault: undefined })
  assert.ok(rounds > 1, 'a timer fired while messages were waiting')
})

// Proves: docs/semantics.md#message-order
check('a call that is sent after sends is handled after them', async (skynet) => {
  for (const on of ['same', 1] as const) {
    const peer = await skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
    const ends: Promise<unknown>[] = []
    for (let i = 0; i < 1000; i++) {
      if (i % 3 === 0) ends.push(skynet.call(peer.handle, 'see', i))
      else peer.send.see(i)
    }
    assert.deepEqual(
      await peer.call.seen(),
      Array.from({ length: 1000 }, (_, i) => i),
    )
    await Promise.all(ends)
  }
})
