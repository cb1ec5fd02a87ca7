import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderHome } from '../service/ordering.ts'
import type { OrderAbout } from '../service/orders.ts'
import type { FenceOrder, HandOverOrder, HoldOrder } from '../supervision/holding.ts'
import { type TestNode, testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'

const give = (node: TestNode, order: OrderAbout): boolean =>
  orderHome(Skynet.serviceOf(node.skynet).runtime, 0, 0, order)

const hold = (node: TestNode, handle: number, isOn: boolean): boolean =>
  give(node, { order: 'hold', handle, isOn } as HoldOrder)

test('what comes for a service that is held waits, in order, until it is let go', async () => {
  await using node = await testNode()
  const seen: number[] = []
  const service = await node.launch(
    defineService(() => ({ note: (i: number) => void seen.push(i) })),
  )
  service.send.note(1)
  await node.settled()
  hold(node, service.handle, true)
  service.send.note(2)
  const call = service.call.note(3)
  await node.settled()
  assert.deepEqual(seen, [1])
  hold(node, service.handle, false)
  await call
  assert.deepEqual(seen, [1, 2, 3])
})

test('a service that is held in the middle of its mail handles nothing more', async () => {
  await using node = await testNode()
  const seen: number[] = []
  const service = await node.launch(
    defineService((skynet) => ({
      note: (i: number) => {
        seen.push(i)
        if (i === 1) hold(node, skynet.self, true)
      },
    })),
  )
  const other = await node.launch(defineService(() => ({ ask: () => 1 })))
  service.send.note(1)
  await node.settled()
  service.send.note(2)
  assert.equal(await other.call.ask(), 1)
  await node.settled()
  assert.deepEqual(seen, [1])
  hold(node, service.handle, false)
  await node.settled()
  assert.deepEqual(seen, [1, 2])
})

test('a service that is held does not wait behind its mail, nor while it ends', async () => {
  await using node = await testNode()
  const said: string[] = []
  let rests = (): void => {}
  const rested = new Promise<void>((resolve) => {
    rests = resolve
  })
  const service = await node.launch(
    defineService((skynet) => {
      const rest = async (where: string): Promise<void> => {
        await skynet.yield()
        said.push(where)
        rests()
      }
      skynet.onExit(() => rest('hook'))
      return {
        begin() {
          hold(node, skynet.self, true)
          skynet.send(skynet.self, 'none')
          skynet.fork(() => rest('task'))
        },
        none() {},
      }
    }),
  )
  service.send.begin()
  await rested
  give(node, { order: 'handOver', handle: service.handle } as HandOverOrder)
  await node.skynet.monitor(service.handle)
  assert.deepEqual(said, ['task', 'hook'])
})

test('a service that is held can be killed, and who waits for it is told', async () => {
  await using node = await testNode()
  const service = await node.launch(defineService(() => ({ ask: () => 1 })))
  hold(node, service.handle, true)
  const call = service.call.ask()
  call.catch(() => {})
  await node.settled()
  assert.equal(await node.skynet.kill(service.handle), true)
  await assert.rejects(call, { code: 'ERR_CALL_DEAD' })
})

test('a service that was overtaken ends by that, and who monitors it knows', async () => {
  await using node = await testNode()
  const service = await node.launch(defineService(() => ({})))
  const { handle } = service
  const ending = node.skynet.monitor(handle)
  give(node, {
    order: 'fence',
    handle,
    name: 'lobby',
    token: [1, 2],
    current: [1, 3],
  } as FenceOrder)
  const { reason, cause } = await ending
  assert.equal(reason, 'crash')
  assert.equal((cause as { code: string }).code, 'ERR_FENCED')
  assert.match((cause as Error).message, /'lobby' of the cluster, with token 1.2: .* with 1.3$/)
})

test('a service that is handed over ends in order, with its exit hooks', async () => {
  await using node = await testNode()
  const reasons: string[] = []
  const service = await node.launch(
    defineService((skynet) => {
      skynet.onExit((reason) => void reasons.push(reason))
    }),
  )
  give(node, { order: 'handOver', handle: service.handle } as HandOverOrder)
  await node.settled()
  assert.deepEqual(reasons, ['stop'])
  assert.equal(node.skynet.isAlive(service.handle), false)
})
