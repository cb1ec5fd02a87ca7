import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from '../base/event-loop.ts'
import type { Fence } from '../service/life.ts'
import type { NameOwner } from './core/records.ts'
import { Uniques, type Wanted } from './uniques.ts'

const WANTED: Wanted = { name: 'lobby', url: 'file:///lobby.js', options: {} }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Names, launches and orders that only note what they are told; a test says what comes of them. */
function setUp(launch: (fence: Fence) => Promise<number> = async () => 0x01000007) {
  const said: string[] = []
  const dead = new Set<number>()
  let owner: NameOwner | undefined
  let late: (() => void) | undefined
  let hasStore = true
  const uniques = new Uniques({
    timeout: (_ms, task) => {
      late = task
      return { cancel: () => (late = undefined) }
    },
    names: {
      owner: () => owner,
      claim: (name, id) => said.push(`claim ${name} ${id}`),
      release: (name) => said.push(`release ${name}`),
      releaseAll: (released) => {
        said.push('release all')
        if (hasStore) released()
      },
    },
    self: () => ({ node: 'a', epoch: 5 }),
    launch: ({ url }, fence) => {
      said.push(`launch ${url} ${fence}`)
      return launch(fence)
    },
    handleOf: ({ node, id }) => (node === 'b' ? 0x500 + id : 0),
    idOf: (handle) => handle & 0xffffff,
    isAlive: (handle) => !dead.has(handle),
    hold: (handle, isOn) => said.push(`hold ${handle} ${isOn}`),
    handOver: async (handle) => said.push(`hand over ${handle}`),
    fence: (handle, name, token, current) =>
      said.push(`fence ${handle} ${name} ${token} ${current}`),
    complain: (text) => said.push(text),
    log: (text) => said.push(text),
  })
  const take = (): string[] => said.splice(0)
  const own = (found: NameOwner | undefined): void => {
    owner = found
  }
  const loseStore = (): void => {
    hasStore = false
  }
  return { uniques, take, own, dead, loseStore, isLate: () => late?.() }
}

test('who gets the name launches the service with its token, and says which it is', async () => {
  const { uniques, take } = setUp()
  const [one, other] = [uniques.find(WANTED), uniques.find(WANTED)]
  assert.deepEqual(take(), ['claim lobby 0', 'claim lobby 0'])
  uniques.owned('lobby', [1, 9])
  assert.deepEqual([await one, await other], [0x01000007, 0x01000007])
  assert.deepEqual(take(), ['launch file:///lobby.js 1,9', 'claim lobby 7'])
  assert.equal(await uniques.find(WANTED), 0x01000007)
  assert.deepEqual(take(), [])
})

test('of another node it is waited for until that says which it is', async () => {
  const { uniques, take, own } = setUp()
  const found = uniques.find(WANTED)
  own({ node: 'b', epoch: 2, id: 0, token: [1, 3] })
  uniques.changed('lobby')
  own({ node: 'b', epoch: 2, id: 4, token: [1, 3] })
  uniques.changed('lobby')
  assert.equal(await found, 0x504)
  assert.equal(await uniques.find(WANTED), 0x504)
  assert.deepEqual(take(), ['claim lobby 0'])
})

test('a service that was overtaken ends, and its name is wanted again', async () => {
  const { uniques, take } = setUp()
  void uniques.find(WANTED)
  uniques.owned('lobby', [1, 9])
  await turn()
  take()
  uniques.fenced('lobby', [1, 9], [1, 12])
  assert.deepEqual(take(), [`fence ${0x01000007} lobby 1,9 1,12`, 'claim lobby 0'])
})

test('one that is overtaken while it is launched never serves', async () => {
  let launched!: (handle: number) => void
  const { uniques, take } = setUp(() => new Promise((resolve) => (launched = resolve)))
  let isFound = false
  void uniques.find(WANTED).then(() => (isFound = true))
  uniques.owned('lobby', [1, 9])
  uniques.fenced('lobby', [1, 9], [1, 12])
  take()
  launched(0x01000007)
  await turn()
  assert.deepEqual(take(), [`fence ${0x01000007} lobby 1,9 undefined`])
  assert.equal(isFound, false)
})

// Proves: docs/cluster.md#held
test('while its node is not heard a service is held, also one just launched', async () => {
  const { uniques, take } = setUp()
  void uniques.find(WANTED)
  uniques.acting(false)
  uniques.owned('lobby', [1, 9])
  await turn()
  const what = 'lobby, which is one in the cluster,'
  const held = [
    `hold ${0x01000007} true`,
    `${what} handles nothing until the cluster is heard again`,
  ]
  assert.deepEqual(take().slice(2, 4), held)
  uniques.acting(true)
  assert.deepEqual(take(), [`hold ${0x01000007} false`, `${what} goes on`])
  uniques.acting(false)
  assert.deepEqual(take(), held)
})

test('a launch that fails tells who waits, and gives the name back', async () => {
  const { uniques, take } = setUp(() => Promise.reject(new Error('no such module')))
  const found = uniques.find(WANTED)
  uniques.owned('lobby', [1, 9])
  await assert.rejects(found, /no such module/)
  assert.equal(take().at(-1), 'release lobby')
})

test('of one that has ended the name is given back, and asked for anew', async () => {
  const { uniques, take, dead } = setUp()
  void uniques.find(WANTED)
  uniques.owned('lobby', [1, 9])
  await turn()
  take()
  dead.add(0x01000007)
  uniques.sweep()
  assert.deepEqual(take(), ['release lobby'])
  void uniques.find(WANTED)
  assert.deepEqual(take(), ['claim lobby 0'])
})

test('a node that leaves ends its services before others may have their names', async () => {
  const { uniques, take } = setUp()
  void uniques.find(WANTED)
  uniques.owned('lobby', [1, 9])
  await turn()
  take()
  await uniques.release()
  assert.deepEqual(take(), [`hand over ${0x01000007}`, 'release all'])
  const other = { ...WANTED, name: 'other' }
  await assert.rejects(uniques.find(other), { code: 'ERR_SERVICE_LAUNCH' })
})

test('a node that leaves waits for a store that is not there up to a limit', async () => {
  const { uniques, take, loseStore, isLate } = setUp()
  loseStore()
  let hasLeft = false
  const left = uniques.release().then(() => (hasLeft = true))
  await turn()
  assert.deepEqual([take(), hasLeft], [['release all'], false])
  isLate()
  await left
})

test('a node that drains launches nothing, and finds what other nodes have', async () => {
  const { uniques, take, own } = setUp()
  void uniques.find(WANTED)
  own({ node: 'a', epoch: 5, id: 0, token: [1, 9] })
  uniques.owned('lobby', [1, 9])
  await turn()
  await uniques.release()
  take()
  await assert.rejects(uniques.find(WANTED), { code: 'ERR_SERVICE_LAUNCH' })
  own({ node: 'b', epoch: 2, id: 0, token: [1, 12] })
  const found = uniques.find(WANTED)
  own({ node: 'b', epoch: 2, id: 4, token: [1, 12] })
  uniques.changed('lobby')
  assert.deepEqual([await found, await uniques.find(WANTED)], [0x504, 0x504])
  own(undefined)
  await assert.rejects(uniques.find(WANTED), { code: 'ERR_SERVICE_LAUNCH' })
  assert.deepEqual(take(), [], 'nothing is claimed or launched')
})
