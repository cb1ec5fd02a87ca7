/** Nodes of ours and of Skynet itself in one harbor cluster. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test as nodeTest, type TestContext } from 'node:test'
import { type LuaValues, valuesOf } from 'skynet-ts/harbor'
import { freePort } from '../support/free-port.ts'
import { aNode, aProcess, type HarborNode } from '../support/harbors.ts'
import { isOriginalThere, ORIGINAL_LEFT_OUT } from '../support/original.ts'
import { OriginalHarbor } from '../support/original-harbor.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>): void => {
  if (isOriginalThere()) nodeTest(title, { timeout: 120_000 }, body)
}
if (!isOriginalThere()) nodeTest('harbors of Skynet itself', (t) => t.diagnostic(ORIGINAL_LEFT_OUT))

async function anOriginal(
  t: TestContext,
  joining: Parameters<typeof OriginalHarbor.start>[0],
): Promise<OriginalHarbor> {
  const node = await OriginalHarbor.start(joining)
  t.after(() => node[Symbol.asyncDispose]())
  return node
}

const address = '127.0.0.1:0'
const FAILED = { code: 'ERR_HARBOR_FAILED' }
const LOST = { code: 'ERR_HARBOR_LOST' }

/** Harbors 1 and 2 of Skynet, the first the master, and 3 of ours. */
async function aMixture(t: TestContext) {
  const master = `127.0.0.1:${await freePort()}`
  const one = await anOriginal(t, { harbor: 1, master, isMaster: true })
  const two = await anOriginal(t, { harbor: 2, master })
  const ours = await aNode(t, 3)
  await ours.user.call.join({ master, address })
  const lua = [await ours.user.call.queryName('LUA1'), await ours.user.call.queryName('LUA2')]
  return { master, one, two, ours, lua: lua as [number, number] }
}

const callOf =
  ({ user }: HarborNode) =>
  (to: number, method: string, ...args: unknown[]) =>
    user.call.call(to, method, ...args)

// Proves: docs/harbor.md#original
test('a slave of ours joins a master of Skynet: names and calls go both ways', async (t) => {
  const { ours, lua } = await aMixture(t)
  const call = callOf(ours)
  const echo = await ours.user.call.launch(1)
  await ours.user.call.globalName('OURS', echo)
  for (const peer of lua) {
    assert.equal(await call(peer, 'echo', 'hello'), 'hello')
    const value = { list: [1, 2.5, 'x'], flag: true, n: -5, big: 2 ** 40 }
    assert.deepEqual(await call(peer, 'echo', value), value)
    assert.deepEqual(valuesOf((await call(peer, 'echo', 1, 'b')) as LuaValues), [1, 'b'])
    assert.deepEqual(
      await call(peer, 'call', echo, 'several', 'x'),
      await call(peer, 'echo', true, 'x'),
    )
    // Messages of another type are bytes.
    assert.equal(await ours.user.call.text(peer, 'héllo'), 'text: héllo')
    assert.equal(await call(peer, 'text', echo, 'héllo'), 'text: héllo')
    // They find ours, and call it, by its handle and by its global name.
    assert.equal(await call(peer, 'query', 'OURS'), echo)
    assert.equal(await call(peer, 'call', echo, 'echo', 'back'), 'back')
    assert.deepEqual(await call(peer, 'call', 'OURS', 'args', 1, 'two', [3]), [1, 'two', [3]])
    assert.equal(await call(peer, 'whoAsks'), await ours.user.call.call(echo, 'whoAsks'))
    // Ours calls back whoever of theirs asks.
    assert.equal(await call(peer, 'call', echo, 'callBack', 'echo', 'again'), 'again')
    // Sends, in order, both ways.
    for (let i = 0; i < 20; i++) ours.user.send.send(peer, 'note', i)
    for (let i = 0; i < 20; i++) await call(peer, 'send', echo, 'note', peer + i)
    const theirs = (await call(peer, 'notes')) as number[]
    assert.deepEqual(theirs, [...Array(20).keys()])
  }
  const notes = await until('all sends', async () => {
    const found = (await call(echo, 'notes')) as number[]
    return found.length === 40 && found
  })
  assert.deepEqual(
    notes,
    lua.flatMap((peer) => [...Array(20).keys()].map((i) => peer + i)),
  )
  const large = 'x'.repeat(5_000_000)
  assert.equal(await call(lua[0], 'echo', large), large)
  assert.equal(await call(lua[0], 'call', echo, 'echo', large), large)
})

