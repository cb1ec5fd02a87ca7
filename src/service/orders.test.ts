import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Router } from '../kernel/router.ts'
import { PTYPE } from '../wire/ptype.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { LATER, NOBODY, Orders } from './orders.ts'

/** What goes back to who gave an order. */
function setUp() {
  const sent: unknown[] = []
  const router = {
    send: (type: number, to: number, _source: number, session: number, value: unknown) =>
      sent.push([type, to, session, value]),
    refuse: (_message: unknown, by: number) => sent.push(['refused by', by]),
  } as unknown as Router
  const orders = new Orders()
  orders.connect(router)
  const give = (order: string, session = 5): void =>
    orders.take({
      type: PTYPE.SYSTEM,
      source: 9,
      session,
      binder: UNBOUND,
      value: { order, handle: 7 },
    })
  return { orders, give, sent }
}

test('Orders answer with the result, nobody, an error, or later', () => {
  const { orders, give, sent } = setUp()
  const fault = new Error('it cannot be done')
  orders.add('count', () => 3)
  orders.add('wait', () => LATER)
  orders.add('gone', () => NOBODY)
  orders.add('fail', () => {
    throw fault
  })
  for (const name of ['count', 'wait', 'gone', 'fail']) give(name)
  const [answer, refusal, failure] = sent as [unknown, unknown, unknown[]]
  assert.deepEqual(answer, [PTYPE.RESPONSE, 9, 5, 3])
  assert.deepEqual(refusal, ['refused by', 7])
  assert.deepEqual(failure.slice(0, 3), [PTYPE.ERROR, 9, 5])
  assert.match(String(failure[3]), /it cannot be done/)
  assert.equal(sent.length, 3)
})

test('Orders answer nobody who does not wait', () => {
  const { orders, give, sent } = setUp()
  orders.add('count', () => 3)
  give('count', 0)
  assert.deepEqual(sent, [])
})

test('Orders refuse a second one of a name', () => {
  const { orders } = setUp()
  orders.add('count', () => 3)
  assert.throws(() => orders.add('count', () => 4), /two orders are called count/)
})
