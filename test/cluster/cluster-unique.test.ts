import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHubs } from '../support/cluster-hubs.ts'
import { until } from '../support/until.ts'

type Token = readonly [number, number] | undefined

const isLater = (one: Token, other: Token): boolean =>
  one![0] > other![0] || (one![0] === other![0] && one![1] > other![1])

test('uniqueService is one in the cluster, whoever asks, and has a token', async (t) => {
  const { hub } = await startHubs(t, { a: {}, b: {}, c: {} })
  const names = ['a', 'b', 'c']
  const joined = await Promise.all(names.map((name) => hub(name).join(name)))
  const [first] = joined
  for (const { where, fence } of joined)
    assert.deepEqual([where, fence], [first!.where, first!.fence])
  const { members } = await hub('a').join('again')
  assert.deepEqual([...members].sort(), ['a', 'again', 'b', 'c', first!.where].sort())
})

// Proves: docs/cluster.md#one-owner
test('a unique service moves with a later token when its node stops, or it ends', async (t) => {
  const { hub, stop } = await startHubs(t, { a: {}, b: {}, c: {} })
  const first = await hub('b').join('b')
  assert.equal(first.where, 'b', 'who asks first has it')
  assert.equal((await hub('c').join('c')).where, 'b')
  await stop('b')
  const next = await until('it is on another node', () =>
    hub('a')
      .join('a')
      .catch(() => undefined),
  )
  assert.notEqual(next.where, 'b')
  assert.ok(isLater(next.fence, first.fence), `${first.fence} → ${next.fence}`)
  assert.equal((await hub('c').join('c')).where, next.where)
  const last = await until('it is launched again', async () => {
    const found = await hub('c')
      .join('c')
      .catch(() => undefined)
    if (found !== undefined && isLater(found.fence, next.fence)) return found
    // It is told to end by a send, which is lost where a busy machine loses the connection.
    await hub('a')
      .closeLobby()
      .catch(() => {})
    return undefined
  })
  assert.deepEqual(last.members.at(-1), 'c')
})

// Proves: docs/cluster.md#drain
test('a node that drains hands over what is one, finds it there, and goes on', async (t) => {
  const { hub } = await startHubs(t, { a: {}, b: {} })
  const { where } = await hub('a').join('before')
  const other = where === 'a' ? 'b' : 'a'
  await hub(where).drain()
  // Who still knows the one that has ended is told so, and asks again.
  const next = await until('it is launched there', () =>
    hub(other)
      .join('there')
      .catch(() => undefined),
  )
  assert.equal(next.where, other)
  assert.equal((await hub(where).join('here')).where, other)
  await until('the other one knows', async () =>
    (await hub(other).events()).some(({ node, state }) => node === where && state === 'draining'),
  )
  await assert.rejects(hub(other).launch(where, 'x'), { code: 'ERR_SERVICE_LAUNCH' })
  assert.equal(await hub(where).relay(other, 1), 1)
  assert.equal(await hub(other).relay(where, 2), 2)
})
