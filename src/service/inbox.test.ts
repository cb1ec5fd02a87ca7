import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Context } from '../kernel/context.ts'
import type { Message } from '../kernel/message.ts'
import { askerOf } from './askers.ts'
import { Inbox, type InboxService } from './inbox.ts'

/** A mailbox of one that is full. `answered` are sources, in order. */
function setUp() {
  const context = { handle: 1, limit: 1, mailbox: { length: 1 }, onRoom: undefined } as unknown
  const answered: number[] = []
  const router = {
    send: (_type: number, to: number) => answered.push(to),
    refuse: ({ source }: Message) => answered.push(-source),
  }
  const behind: (() => void)[] = []
  const afterMail = (then: () => void): void => void behind.push(then)
  const service = { context, runtime: { router }, requests: { unfinishedOf: () => 0 }, afterMail }
  const inbox = new Inbox(service as unknown as InboxService)
  const order = (source: number): Message => ({ type: 8, source, session: 7, value: undefined })
  return { context: context as Context, answered, inbox, order, behind }
}

// Proves: docs/semantics.md#nothing-left
test('Inbox answers who waits for room, but not those who gave up or are dead', () => {
  const { context, answered, inbox, order } = setUp()
  const orders = [1, 2, 3, 4].map(order)
  for (const each of orders) inbox.waitForRoom(each)
  inbox.givenUp(askerOf(orders[1]!))
  inbox.workerDied(new Set([3]))
  context.onRoom?.()
  assert.deepEqual(answered, [1, 4])
  context.onRoom?.()
  assert.deepEqual(answered, [1, 4])
})

test('Inbox answers who waits for its mail to be handled, once, or refuses at its end', () => {
  const { answered, inbox, order, behind } = setUp()
  const orders = [1, 2, 3, 4].map(order)
  for (const each of orders.slice(0, 3)) inbox.waitForTaking(each)
  inbox.givenUp(askerOf(orders[1]!))
  inbox.workerDied(new Set([3]))
  assert.deepEqual(answered, [])
  for (const then of behind) then()
  assert.deepEqual(answered, [1])
  inbox.waitForTaking(orders[3]!)
  inbox.ended()
  behind.at(-1)!()
  assert.deepEqual(answered, [1, -4])
})
