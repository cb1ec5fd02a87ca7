/** Nobody hangs: the other waits of a service, when whom they wait for ends, or its worker dies. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { MethodsOf, ServiceRef, Skynet } from 'skynet-ts'
import type bounded from '../fixtures/bounded.ts'
import type victim from '../fixtures/victim.ts'
import type waiter from '../fixtures/waiter.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { endOf, Scene, WAYS } from '../support/scene.ts'
import { until } from '../support/until.ts'

type Waiter = ServiceRef<MethodsOf<typeof waiter>>

const check = (title: string, body: Body, config = {}, on = 0): void =>
  serviceTest(import.meta.url, title, body, { thread: 4, ...config }, on)

const launchWaiter = (skynet: Skynet, on: number): Promise<Waiter> =>
  skynet.newService<typeof waiter>('./waiter.ts', { on })

const launchVictim = (skynet: Skynet, on: number) =>
  skynet.newService<typeof victim>('./victim.ts', { on })

/** Wait until none of its waits goes on, and see how they ended. */
async function ended(who: Waiter, expected: Record<string, string>): Promise<void> {
  const all = async () => !Object.values(await who.call.ends()).includes('waits')
  await until(`all has ended: ${JSON.stringify(expected)}`, all).catch(() => {})
  assert.deepEqual(await who.call.ends(), expected)
}

// Proves: docs/semantics.md#death-answers
check(
  'who was answered by a service that has ended is told when the worker dies',
  async (skynet) => {
    const scene = await Scene.set(skynet)
    const { caller, callee } = scene
    const file = scene.fileOf('callee')
    callee.send.holdUntil(file)
    await scene.isHeld(file)
    const call = endOf(
      caller.call.call(callee.handle, 'fillAndAnswer', scene.holder('caller')) as Promise<unknown>,
    )
    await until('the call is under way', async () => (await caller.call.open()) > 0)
    await scene.hold('caller')
    scene.letGo('callee')
    assert.equal(await callee.call.echo('it has answered'), 'it has answered')
    await skynet.kill(callee.handle)
    await endOf(scene.endWorkerOf('callee'))
    scene.letGo('caller')
    assert.equal(await call, 'ERR_CALL_DEAD')
  },
)

for (const [what, expected] of [
  ['delete channel', { loop: 'ok' }],
  ['update', { share: 'ok' }],
  ['delete data', { share: 'ERR_SHARE_UNKNOWN' }],
] as const) {
  // Proves: docs/semantics.md#death-sharing
  check(
    `${what}: who waits is told, also when it never left the worker that did it`,
    async (skynet) => {
      const scene = await Scene.set(skynet)
      const [waiting, doer] = [await launchWaiter(skynet, 1), await launchWaiter(skynet, 2)]
      const channel = skynet.multicast.new()
      skynet.shareData.new('data', { n: 1 })
      if (what === 'delete channel') await waiting.call.loop(channel.id)
      else await waiting.call.share('data')
      await scene.hold('caller')
      const which = what === 'delete channel' ? channel.id : 'data'
      await doer.call.fillAnd(scene.holder('caller'), what, which)
      await endOf(doer.call.endWorker())
      scene.letGo('caller')
      await ended(waiting, expected)
    },
  )
}

for (const way of WAYS) {
  // Proves: docs/semantics.md#death-waits
  check(`every wait for a service ends when that ${way}`, async (skynet) => {
    const [waiting, holder] = [await launchWaiter(skynet, 1), await launchVictim(skynet, 2)]
    // Four calls fill it, so that there is no room.
    const args: [number] = [4]
    const target = await skynet.newService<typeof bounded>('./bounded.ts', { on: 2, args })
    const to = target.handle
    const file = join(String(skynet.getenv('folder')), `waits-${way.length}`)
    const { isHeld, letGo } = Scene.holding(file)
    if (way === 'is killed') holder.send.holdUntil(file, to)
    else holder.send.holdUntil(file)
    await isHeld()
    await waiting.call.monitor(to)
    await waiting.call.select([to, to])
    await waiting.call.queue(to)
    await waiting.call.call(to)
    await waiting.call.room(to)
    await waiting.call.launch('./slow-start.ts', 2)
    letGo(way === 'is killed' ? 'go on' : 'end the worker')
    if (way === 'is killed') {
      await until('it is gone', () => !skynet.isAlive(to))
      // The launch alone waits for somebody else, who goes now.
      await endOf(holder.call.endWorker())
    }
    const dead = 'ERR_CALL_DEAD'
    const both = { monitor: 'ok', call: dead, select: dead, holder: dead, behind: 'ok', room: dead }
    await ended(waiting, { ...both, launch: 'ERR_SERVICE_LAUNCH' })
  })

  // Proves: docs/semantics.md#death-waits
  check(`who waits along with one that ${way} is in nobody's way`, async (skynet) => {
    const waiting = [await launchWaiter(skynet, 1), await launchWaiter(skynet, 2)] as const
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    const target = await launchVictim(skynet, 3)
    const channel = skynet.multicast.new()
    skynet.shareData.new('data', { n: 1 })
    for (const { call } of waiting) {
      await call.monitor(target.handle)
      await call.wait('later')
      await call.loop(channel.id)
      await call.share('data')
      await call.query('./counter-two.ts')
      await call.connect(listener.port)
      await call.listen()
    }
    const accepted = [(await listener.accept())!, (await listener.accept())!]
    const [gone, left] = waiting
    if (way === 'is killed') await skynet.kill(gone.handle)
    else await endOf(gone.call.endWorker())
    const owned = () => skynet.socket.netstat().filter(({ owner }) => owner === gone.handle)
    await until('its sockets are closed', () => owned().length === 0)
    await skynet.kill(target.handle)
    await skynet.datacenter.set('later', 1)
    channel.delete()
    skynet.shareData.update('data', { n: 2 })
    await Promise.all(accepted.map((connection) => connection.close()))
    // Nobody will launch it, nobody connects: these two wait on, and end with their service.
    const waits = { query: 'waits', accept: 'waits' }
    const done = { monitor: 'ok', datacenter: 'ok', loop: 'ok', share: 'ok', read: 'ok' }
    const all = { ...done, ...waits }
    const isDone = async () =>
      Object.values(await left.call.ends()).filter((e) => e === 'ok').length
    await until('all has ended', async () => (await isDone()) === 5).catch(() => {})
    assert.deepEqual(await left.call.ends(), all)
    assert.equal(await skynet.kill(left.handle), true)
  })
}

