/** What the runtime does for a setup is no task of it: nobody mistakes it for one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delay } from '../base/event-loop.ts'
import { type LoadedService, registerService } from '../modules/modules.ts'
import { killHome } from '../service/ordering.ts'
import { Repeats } from '../service/repeats.ts'
import { uniqueChain } from '../service/setup.ts'
import { FakeClock } from '../testing/fake-clock.ts'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'

/** What a setup may wait for, with a timer or a message of the runtime. */
const WAITS: Readonly<Record<string, (skynet: Skynet) => Promise<unknown>>> = {
  'a select that gives up': async (skynet) => {
    for await (const _ of skynet.select([() => skynet.wait('token')], { timeoutMs: 5 }));
  },
  'a new version of shared data': (skynet) => skynet.shareData.query('data').monitor(),
  'the service manager': (skynet) => {
    killHome(Skynet.serviceOf(skynet).runtime, skynet.localName('.service')!)
    return skynet.queryService(import.meta.url, { timeoutMs: 15 }).catch(() => {})
  },
}

for (const [what, wait] of Object.entries(WAITS)) {
  // Proves: docs/semantics.md#unique-circle
  test(`a setup that has waited for ${what} may still close a circle`, async () => {
    const clock = new FakeClock()
    await using node = await testNode({ clock })
    const { skynet } = node
    skynet.shareData.new('data', 1)
    const url = `file:///${what.replaceAll(' ', '-')}.ts`
    const chains: (readonly string[])[] = []
    const setup = async (its: Skynet): Promise<void> => {
      const service = Skynet.serviceOf(its)
      chains.push(uniqueChain(service.setups))
      await wait(its)
      chains.push(uniqueChain(service.setups))
    }
    registerService(url, defineService(setup) as LoadedService, [])
    skynet.uniqueService(url).catch(() => {})
    await node.settled()
    skynet.shareData.update('data', 2)
    await node.settled()
    await clock.advance(20)
    assert.deepEqual(chains, [[url], [url]])
  })
}

// Proves: docs/testing.md#settled
test('settled() waits for a setup whose faults the runtime counts', async () => {
  await using node = await testNode()
  const { skynet } = node
  const late = defineService(async (its) => {
    const service = Skynet.serviceOf(its)
    its.fork(() => {
      throw new Error('a fault')
    })
    new Repeats(service, (count) => `${count} more`, 'info').say('a line that may come in floods')
    await delay(20)
    its.register('.late')
  })
  skynet.fork(() => node.launch(late))
  await node.settled()
  assert.ok(skynet.localName('.late'))
})

test('timers of the runtime end with their service', async () => {
  await using node = await testNode()
  let service = Skynet.serviceOf(node.skynet)
  const { timers } = service.runtime.wheel
  const before = timers.size
  const { handle } = await node.launch(
    defineService((its) => {
      service = Skynet.serviceOf(its)
      service.after(60_000, () => assert.fail('it has ended'))
    }),
  )
  assert.equal(timers.size, before + 1)
  await node.skynet.kill(handle)
  assert.equal(timers.size, before)
  assert.equal(service.after(1, () => assert.fail('it has ended')).pending, false)
})