// Proves: docs/harbor.md#original
test('what fails is an error on either side: a handler, a handle that is dead', async (t) => {
  const { ours, lua, one } = await aMixture(t)
  const call = callOf(ours)
  const [peer] = lua
  await assert.rejects(call(peer, 'fail'), FAILED)
  await assert.rejects(call(peer, 'noSuchCommand'), FAILED)
  await assert.rejects(call(0x01ffffff, 'echo', 1), FAILED)
  assert.match(one.log, /no luck in Lua/)
  await until('it is logged', () => /Unknown destination :1ffffff from :300/.test(one.log))
  const echo = await ours.user.call.launch(1)
  for (const [to, method] of [
    [echo, 'fail'],
    [echo, 'noSuchMethod'],
    [echo, 'odd'],
    [0x03ffffff, 'echo'],
  ] as const) {
    const [isOk] = valuesOf((await call(peer, 'try', to, method)) as LuaValues)
    assert.equal(isOk, false, method)
  }
  // One that dies while it is asked.
  const child = (await call(peer, 'launch')) as number
  assert.equal(await call(child, 'hello'), 'hello')
  await call(peer, 'begin', 'killed', echo, 'never')
  await ours.user.call.kill(echo)
  await until('Skynet is told', async () => (await call(peer, 'ended', 'killed')) === 'false')
  await call(peer, 'kill', child)
  await assert.rejects(call(child, 'hello'), FAILED)
  assert.equal(await call(peer, 'echo', 'it goes on'), 'it goes on')
})

// Proves: docs/harbor.md#original
test('joining fails in time: a number that is taken, a harbor that stands still', async (t) => {
  const { master, two } = await aMixture(t)
  const causeOf = (reason: RegExp) => (error: unknown) => {
    assert.match(String((error as { cause: unknown }).cause), reason)
    return true
  }
  const again = await aNode(t, 3)
  const join = (node: HarborNode, joinTimeoutMs: number) =>
    node.user.call.join({ master, address, joinTimeoutMs })
  await assert.rejects(join(again, 30_000), causeOf(/its connection has ended: it has ended/))
  two.signal('SIGSTOP')
  const four = await aNode(t, 4)
  await assert.rejects(join(four, 1000), causeOf(/within 1000 ms 2 of 3 harbors have connected/))
  two.signal('SIGCONT')
})

// Proves: docs/harbor.md#original
test('a harbor of Skynet that is killed ends the calls and links that wait for it', async (t) => {
  const { ours, lua, two } = await aMixture(t)
  const call = callOf(ours)
  const [one, other] = lua
  await ours.user.call.connect(2)
  await ours.user.call.begin(other, 'never')
  await ours.user.call.follow(2)
  assert.equal(await call(other, 'echo', 1), 1)
  await two.kill()
  const ends = await until('both ends', async () => {
    const found = await ours.user.call.ends()
    return found.length === 2 && found
  })
  assert.ok(ends.includes('2 is down'))
  const { code, info } = ends.find((end) => end !== '2 is down') as {
    code: string
    info: { sent: string }
  }
  assert.deepEqual([code, info.sent], ['ERR_HARBOR_LOST', 'maybe'])
  await assert.rejects(call(other, 'echo', 1), LOST)
  await assert.rejects(ours.user.call.connect(2), LOST)
  assert.equal(await call(one, 'echo', 1), 1)
})

// Proves: docs/harbor.md#original
test('a harbor that stands still ends calls by their deadline, and goes on with it', async (t) => {
  const { ours, lua, two } = await aMixture(t)
  two.signal('SIGSTOP')
  const late = ours.user.call.callWithin(lua[1], 100, 'echo', 1)
  await assert.rejects(late, { code: 'ERR_CALL_TIMEOUT' })
  assert.equal(await callOf(ours)(lua[0], 'echo', 1), 1)
  two.signal('SIGCONT')
  assert.equal(await callOf(ours)(lua[1], 'echo', 2), 2)
})