// Proves: docs/semantics.md#unique-manager, #death-waits
check(
  'who waits for the manager, the datacenter or a socket is told when their worker dies',
  async (skynet) => {
    const waiting = await launchWaiter(skynet, 2)
    const owner = await launchWaiter(skynet, 0)
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    await skynet.uniqueService('datacenterd', { on: 0 })
    await owner.call.connect(listener.port)
    const accepted = (await listener.accept())!
    const { id } = skynet.socket.netstat().find((each) => each.owner === owner.handle)!
    const holder = await launchVictim(skynet, 0)
    await waiting.call.query('./no-such-unique.ts').catch(() => {})
    await waiting.call.query('./counter.ts')
    await waiting.call.unique('./slow-start.ts', 0)
    await waiting.call.wait('never')
    await until('they wait', async () => (await waiting.call.echo(1)) === 1)
    const file = join(String(skynet.getenv('folder')), 'manager')
    const { isHeld, letGo } = Scene.holding(file)
    holder.send.holdUntil(file)
    await isHeld()
    await waiting.call.take(id)
    await skynet.sleep(1)
    letGo('end the worker')
    const isOver = async () => !Object.values(await waiting.call.ends()).includes('waits')
    await until('all has ended', isOver).catch(() => {})
    const { take, unique, ...others } = await waiting.call.ends()
    assert.deepEqual(others, { query: 'ERR_CALL_DEAD', datacenter: 'ERR_CALL_DEAD' })
    assert.match(unique!, /^ERR_(CALL_DEAD|SERVICE_LAUNCH)$/)
    assert.match(take!, /^ok$|^ERR_SOCKET_/)
    await accepted.close()
  },
  {},
  1,
)

// Proves: docs/semantics.md#death-waits
check(
  'a launch whose launcher is gone, or has given up, keeps no place for a dedicated worker',
  async (skynet) => {
    const again = async (): Promise<void> => {
      await until('the place is free', async () => {
        const end = await endOf(
          skynet.newService('./victim.ts', { on: 'dedicated' }).then(({ handle }) => handle),
        )
        return typeof end === 'number' ? skynet.kill(end) : false
      })
    }
    const signal = AbortSignal.abort()
    const given = skynet.newService('./victim.ts', { on: 'dedicated', signal })
    assert.equal(await endOf(given), 'ABORT_ERR')
    await again()
    const launcher = await launchWaiter(skynet, 1)
    await launcher.call.launchAlone('./victim.ts')
    await skynet.kill(launcher.handle)
    await again()
  },
  { thread: 2, dedicated: 1 },
)

check(
  'a subscription whose taker was killed keeps the next message for the next',
  async (skynet) => {
    const channel = skynet.multicast.new<string>()
    const subscription = channel.subscribe()
    const first = endOf(subscription.next())
    for (const { id, kind } of skynet.tasks()) if (kind !== 'request') skynet.killTask(id)
    assert.equal(await first, 'ERR_TASK_KILLED')
    const second = subscription.next()
    channel.publish('for the second')
    assert.deepEqual(await second, { value: 'for the second', done: false })
    channel.delete()
  },
)

// Proves: docs/semantics.md#ignore-ret
check('a request that nobody can be handed ends with what its handler throws', async (skynet) => {
  for (const on of [1, 2]) {
    const [one, gone] = [await launchVictim(skynet, 1), await launchVictim(skynet, on)]
    await skynet.kill(gone.handle)
    const call = one.call.passOn(gone.handle, 'echo') as unknown as Promise<unknown>
    assert.equal(await endOf(call), 'ERR_CALL_DEAD')
  }
})
