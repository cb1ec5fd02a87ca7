import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../kernel/loads.ts'
import { PTYPE } from '../wire/ptype.ts'
import { Calls, type CallsHost, type Redirection } from './calls.ts'

const [VIA, TARGET, NEXT] = [7, 9, 11]
/** Of each, its worker. */
const HOMES: Readonly<Record<number, number>> = { [VIA]: 1, [TARGET]: 2, [NEXT]: 3 }

/** A service with one call under way, to `VIA`. */
function setUp() {
  const runtime = {
    handles: { workerOf: (handle: number) => HOMES[handle] ?? -1 },
    loads: { placeOf: (worker: number) => worker },
    scheduler: {},
    callTimeoutMs: 0,
    notesCalls: false,
    failed() {},
  }
  const calls = new Calls({ handle: 1, runtime } as unknown as CallsHost)
  let session = 0
  calls
    .request('never', VIA, undefined, (given) => {
      session = given
      return true
    })
    .catch(() => {})
  const told = (source: number, value: Redirection): void =>
    calls.redirected({ type: PTYPE.SYSTEM, source, session, value })
  const passes = (source: number, to: number): void =>
    told(source, { to, place: HOMES[to] as Place })
  const isLostWith = (handle: number): boolean =>
    calls.lostWith(HOMES[handle]!, new Set([handle]), undefined).length > 0
  return { passes, sent: (source: number) => told(source, { isSent: true }), isLostWith }
}

// Proves: docs/semantics.md#death-answers
test('a call that is being passed on goes with who passes it on, until that has sent it', () => {
  const { passes, sent, isLostWith } = setUp()
  passes(VIA, TARGET)
  assert.deepEqual([isLostWith(VIA), isLostWith(TARGET)], [true, true])
  sent(VIA)
  assert.deepEqual([isLostWith(VIA), isLostWith(TARGET)], [false, true])
})

test('a call that was passed on twice goes with the second, whatever the first tells late', () => {
  const { passes, sent, isLostWith } = setUp()
  passes(VIA, TARGET)
  passes(TARGET, NEXT)
  sent(VIA)
  assert.deepEqual([isLostWith(TARGET), isLostWith(NEXT)], [true, true])
  sent(TARGET)
  assert.deepEqual([isLostWith(VIA), isLostWith(TARGET), isLostWith(NEXT)], [false, false, true])
})
