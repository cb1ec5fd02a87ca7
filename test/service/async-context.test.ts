/** `AsyncLocalStorage` in services: whose stores code sees, whatever set it off. */
import assert from 'node:assert/strict'
import type { Skynet } from 'skynet-ts'
import type tenant from '../fixtures/tenant.ts'
import { ENTRIES, SOCKET_ENTRIES, stores, type Way, wrongOf } from '../fixtures/tenant.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const WAYS: readonly Way[] = ['run', 'enterWith', 'both']
const PLACES = ['same', 1] as const
const TENANT = new URL('../fixtures/tenant.ts', import.meta.url)
/** Requests that are under way at once. */
const AT_ONCE = 20

const launch = (skynet: Skynet, on: 'same' | number) =>
  skynet.newService<typeof tenant>(TENANT, { on })

// Proves: docs/commands.md#store-tasks
check('all that a request begins or waits for sees its stores, and no others', async (skynet) => {
  const entries = Object.keys(ENTRIES)
  const wrong: string[] = []
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, i) => {
        const name = `${on}-${i}`
        wrong.push(...wrongOf(name, await peer.call.login(name, WAYS[i % 3]!, entries)))
      }),
    )
  }
  assert.deepEqual(wrong, [])
})

// Proves: docs/commands.md#store-sockets
check('what sockets bring to a request sees its stores, and no others', async (skynet) => {
  const entries = Object.keys(SOCKET_ENTRIES)
  const wrong: string[] = []
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    for (const way of WAYS) {
      wrong.push(...wrongOf(way, await peer.call.login(way, way, entries)))
    }
  }
  assert.deepEqual(wrong, [])
})

// Proves: docs/commands.md#store-none
check('a handler that nobody has wrapped has no store, whoever calls it', async (skynet) => {
  const seen = new Set<string>()
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    for (let i = 0; i < AT_ONCE; i++) {
      peer.send.login(`before ${i}`, WAYS[i % 3]!, [])
      seen.add(await peer.call.who())
      const child = await launch(skynet, on)
      seen.add(await child.call.atSetup())
    }
  }
  assert.deepEqual([...seen], ['nobody nobody'])
})

// Proves: docs/commands.md#store-none
check(
  'requests that came before setup was done see no store, of setup or another',
  async (skynet) => {
    const peer = await skynet.newService<typeof tenant>(TENANT, { args: ['setup'], on: 1 })
    assert.deepEqual(await peer.call.early(), ['nobody nobody', 'nobody nobody', 'nobody nobody'])
  },
)

// Proves: docs/commands.md#store-hooks
check('hooks see the stores of who has added them', async (skynet, handlers) => {
  const told: string[] = []
  handlers.told = (hook: string, own: string) => void told.push(`${hook} ${own}`)
  for (const on of PLACES) {
    const peer = await launch(skynet, on)
    await peer.call.hook('owner', skynet.self)
    await skynet.signal(peer.handle, 1)
    peer.send.leave()
    await until('both hooks were called', () => told.length === 2)
    assert.deepEqual(told.splice(0), ['signal owner owner', 'exit owner owner'])
  }
  assert.equal(stores(), 'nobody nobody')
})
