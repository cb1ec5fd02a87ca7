import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDoorbellMemory, Doorbells } from './doorbell.ts'

function setUp(threads: number) {
  const memory = createDoorbellMemory(threads)
  let wakes = 0
  const poller = { thread: threads - 1, wake: () => wakes++ }
  const bells = new Doorbells(memory, poller)
  return { bells, poller: poller.thread, wakes: () => wakes, other: new Doorbells(memory, poller) }
}

test('ring wakes a thread in a poller once, and only when it lies down', () => {
  const { bells, other, poller, wakes } = setUp(3)
  bells.ring(poller)
  assert.equal(wakes(), 0)
  other.lieDown(poller)
  bells.ring(poller)
  bells.ring(poller)
  assert.equal(wakes(), 1)
  other.lieDown(poller)
  other.getUp(poller)
  bells.ring(poller)
  assert.equal(wakes(), 1)
})

test('sleep ends by ring, and does not begin after one', async () => {
  const { bells, other } = setUp(3)
  bells.lieDown(0)
  const asleep = bells.sleep(0)
  assert.ok(asleep !== undefined)
  other.ring(0)
  await asleep
  bells.lieDown(0)
  other.ring(0)
  assert.equal(bells.sleep(0), undefined)
})

test('announceRoom rings everybody who wants room there, once, over words of bits', () => {
  const threads = 70
  const { bells, other } = setUp(threads)
  const wanting = [0, 31, 32, 63, 64]
  const isDown = (thread: number): boolean => {
    const asleep = bells.sleep(thread) !== undefined
    if (asleep) other.ring(thread)
    return asleep
  }
  for (let thread = 0; thread < threads - 1; thread++) bells.lieDown(thread)
  for (const thread of wanting) bells.wantRoom(5, thread)
  bells.wantRoom(6, 7)
  other.announceRoom(5)
  for (let thread = 0; thread < threads - 1; thread++) {
    assert.equal(isDown(thread), !wanting.includes(thread), `thread ${thread}`)
  }
  bells.lieDown(0)
  other.announceRoom(5)
  assert.equal(isDown(0), true, 'a wish is granted once')
})
