import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatHandle, SkynetError } from '../base/errors.ts'
import type { Place } from '../kernel/loads.ts'
import { PTYPE } from '../wire/ptype.ts'
import { Calls, type CallsHost, type Redirection } from './calls.ts'

const [VIA, TARGET, NEXT] = [7, 9, 11]
/** Of each, its worker. */
const HOMES: Readonly<Record<number, number>> = { [VIA]: 1, [TARGET]: 2, [NEXT]: 3 }

/** A service with one call under way, to `VIA`. */
function setUp() {
  const runtime = {
    handles: { workerOf: (handle: number) => HOMES[handle] ?? -1, textOf: formatHandle },
    loads: { placeOf: (worker: number) => worker },
    scheduler: {},
    callTimeoutMs: 0,
    notesCalls: false,
    failed() {},
  }
  const calls = new Calls({ handle: 1, runtime } as unknown as CallsHost)
  let session = 0
  const answer = calls.request('never', VIA, undefined, (given) => {
    session = given
    return true
  })
  answer.catch(() => {})
  const told = (source: number, value: Redirection): void =>
    calls.redirected({ type: PTYPE.SYSTEM, source, session, value })
  const passes = (source: number, to: number): void =>
    told(source, { to, place: HOMES[to] as Place })
  const isLostWith = (handle: number): boolean =>
    calls.lostWith(HOMES[handle]!, new Set([handle]), undefined).length > 0
  const fails = (value: Error): Promise<unknown> => {
    calls.answered({ type: PTYPE.ERROR, source: 0, session, value }, false)
    return answer
  }
  return { passes, sent: (source: number) => told(source, { isSent: true }), isLostWith, fails }
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

// Proves: docs/cluster.md#sent
test('a call that was passed on has run, whoever did not get it then', async () => {
  const error = new SkynetError('ERR_CALL_DEAD', { to: 'b:00000009', method: 'x', sent: 'no' })
  for (const [isPassedOn, sent] of [
    [false, 'no'],
    [true, 'maybe'],
  ] as const) {
    const { passes, fails } = setUp()
    if (isPassedOn) passes(VIA, TARGET)
    await assert.rejects(fails(error), { code: 'ERR_CALL_DEAD', info: { ...error.info, sent } })
  }
})
