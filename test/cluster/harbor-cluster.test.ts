/** Harbors that are nodes of a cluster of ours: no master, numbers and names by its store. */
import assert from 'node:assert/strict'
import { test as nodeTest, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSkynetError } from 'skynet-ts'
import { freePort } from '../support/free-port.ts'
import { aNode, type HarborNode } from '../support/harbors.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>) =>
  nodeTest(title, { timeout: 120_000 }, body)

/**
 * The first node is the seed. Its registry begins after a lease.
 *
 * @param leaseMs Longer where a node has so much to do that it may be late.
 */
async function aSeededCluster(t: TestContext, leaseMs = 2500, more = {}) {
  const seed = `127.0.0.1:${await freePort()}`
  let count = 0
  return (harbor: number): Promise<HarborNode> => {
    const listen = count++ === 0 ? seed : '127.0.0.1:0'
    const cluster = { name: `n${harbor}-${count}`, listen, seed, leaseMs, ...more }
    return aNode(t, harbor, { cluster })
  }
}
const join = ({ user }: HarborNode): Promise<unknown> =>
  user.call.join({ cluster: true, joinTimeoutMs: 30_000, callTimeoutMs: 30_000 })

/** Nodes that have joined in this order. */
async function joined(t: TestContext, ...harbors: number[]): Promise<HarborNode[]> {
  const start = await aSeededCluster(t)
  const nodes: HarborNode[] = []
  for (const harbor of harbors) nodes.push(await start(harbor))
  for (const node of nodes) await join(node)
  return nodes
}

// Proves: docs/harbor.md#cluster
test('nodes of a cluster are harbors: calls by handle, and names that one has', async (t) => {
  const nodes = await joined(t, 1, 2, 200)
  const handles = await Promise.all(nodes.map(({ user }) => user.call.launch(1)))
  assert.deepEqual(
    handles.map((handle) => handle >>> 24),
    [1, 2, 200],
  )
  for (const { user } of nodes) {
    for (const handle of handles) {
      assert.deepEqual(await user.call.call(handle, 'echo', { from: [handle, 'é'] }), {
        from: [handle, 'é'],
      })
    }
    await assert.rejects(user.call.call(0x02ffffff, 'echo', 1), {
      code: /ERR_HARBOR_FAILED|ERR_CALL_DEAD/,
    })
  }
  const [one] = nodes as [HarborNode]
  const source = (await one.user.call.call(handles[1]!, 'whoAsks')) as number
  assert.equal(source >>> 24, 1)
  // All ask for the same name at once: one has it, and all hear which.
  const asked = nodes.map(({ user }, i) => user.call.globalName('LOBBY', handles[i]))
  const won = (await Promise.allSettled(asked)).map(({ status }) => status === 'fulfilled')
  assert.equal(won.filter(Boolean).length, 1, String(won))
  const owner = handles[won.indexOf(true)]!
  for (const { user } of nodes) {
    assert.equal(await user.call.queryName('LOBBY'), owner)
    assert.equal(await user.call.echoBy('LOBBY', 5), 5)
  }
  const later = one.user.call.queryName('LATER', 0)
  await assert.rejects(one.user.call.queryName('LATER', 20), { code: 'ERR_CALL_TIMEOUT' })
  await nodes[2]!.user.call.globalName('LATER', handles[2])
  assert.equal(await later, handles[2])
})

// Proves: docs/harbor.md#cluster-down
test('a node that leaves is down: calls end, its names are free, its number too', async (t) => {
  const start = await aSeededCluster(t)
  const [one, two] = [await start(1), await start(2)]
  await join(one)
  await join(two)
  const handle = await two.user.call.launch(1)
  await two.user.call.globalName('NAME', handle)
  const twin = await start(2)
  await assert.rejects(join(twin), (error) => {
    assert.ok(isSkynetError(error, 'ERR_HARBOR_JOIN'), String(error))
    return true
  })
  await one.user.call.connect(2)
  await one.user.call.begin(handle, 'never')
  await one.user.call.follow(2)
  assert.equal(await one.user.call.call(handle, 'echo', 1), 1)
  await two.test.node.stop()
  const ends = await until('both ends', async () => {
    const found = await one.user.call.ends()
    return found.length === 2 && found
  })
  assert.ok(ends.includes('2 is down'), JSON.stringify(ends))
  const { code } = ends.find((end) => typeof end === 'object') as { code: string }
  assert.match(code, /ERR_HARBOR_LOST|ERR_HARBOR_FAILED/)
  await until('its name is free', () =>
    one.user.call.globalName('NAME').then(
      () => true,
      () => false,
    ),
  )
  // Now the number is free.
  await until('the other one joins', () =>
    join(twin).then(
      () => true,
      () => false,
    ),
  )
  await one.user.call.connect(2)
  const other = await twin.user.call.launch(1)
  assert.equal(await one.user.call.call(other, 'echo', 'new'), 'new')
  assert.equal(await twin.user.call.queryName('NAME'), await one.user.call.queryName('NAME'))
})

