/** Nodes in one harbor cluster, over real sockets: master, slaves, calls, names, ends. */
import assert from 'node:assert/strict'
import { test as nodeTest, type TestContext } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { aCluster, aNode } from '../support/harbors.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>) =>
  nodeTest(title, { timeout: 120_000 }, body)

const harborOf = (handle: number): number => handle >>> 24

// Proves: docs/harbor.md#example, #names
test('services of three harbors call each other by handle and by global name', async (t) => {
  const { nodes } = await aCluster(t, 1, 2, 200)
  const [one, two, high] = nodes.map(({ user }) => user) as [
    (typeof nodes)[0]['user'],
    (typeof nodes)[0]['user'],
    (typeof nodes)[0]['user'],
  ]
  const handles = await Promise.all(nodes.map(({ user }, i) => user.call.launch(i % 2)))
  assert.deepEqual(handles.map(harborOf), [1, 2, 200])
  for (const user of [one, two, high]) {
    for (const handle of handles) {
      const value = { list: [1, 'x', 2.5, true], from: handle }
      assert.deepEqual(await user.call.call(handle, 'echo', value), value)
      assert.deepEqual(await user.call.call(handle, 'args', 1, 'b'), [1, 'b'])
      assert.equal(await user.call.call(handle, 'nothing'), undefined)
    }
  }
  await two.call.globalName('ECHO', handles[1])
  assert.equal(await one.call.queryName('ECHO'), handles[1])
  assert.equal(await high.call.echoBy('ECHO', 7), 7)
  // Also from 0x80000000 on.
  await high.call.globalName('HIGH', handles[2])
  assert.equal(await one.call.queryName('HIGH'), handles[2])
  assert.equal(await one.call.echoBy('HIGH', 8), 8)
  // Sends and calls arrive in order.
  for (let i = 0; i < 50; i++) assert.equal(one.send.send(handles[2]!, 'note', i), true)
  const notes = await until('all notes', async () => {
    const found = (await one.call.call(handles[2]!, 'notes')) as number[]
    return found.length === 50 && found
  })
  assert.deepEqual(notes, [...Array(50).keys()])
  // Who asks can be called back: the handle means the same here and there.
  const source = (await one.call.call(handles[1]!, 'whoAsks')) as number
  assert.equal(harborOf(source), 1)
  assert.deepEqual(await one.call.call(handles[1]!, 'callBack', 'queryName', 'HIGH'), handles[2])
  for (const { test: node } of nodes) node.assertNoFault()
})

// Proves: docs/harbor.md#failures
test('a method that fails, a dead handle and values that do not travel are errors', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const handle = await two.user.call.launch(1)
  const failed = { code: 'ERR_HARBOR_FAILED' }
  await assert.rejects(one.user.call.call(handle, 'fail'), failed)
  await two.test.logged(/:0200.* has failed, called by :0100.*: no luck here/)
  await assert.rejects(one.user.call.call(handle, 'nothingLikeIt'), failed)
  await assert.rejects(one.user.call.call(handle, 'odd'), failed)
  await assert.rejects(one.user.call.call(0x02ffffff, 'echo', 1), failed)
  await two.test.logged(/Unknown destination :02ffffff from :0100/)
  await assert.rejects(one.user.call.call(handle, 'echo', new Date(0)), {
    code: 'ERR_MESSAGE_UNSUPPORTED',
    message: /args\[0\]: Date/,
  })
  // One that ends while it is asked.
  await one.user.call.begin(handle, 'never')
  assert.equal(await one.user.call.call(handle, 'echo', 1), 1)
  assert.equal(await two.user.call.kill(handle), true)
  const [end] = await until('the call ends', async () => {
    const ends = (await one.user.call.ends()) as { code: string }[]
    return ends.length > 0 && ends
  })
  assert.equal(end?.code, 'ERR_HARBOR_FAILED')
})