// Proves: docs/harbor.md#original
test('the master of Skynet is killed: what is known goes on, names do not', async (t) => {
  const { ours, lua, one } = await aMixture(t)
  await ours.user.call.follow(0)
  await ours.user.call.follow(1)
  await one.kill()
  const ends = await until('both ends', async () => {
    const found = await ours.user.call.ends()
    return found.length === 2 && found
  })
  assert.deepEqual([...ends].sort(), ['0 is down', '1 is down'])
  assert.equal(await callOf(ours)(lua[1], 'echo', 1), 1)
  assert.equal(await ours.user.call.queryName('LUA2'), lua[1])
  await assert.rejects(ours.user.call.queryName('NOBODY'), { code: 'ERR_HARBOR_MASTER' })
})

// Proves: docs/harbor.md#original
test('a node of ours that is killed is down for Skynet and for ours', async (t) => {
  const { master, lua, ours } = await aMixture(t)
  const call = callOf(ours)
  const victim = await aProcess(t, 4, { master, address })
  const handle = await ours.user.call.queryName('OURS4')
  for (const peer of lua) {
    assert.equal(await call(peer, 'call', handle, 'echo', 1), 1)
    await call(peer, 'begin', 'killed', handle, 'never')
    await call(peer, 'link', 'link', 4)
  }
  await ours.user.call.begin(handle, 'never')
  assert.equal(await call(handle, 'echo', 1), 1)
  victim.kill('SIGKILL')
  await once(victim, 'exit')
  await until('ours is told', async () => (await ours.user.call.ends()).length === 1)
  assert.equal(((await ours.user.call.ends())[0] as { code: string }).code, LOST.code)
  for (const peer of lua) {
    await until('its link', async () => (await call(peer, 'ended', 'link')) === 'down')
    // Skynet leaves its own calls without an end.
    assert.equal(await call(peer, 'ended', 'killed'), undefined)
    assert.equal(await call(peer, 'echo', 'it goes on'), 'it goes on')
  }
})

// Proves: docs/harbor.md#original
test('slaves of Skynet join a master of ours, before and after a slave of ours', async (t) => {
  const first = await aNode(t, 1)
  const master = await first.user.call.join({ address, standalone: address })
  await anOriginal(t, { harbor: 2, master })
  const third = await aNode(t, 3)
  await third.user.call.join({ master, address })
  await anOriginal(t, { harbor: 250, master })
  const call = callOf(third)
  const [two, high] = [
    await third.user.call.queryName('LUA2'),
    await first.user.call.queryName('LUA250'),
  ]
  assert.deepEqual([two >>> 24, high >>> 24], [2, 250])
  const echo = await first.user.call.launch(0)
  await first.user.call.globalName('FIRST', echo)
  for (const peer of [two, high]) {
    assert.equal(await call(peer, 'echo', 'x'), 'x')
    assert.equal(await call(peer, 'call', 'FIRST', 'echo', 'y'), 'y')
    assert.equal(await call(peer, 'query', 'LUA250'), high)
    assert.equal(await call(peer, 'connect', 3), 'up')
  }
  assert.equal(await call(two, 'call', high, 'echo', 'z'), 'z')
  // What a master of Skynet has for all nodes.
  const data = await third.user.call.queryName('DATACENTER')
  await call(two, 'call', 'DATACENTER', 'UPDATE', 'a', 'b', 5)
  assert.equal(await call(data, 'QUERY', 'a', 'b'), 5)
  assert.equal(await call(high, 'call', 'DATACENTER', 'QUERY', 'a', 'b'), 5)
  // A name that nobody has yet is waited for there, too.
  await call(two, 'begin', 'waits', 'LATER', 'echo', 1)
  await third.user.call.globalName('LATER', await third.user.call.launch(1))
  await until('it is answered', async () => (await call(two, 'ended', 'waits')) === 'true')
})