// Proves: docs/harbor.md#cluster-registry
test('when the node of the registry leaves, another one has all that was known', async (t) => {
  const start = await aSeededCluster(t)
  const [seed, two, three] = [await start(1), await start(2), await start(3)]
  // Who asks first has it.
  await join(two)
  await join(seed)
  await join(three)
  const handle = await three.user.call.launch(1)
  await three.user.call.globalName('KEPT', handle)
  assert.equal(await seed.user.call.queryName('KEPT'), handle)
  await two.test.node.stop()
  assert.equal(await seed.user.call.call(handle, 'echo', 1), 1)
  assert.equal(await seed.user.call.queryName('KEPT'), handle)
  await assert.rejects(seed.user.call.globalName('KEPT'), { code: 'ERR_NAME_TAKEN' })
  await seed.user.call.globalName('NEW')
  assert.equal((await three.user.call.queryName('NEW')) >>> 24, 1)
  const four = await start(4)
  await join(four)
  assert.equal(await four.user.call.queryName('KEPT'), handle)
  assert.equal(await four.user.call.call(handle, 'echo', 4), 4)
})

// Proves: docs/harbor.md#cluster-full
test('what a harbor of a cluster cannot take any more is told at once', async (t) => {
  // Frames wait in a link that is full for longer than that, and are not lost.
  const start = await aSeededCluster(t, 6000, { callTimeoutMs: 100 })
  const [one, two] = [await start(1), await start(2)]
  for (const { user } of [one, two]) {
    await user.call.join({ cluster: true, callTimeoutMs: 600_000, queueBytes: 12 << 20 })
  }
  const handle = await two.user.call.launch(1)
  await one.user.call.connect(2)
  const full = 'ERR_HARBOR_FULL no'
  const unanswered = 'ERR_HARBOR_FULL maybe'
  // Large and small ones, by `queueBytes`, or by the link, which takes fewer small ones at once:
  // src/harbor/peer-frames.test.ts has what it refuses, one by one.
  for (const [count, chars] of [
    [200, 100_000],
    [2500, 8000],
  ] as const) {
    const {
      answered = 0,
      [full]: refused = 0,
      // The other node got them, and found no room for them, or for their answers.
      [unanswered]: _,
      ...others
    } = await one.user.call.flood(handle, count, chars)
    assert.deepEqual(others, {})
    assert.ok(answered > 0 && refused > 0, `${answered} answered, ${refused} refused`)
  }
  assert.equal(await one.user.call.call(handle, 'echo', 'again'), 'again')
})

test('who joins twice at once has joined', async (t) => {
  const start = await aSeededCluster(t)
  const node = await start(1)
  await Promise.all([join(node), join(node)])
  await join(node)
  await node.user.call.globalName('HERE')
  assert.equal((await node.user.call.queryName('HERE')) >>> 24, 1)
})

test('a name that is given up and asked for again is looked for once', async (t) => {
  const [one] = (await joined(t, 1)) as [HarborNode]
  const { call } = one.user
  for (let i = 0; i < 40; i++) {
    await assert.rejects(call.queryName('N', 5), { code: 'ERR_CALL_TIMEOUT' })
  }
  const found = call.queryName('N', 0)
  const startedAt = performance.now()
  const before = await call.messagesOf('harbor-registry')
  await sleep(1200)
  const looks = (await call.messagesOf('harbor-registry')) - before
  // One each half a second, and a look for peers: each of 40 loops would have asked as often.
  const most = 3 * (1 + (performance.now() - startedAt) / 500)
  assert.ok(looks < most, `${looks} messages, and not ${most}`)
  await call.globalName('N')
  assert.equal((await found) >>> 24, 1)
})

// Proves: docs/harbor.md#off
test('without a cluster there are no harbors of one', async (t) => {
  const node = await aNode(t, 1)
  await assert.rejects(join(node), { code: 'ERR_CLUSTER_OFF' })
  await assert.rejects(node.user.call.queryName('X'), { code: 'ERR_HARBOR_OFF' })
  const both = { cluster: true, address: '127.0.0.1:0' } as never
  await assert.rejects(node.user.call.join(both), TypeError)
})