// Proves: docs/harbor.md#worker-death
test('a worker that dies fails the calls of other harbors that wait for it', async (t) => {
  const [one, two] = [await aNode(t, 1), await aNode(t, 2, { thread: 4 })]
  const address = '127.0.0.1:0'
  const master = await one.user.call.join({ address, standalone: address })
  const mine = await two.user.call.worker()
  // What the program asks begins on worker 0.
  const [on, elsewhere] = [1, 2, 3].filter((worker) => worker !== mine) as [number, number]
  await two.user.call.join({ address, master, on })
  const handle = await two.user.call.launch(elsewhere)
  await one.user.call.begin(handle, 'never')
  assert.equal(await one.user.call.call(handle, 'echo', 1), 1)
  one.user.send.send(handle, 'exitThread')
  const codes = async (): Promise<unknown[]> =>
    ((await one.user.call.ends()) as { code: string }[]).map(({ code }) => code)
  await until('the call ends', async () => (await codes()).length === 1)
  assert.deepEqual(await codes(), ['ERR_HARBOR_FAILED'])
  // The harbor itself is on another one.
  const other = await two.user.call.launch(on)
  assert.equal(await one.user.call.call(other, 'echo', 1), 1)
  // And now the harbor's.
  const caller = await two.user.call.launch(mine)
  const here = await one.user.call.launch(1)
  await one.user.call.begin(other, 'never')
  const asked = two.user.call.callWithin(caller, 60_000, 'callOther', here, 'never')
  await until('it is asked', async () => (await one.user.call.call(here, 'asked')) === 1)
  one.user.send.send(other, 'exitThread')
  await assert.rejects(asked, { code: 'ERR_CALL_DEAD' })
  await until('the call ends', async () => (await codes()).length === 2)
  assert.deepEqual(await codes(), ['ERR_HARBOR_FAILED', 'ERR_HARBOR_LOST'])
  await assert.rejects(two.user.call.call(here, 'echo', 1), { code: 'ERR_CALL_DEAD' })
})

// Proves: docs/harbor.md#down
// Proves: docs/skynet.md#testharborlink
test('a harbor that ends is down: calls, links and names say so', async (t) => {
  const { nodes, master } = await aCluster(t, 1, 2, 3)
  const [one, two, three] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
  const handle = await two.user.call.launch(1)
  await two.user.call.globalName('GONE', handle)
  assert.equal(await one.user.call.queryName('GONE'), handle)
  for (const { user } of [one, three]) {
    await user.call.connect(2)
    await user.call.begin(handle, 'never')
    await user.call.follow(2)
    assert.equal(await user.call.call(handle, 'echo', 1), 1)
  }
  await two.test.node.stop()
  for (const { user } of [one, three]) {
    const ends = await until('both ends', async () => {
      const found = await user.call.ends()
      return found.length === 2 && found
    })
    assert.ok(ends.includes('2 is down'), JSON.stringify(ends))
    const { code } = ends.find((end) => typeof end === 'object') as { code: string }
    // The node may have told, before it ended.
    assert.match(code, /ERR_HARBOR_LOST|ERR_HARBOR_FAILED/)
    const lost = { code: 'ERR_HARBOR_LOST' }
    await until('it is known to be down', async () =>
      (await user.call.harbors()).some(({ harbor, state }) => harbor === 2 && state === 'down'),
    )
    await assert.rejects(user.call.call(handle, 'echo', 1), lost)
    await assert.rejects(user.call.connect(2), lost)
    await user.call.link(2)
    assert.equal(await user.call.queryName('GONE'), handle)
  }
  // Its number is used up.
  const again = await aNode(t, 2)
  const options = { master, address: '127.0.0.1:0', joinTimeoutMs: 10_000 }
  await assert.rejects(again.user.call.join(options), (error) => {
    assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'))
    assert.ok(isSkynetError(error.cause, 'ERR_HARBOR_JOIN'), String(error.cause))
    return true
  })
  await one.test.logged(/harbor 2 is registered already/)
  const four = await aNode(t, 4)
  await four.user.call.join(options)
  const newest = await four.user.call.launch(0)
  assert.equal(await three.user.call.call(newest, 'me'), newest)
})

