import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACE_BYTES, PACE_MESSAGES, PACE_NOTICE_MS, PACE_UNFINISHED_MAX } from '../base/limits.ts'
import type { OrderingHost } from '../service/ordering.ts'
import { Pace } from './pace.ts'

/** A pace whose receiver is in the hands of the test. */
function setUp() {
  const asked: ((unfinished: number | Error) => void)[] = []
  const request = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      asked.push((answer) => (typeof answer === 'number' ? resolve(answer) : reject(answer)))
    })
  const slept: number[] = []
  const sleep = async (ms: number): Promise<void> => void slept.push(ms)
  const service = { handle: 1, request } as unknown as OrderingHost
  const held: number[] = []
  const isHeld = (_receiver: number, unfinished: number): void => void held.push(unfinished)
  const pace = new Pace({ service, sleep, sharersOf: () => 2, isHeld }, 2)
  const send = (count: number, bytes = 1): (Promise<void> | undefined)[] =>
    Array.from({ length: count }, () => pace.sent(bytes))
  return { asked, slept, send, held }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// Proves: docs/gate.md#pace
test('Pace asks after a window, and holds its sender after the next one', async () => {
  const { asked, send } = setUp()
  assert.ok(send(PACE_MESSAGES - 1).every((it) => it === undefined))
  assert.equal(asked.length, 0)
  assert.ok(send(PACE_MESSAGES).every((it) => it === undefined))
  assert.equal(asked.length, 1)
  const [held] = send(1)
  assert.ok(held instanceof Promise)
  let isFree = false
  void held.then(() => {
    isFree = true
  })
  await turn()
  assert.equal(isFree, false)
  asked[0]!(0)
  await held
  // The next window begins with a question.
  assert.equal(send(1)[0], undefined)
  assert.equal(asked.length, 2)
})

// Proves: docs/gate.md#pace
test('Pace counts bytes as well', () => {
  const { asked, send } = setUp()
  assert.deepEqual(send(3, PACE_BYTES / 2).slice(0, 2), [undefined, undefined])
  assert.equal(asked.length, 1)
  assert.ok(send(1, PACE_BYTES)[0] instanceof Promise)
})

// Proves: docs/gate.md#pace
test('Pace waits while too many handlers are not done, and not for the dead', async () => {
  const { asked, slept, send } = setUp()
  send(2 * PACE_MESSAGES - 1)
  const [held] = send(1)
  asked[0]!(2 * PACE_UNFINISHED_MAX + 1)
  await turn()
  asked[1]!(2 * PACE_UNFINISHED_MAX + 1)
  await turn()
  assert.deepEqual(slept, [5, 10])
  asked[2]!(2 * PACE_UNFINISHED_MAX)
  await held
  const [dead] = send(1)
  assert.equal(dead, undefined)
  const next = send(PACE_MESSAGES).at(-1)
  asked[3]!(new Error('it has ended'))
  await next
})

// Proves: docs/gate.md#pace
test('Pace says once that its sender is held, after 5 s', async () => {
  const { asked, slept, send, held } = setUp()
  send(PACE_MESSAGES)
  const sum = (): number => slept.reduce((all, ms) => all + ms, 0)
  while (sum() < 3 * PACE_NOTICE_MS) {
    asked.pop()!(1000)
    await turn()
    if (sum() < PACE_NOTICE_MS - 100) assert.deepEqual(held, [])
  }
  assert.deepEqual(held, [1000])
})
