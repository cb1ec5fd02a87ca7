/** A worker that is late for its timers: its mail, which came in time, comes first. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import type answerer from '../fixtures/answerer.ts'
import { type Body, serviceTest } from '../support/run.ts'

const check = (title: string, body: Body) =>
  serviceTest(import.meta.url, title, body, { thread: 2 })
const TIMEOUT_MS = 50

/**
 * Hold this worker until the answers are in its ring, and all limits have passed. It has nothing
 * else to do: what it does next is to look at its timers.
 */
function hold(skynet: Skynet): void {
  const due = skynet.now() + TIMEOUT_MS
  while (skynet.getenv('answered') === undefined || skynet.now() <= due + 1);
}

// Proves: docs/semantics.md#timeout-behind-mail
check(
  'a call whose answer has come does not time out, however late its worker is',
  async (skynet) => {
    const peer = await skynet.newService<typeof answerer>('./answerer.ts', { on: 1 })
    const { call } = peer.with({ timeoutMs: TIMEOUT_MS })
    const answers = Array.from({ length: 10 }, (_, i) => call.answer(i))
    peer.send.note('answered')
    hold(skynet)
    assert.deepEqual(await Promise.all(answers), [...answers.keys()])
  },
)

// Proves: docs/semantics.md#timeout-behind-mail
check(
  'select() yields the answers that have come before it ends with its limit',
  async (skynet) => {
    const peer = await skynet.newService<typeof answerer>('./answerer.ts', { on: 1 })
    const requests = [1, 2, 3].map(
      (value) => (limits: object) => peer.with(limits).call.answer(value),
    )
    const selection = skynet.select(requests, { timeoutMs: TIMEOUT_MS })
    const values: unknown[] = []
    const looping = (async () => {
      for await (const result of selection) if (result.ok) values.push(result.value)
    })()
    // The calls have begun.
    await Promise.resolve()
    peer.send.note('answered')
    hold(skynet)
    await looping
    assert.deepEqual([values, selection.hasTimedOut], [[1, 2, 3], false])
  },
)