// Proves: docs/harbor.md#monitor
test('monitors and links of services of another harbor are told when that is down', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const there = await two.user.call.launch(1)
  const linked = await one.user.call.launch(1)
  const orders = { code: 'ERR_HARBOR_ORDER' }
  await assert.rejects(one.user.call.kill(there), orders)
  await assert.rejects(one.user.call.mailbox(there), orders)
  await assert.rejects(one.user.call.monitor(there, 20), { code: 'ERR_CALL_TIMEOUT' })
  await one.user.call.call(linked, 'linkTo', there)
  const ending = one.user.call.monitor(there)
  const end = one.user.call.monitor(linked)
  assert.equal(await one.user.call.call(there, 'echo', 1), 1)
  await two.test.node.stop()
  const { reason, handle, cause } = await ending
  assert.deepEqual([reason, handle], ['node down', there])
  assert.ok(isSkynetError(cause, 'ERR_HARBOR_LOST'))
  assert.equal((await end).reason, 'linked')
  assert.equal((await one.user.call.monitor(there)).reason, 'node down')
  await one.user.call.leave()
  assert.equal((await one.user.call.monitor(there)).reason, 'gone')
})

// Proves: docs/harbor.md#master
test('without its master a cluster goes on, but for names', async (t) => {
  const { nodes } = await aCluster(t, 1, 2, 3)
  const [one, two, three] = nodes as [(typeof nodes)[0], (typeof nodes)[0], (typeof nodes)[0]]
  const handle = await two.user.call.launch(1)
  await two.user.call.globalName('KNOWN', handle)
  assert.equal(await three.user.call.queryName('KNOWN'), handle)
  await three.user.call.follow(0)
  await one.test.node.stop()
  await until('the end of the master', async () => (await three.user.call.ends()).length === 1)
  assert.deepEqual(await three.user.call.ends(), ['0 is down'])
  assert.equal(await three.user.call.call(handle, 'echo', 1), 1)
  assert.equal(await three.user.call.queryName('KNOWN'), handle)
  const master = { code: 'ERR_HARBOR_MASTER' }
  await assert.rejects(three.user.call.queryName('UNKNOWN'), master)
  await assert.rejects(three.user.call.globalName('NEW'), master)
  await three.user.call.linkMaster()
})

// Proves: docs/harbor.md#names
test('global names: waited for, taken once, and what is none', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const asked = one.user.call.queryName('LATER', 0)
  const alsoAsked = one.user.call.queryName('LATER', 0)
  await assert.rejects(one.user.call.queryName('LATER', 20), { code: 'ERR_CALL_TIMEOUT' })
  const handle = await two.user.call.launch(0)
  await two.user.call.globalName('LATER', handle)
  assert.deepEqual(await Promise.all([asked, alsoAsked]), [handle, handle])
  await two.user.call.globalName('LATER', handle)
  await assert.rejects(one.user.call.globalName('LATER'), { code: 'ERR_NAME_TAKEN' })
  for (const name of ['.local', ':0100000a', '5', 'x'.repeat(16), 'é'.repeat(8)]) {
    await assert.rejects(one.user.call.queryName(name), { code: 'ERR_NAME_INVALID' })
  }
  await assert.rejects(one.user.call.queryName(''), { code: 'ERR_INVALID_ARG_VALUE' })
  const longest = 'x'.repeat(15)
  await one.user.call.globalName(longest)
  assert.equal(harborOf(await two.user.call.queryName(longest)), 1)
  await assert.rejects(one.user.call.link(256), RangeError)
})

test('what is given up, answered or over leaves nothing in a harbor', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const handle = await two.user.call.launch(1)
  assert.equal(await one.user.call.giveAllUp(handle, 200), 800)
  const calls = Array.from({ length: 200 }, (_, i) => one.user.call.call(handle, 'echo', i))
  assert.deepEqual(await Promise.all(calls), [...calls.keys()])
  // The table lets go of calls a little later; of their requests when the service ends.
  await until('no call is open', async () => (await one.user.call.stat()).calls === 0)
  assert.equal((await two.user.call.stat()).requests, 200)
  await two.user.call.kill(handle)
  const nothing = { calls: 0, requests: 0, waitingBytes: 0 }
  for (const { user } of nodes) {
    await until('nothing is open', async () => {
      const { calls: open, requests } = await user.call.stat()
      return open + requests === 0
    })
    assert.deepEqual(await user.call.stat(), nothing)
  }
})

