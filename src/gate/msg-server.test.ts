import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineService } from '../skynet/define-service.ts'
import { testNode } from '../testing/test-node.ts'
import type { GateOptions } from './gate-options.ts'
import { readAnswer, requestFrame } from './msg-frame.ts'
import { handshakeText, usernameOf } from './msg-handshake.ts'
import { msgServer } from './msg-server.ts'

const USER = { uid: 'hello', server: 'sample', subid: '1' }
const SECRET = Buffer.from('12345678')
const PENDING_MAX = 8
const ANSWER_BYTES = 60_000

/** A message server whose requests take a while; `asked` and `most` are for the test to look at. */
async function opened(options: Partial<GateOptions>, answerBytes = ANSWER_BYTES) {
  const node = await testNode()
  const seen = { asked: 0, underWay: 0, most: 0 }
  const game = defineService((skynet) =>
    msgServer(skynet, (server) => ({
      maxPending: PENDING_MAX,
      async request(_username, body) {
        seen.asked++
        seen.most = Math.max(seen.most, ++seen.underWay)
        await skynet.sleep(0)
        seen.underWay--
        return Buffer.alloc(answerBytes, body)
      },
      command: { login: (username: string) => server.login(username, SECRET) },
    })),
  )
  const ref = await node.launch(game)
  const { port } = await ref.call.open({ port: 0, ...options })
  await ref.call.login(usernameOf(USER))
  const enter = async (index: number) => {
    const client = (await node.connect(port)).frames({ header: 'u16be' })
    client.send(handshakeText(USER, index, SECRET))
    assert.equal(`${await client.receive()}`, '200 OK')
    return client
  }
  return { node, seen, enter }
}

// Proves: docs/login.md#msg-full
// Proves: docs/login.md#msg-pending
test('who does not read for a while gets every answer once, by pause-producer', async () => {
  const policy = { sendPolicy: 'pause-producer', sendLimitBytes: 200_000 } as const
  const { node, seen, enter } = await opened(policy)
  await using _ = node
  const client = await enter(1)
  const sessions = Array.from({ length: 300 }, (_, session) => session)
  for (const session of sessions) client.send(requestFrame('x', session))
  await node.settled()
  assert.ok(seen.asked < sessions.length, `${seen.asked} were asked, and nobody reads`)
  const got: number[] = []
  while (got.length < sessions.length) {
    const answer = readAnswer((await client.receive())!)!
    assert.equal(answer.isOk && answer.body.length, ANSWER_BYTES)
    got.push(answer.session)
  }
  assert.deepEqual(got, sessions)
  assert.deepEqual([seen.asked, seen.underWay], [sessions.length, 0])
  assert.ok(seen.most <= PENDING_MAX, `${seen.most} under way`)
  assert.deepEqual(
    node.log.all.filter(({ level }) => level === 'error'),
    [],
  )
})

// Proves: docs/login.md#msg-failure
test('an answer that does not fit into the frames of the gate has failed', async () => {
  const frames = { header: 'u16be', max: 100 } as const
  const long = await opened({ frames }, 96)
  await using _long = long.node
  const client = await long.enter(1)
  for (const session of [1, 2, 3]) client.send(requestFrame('x', session))
  for (const session of [1, 2, 3]) {
    const answer = readAnswer((await client.receive())!)!
    assert.deepEqual([answer.isOk, answer.session], [false, session])
  }
  const longest = await opened({ frames }, 95)
  await using _longest = longest.node
  const other = await longest.enter(1)
  other.send(requestFrame('x', 1))
  assert.equal((await other.receive())!.length, 100)
})
