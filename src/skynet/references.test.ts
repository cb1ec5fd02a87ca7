/** References between services of one thread, and stand-ins that are given some. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceRef } from '../service/ref.ts'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'

interface Guest {
  welcome(text: string): void
}

const guest = defineService((skynet) => {
  const heard: string[] = []
  const self = skynet.selfRef<Guest>()
  return {
    enter: () => skynet.call('.room', 'join', self, { best: [self] }),
    heard: () => heard,
    welcome: (text: string) => void heard.push(text),
  }
})

// Proves: docs/messages.md#references
test('a stand-in gets references, and what was sent shows them', async () => {
  const joined: ServiceRef<Guest>[] = []
  const room = {
    join(ref: ServiceRef<Guest>, { best }: { best: ServiceRef<Guest>[] }): ServiceRef<Guest> {
      joined.push(ref)
      assert.equal(best[0], ref)
      ref.send.welcome('hello')
      return ref
    },
  }
  await using node = await testNode({ peers: { '.room': room } })
  const ref = await node.launch(guest)
  const back = (await ref.call.enter()) as ServiceRef<Guest>
  assert.deepEqual(await ref.call.heard(), ['hello'])
  assert.deepEqual([joined[0]!.handle, back.handle], [ref.handle, ref.handle])
  const sent = await node.sent.find(({ method }) => method === 'join')
  assert.deepEqual(sent.args, [back, { best: [back] }])
  const heard = await node.sent.find(({ method }) => method === 'welcome')
  assert.equal(heard.from, node.skynet.localName('.room'))
  back.send.welcome('again')
  assert.deepEqual(await ref.call.heard(), ['hello', 'again'])
})

// Proves: docs/semantics.md#named
test('a reference by name waits for nobody: each use finds who has the name then', async () => {
  await using node = await testNode()
  const { skynet } = node
  const room = skynet.named<typeof guest>('.guest')
  await assert.rejects(room.call.heard(), { code: 'ERR_NAME_UNKNOWN' })
  const first = await node.launch(guest)
  skynet.name('.guest', first)
  room.send.welcome('first')
  assert.deepEqual(await room.call.heard(), ['first'])
  await skynet.kill(room)
  await assert.rejects(room.call.heard(), { code: 'ERR_NAME_UNKNOWN' })
  await assert.rejects(first.call.heard(), { code: 'ERR_CALL_DEAD' })
  skynet.name('.guest', await node.launch(guest))
  assert.deepEqual(await room.call.heard(), [])
})