// Proves: docs/harbor.md#values
test('a reference in a message is a handle there, and can be called', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  const [here, there] = await Promise.all([one.user.call.launch(1), two.user.call.launch(1)])
  // Passed on to a service of the harbor that asks, and to another of its own.
  assert.equal(await one.user.call.call(there, 'passOn', here, 'me'), here)
  const other = await two.user.call.launch(0)
  assert.equal(await one.user.call.call(there, 'passOn', other, 'me'), other)
  // To nobody: of the harbor that asks, of its own.
  const limits = 60_000
  await assert.rejects(one.user.call.callWithin(there, limits, 'passOn', 0x01ffffff, 'me'), {
    code: 'ERR_CALL_DEAD',
  })
  assert.equal(await one.user.call.call(there, 'echo', 'it goes on'), 'it goes on')
  await assert.rejects(one.user.call.callWithin(there, 50, 'never'), { code: 'ERR_CALL_TIMEOUT' })
})

// Proves: docs/harbor.md#off
test('without a harbor its API says so, and handles of others are of nobody', async (t) => {
  const { user } = await aNode(t, 1)
  const off = { code: 'ERR_HARBOR_OFF' }
  await assert.rejects(user.call.queryName('X'), off)
  await assert.rejects(user.call.harbors(), off)
  await assert.rejects(user.call.call(0x02000007, 'echo'), { code: 'ERR_CALL_DEAD' })
  assert.equal(await user.call.send(0x02000007, 'echo'), false)
  const address = '127.0.0.1:0'
  const causeOf = (code: string) => (error: unknown) => {
    assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'), String(error))
    assert.equal((error.cause as { code: string }).code, code)
    return true
  }
  // Nobody is there.
  const options = { master: '127.0.0.1:1', address }
  await assert.rejects(user.call.join(options), causeOf('ERR_HARBOR_JOIN'))
  await assert.rejects(user.call.join({ address } as never), TypeError)
  await assert.rejects(user.call.join({ ...options, adress: 'x:1' } as never), TypeError)
  await assert.rejects(user.call.join({ ...options, master: 'nowhere' }), TypeError)
  await assert.rejects(user.call.join({ ...options, queueBytes: 1 }), RangeError)
  // What failed has left nothing behind.
  await assert.rejects(user.call.call(0x02000007, 'echo'), { code: 'ERR_CALL_DEAD' })
  assert.match(await user.call.join({ address, standalone: address }), /^127\.0\.0\.1:\d+$/)
  const { user: none } = await aNode(t, 0)
  await assert.rejects(
    none.call.join({ address, standalone: address }),
    causeOf('ERR_CONFIG_VALUE'),
  )
})

// Proves: docs/harbor.md#waiting
test('what is for a harbor that never comes ends after waitMs', async (t) => {
  const { user } = await aNode(t, 1)
  const address = '127.0.0.1:0'
  await user.call.join({ address, standalone: address, waitMs: 50 })
  await assert.rejects(user.call.call(0x07000001, 'echo', 1), {
    code: 'ERR_HARBOR_LOST',
    message: /harbor 7: it has not connected within 50 ms/,
  })
  const late = user.call.connect(7, 20)
  await assert.rejects(late, { code: 'ERR_CALL_TIMEOUT' })
  await user.call.begin(0x07000001, 'echo')
  assert.equal(await user.call.leave(), true)
  await until('the call ends', async () => (await user.call.ends()).length === 1)
  await assert.rejects(user.call.harbors(), { code: 'ERR_HARBOR_OFF' })
})

// Proves: docs/harbor.md#trust
test('services of the node itself are not called by others', async (t) => {
  const { nodes } = await aCluster(t, 1, 2)
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  // .logger, .service and .harbor are among the first.
  const mine = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      one.user.call.call(0x02000001 + i, 'giveUp', 1, 1).then(
        () => true,
        (error: { code: string }) => error.code,
      ),
    ),
  )
  assert.deepEqual([...new Set(mine)], ['ERR_HARBOR_FAILED'])
  assert.equal((await two.user.call.harbors()).length, 1)
})
