/** Sessions that are handed over: what is kept when that fails, or meets something else. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from '../base/event-loop.ts'
import { testNode } from '../testing/test-node.ts'
import { defineAgent } from './define-agent.ts'
import { game, gateOf, TestUser } from './session.kit.ts'
import type { AgentRef, Session } from './session.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

// Proves: docs/session.md#order
test('requests begin in order, whatever becomes of hand-overs meanwhile', async () => {
  await using node = await testNode()
  const begun: number[] = []
  let session!: Session<typeof game>
  const calls = { say: () => {}, wait: () => '' }
  const refusing = await node.launch(
    defineAgent(game, () => ({
      calls: { ...calls, add: (_session, n) => n },
      async joined() {
        await Promise.resolve()
        throw new Error('no')
      },
    })),
  )
  const lobby: AgentRef<typeof game> = await node.launch(
    defineAgent(game, () => ({
      calls: {
        ...calls,
        add: (_session, n) => {
          begun.push(n)
          return n
        },
      },
      joined(joined) {
        session = joined
      },
    })),
  )
  const { port } = await gateOf(node, lobby, { window: 4000, messagesPerSecond: 1e6 })
  const ann = new TestUser(node, port)
  await ann.call('add', 0)
  const answers: Promise<unknown>[] = []
  let failed = 0
  for (let round = 0; round < 100; round++) {
    // Each of the two ways in which it stays where it is, and with another rhythm each time.
    let isOver = false
    session.attach(round % 2 === 0 ? refusing : lobby).catch(() => {
      failed++
      isOver = true
    })
    for (let i = 0; !isOver; i++) {
      if (i < 60) answers.push(ann.call('add', answers.length + 1))
      for (let j = 0; j < round % 7; j++) await Promise.resolve()
      await turn()
    }
  }
  await Promise.all(answers)
  assert.equal(failed, 100)
  assert.deepEqual(
    begun,
    Array.from({ length: answers.length + 1 }, (_, i) => i),
  )
})
