/** The registry without nodes: what it asks when it begins, and what it gives then. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { type HarborPeerRef, harborRegistry } from './registry.ts'

type Names = readonly (readonly [string, number])[]

const lateError = (): Error => {
  const info = { method: 'state', to: ':2', timeoutMs: 1000 }
  return new SkynetError('ERR_CALL_TIMEOUT', info as never)
}

/** The `.harbor` of another node. It is busy when it is asked the first times. */
function aHarbor(harbor: number, names: Names, busy = 0) {
  let asked = 0
  const call = {
    state: async () => {
      if (asked++ < busy) throw lateError()
      return { harbor, names }
    },
  }
  const told: unknown[][] = []
  const road = { isFull: false }
  const take = (...news: unknown[]): void => {
    if (road.isFull) throw new SkynetError('ERR_LINK_FULL', { node: 'b', limit: 8, sent: 'no' })
    told.push(news)
  }
  const ref = {
    handle: (harbor << 24) | 1,
    address: `:${harbor}`,
    call,
    send: {
      named: (name: string, handle: number) => take(name, handle),
      peerUp: (other: number) => take(other),
    },
    with: () => ref,
  }
  return { ref: ref as unknown as HarborPeerRef, asked: () => asked, told, road }
}

function aRegistry(harbors: Record<string, ReturnType<typeof aHarbor>>, isDown = () => false) {
  let now = 0
  const lines: string[] = []
  const skynet = {
    cluster: {
      nodes: async () =>
        Object.keys(isDown() ? {} : harbors).map((node) => ({ node, state: 'up' })),
      query: async (node: string) => harbors[node]!.ref,
    },
    monitor: () => new Promise(() => {}),
    error: (line: string) => lines.push(line),
    now: () => (now += 1000),
  }
  return { registry: harborRegistry(skynet as never), lines }
}

// Proves: docs/harbor.md#cluster-registry
test('a registry gives no name and no number before a busy harbor has answered', async () => {
  const two = aHarbor(2, [['LOBBY', 0x02000008]], 3)
  const { registry, lines } = aRegistry({ b: two })
  const methods = await registry
  assert.equal(two.asked(), 4)
  assert.equal(methods.register('LOBBY', 0x03000009), 0x02000008)
  const taken = { code: 'ERR_HARBOR_JOIN' }
  assert.throws(() => methods.join(2, { handle: 7 } as HarborPeerRef, []), taken)
  assert.deepEqual(lines, [])
})

test('a registry waits neither for who is down nor for ever', async () => {
  const gone = aHarbor(2, [], Infinity)
  await aRegistry({ b: gone }, () => gone.asked() > 0).registry
  assert.equal(gone.asked(), 1)
  const { registry, lines } = aRegistry({ b: aHarbor(2, [], Infinity) })
  await registry
  assert.equal(lines.length, 1)
})

// Proves: docs/harbor.md#cluster-news
test('who takes no more keeps nobody out, and finds what it has missed', async () => {
  const [two, three, four] = [aHarbor(2, []), aHarbor(3, []), aHarbor(4, [])]
  const methods = await aRegistry({}).registry
  assert.equal(methods.join(2, two.ref, [['A', 0x02000008]]).given, 1)
  methods.join(3, three.ref, [])
  two.told.splice(0)
  three.told.splice(0)
  two.road.isFull = true
  const joined = methods.join(4, four.ref, [])
  assert.deepEqual(
    joined.peers.map(([harbor]) => harbor),
    [2, 3, 4],
  )
  assert.equal(methods.register('B', 0x04000009), 0x04000009)
  // Those behind it hear all, and it finds what came behind what it has seen.
  assert.deepEqual([two.told, three.told], [[], [[4], ['B', 0x04000009]]])
  const { peers, names, given } = methods.news(1)
  assert.deepEqual([peers.length, names, given], [3, [['B', 0x04000009]], 2])
  assert.deepEqual(methods.news(2).names, [])
})
