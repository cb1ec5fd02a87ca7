import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LAUNCH_ARGS_MAX } from '../base/limits.ts'
import { type LoadedService, registerService } from '../modules/modules.ts'
import { originOf } from '../service/life.ts'
import type { Runtime } from '../service/runtime.ts'
import { kinOf } from '../supervision/kin.ts'
import { testNode } from '../testing/test-node.ts'
import { defineService } from './define-service.ts'
import { Skynet } from './skynet.ts'
import { Supervisor, supervise } from './supervise.ts'

const define = (name: string, setup: (skynet: Skynet) => void | Promise<void>): string => {
  const url = `file:///supervised-${name}.ts`
  registerService(url, defineService(setup) as LoadedService, [])
  return url
}

// Proves: docs/semantics.md#supervise-keeps
test('a supervisor keeps nothing of a child that has ended, its setup done or not', async () => {
  await using node = await testNode()
  const { skynet } = node
  const service = Skynet.serviceOf(skynet)
  let isFit = true
  const path = define('at-times', async () => {
    await undefined
    if (!isFit) throw new Error('not now')
  })
  const children = [{ name: 'a', path }]
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children, maxRestarts: 2 })
  const first = supervisor.child('a')!.handle
  assert.deepEqual([...kinOf(service).children], [first])
  await skynet.kill(first)
  await node.settled()
  const second = supervisor.child('a')!.handle
  assert.deepEqual([...kinOf(service).children], [second])
  await supervisor.stop()
  assert.deepEqual([...kinOf(service).children], [])

  isFit = false
  for (let round = 0; round < 3; round++) {
    const failed = supervise(skynet, { strategy: 'one-for-one', children })
    await assert.rejects(failed, { code: 'ERR_SERVICE_LAUNCH' })
  }
  assert.deepEqual([...kinOf(service).children], [])
})

test('adopt() keeps no child that has died with its worker, told before or after', async () => {
  await using node = await testNode()
  const service = Skynet.serviceOf(node.skynet)
  const { handle } = await node.launch(defineService(() => {}))
  kinOf(service).adopt(handle)
  assert.deepEqual([...kinOf(service).children], [handle])
  service.workerDied(0, new Set([handle]), undefined)
  assert.deepEqual([...kinOf(service).children], [])
  await node.skynet.kill(handle)
  kinOf(service).adopt(handle)
  assert.deepEqual([...kinOf(service).children], [])
})

// Proves: docs/semantics.md#supervise-end
test('a child whose supervisor is gone does not begin', async () => {
  await using node = await testNode()
  const runtime = Skynet.serviceOf(node.skynet).runtime as Runtime
  let hasBegun = false
  const url = define('late', () => {
    hasBegun = true
  })
  const gone = await node.launch(defineService(() => {}))
  await node.skynet.kill(gone.handle)
  const parent = { handle: gone.handle, asker: 'gone' }
  runtime.loads.add(0)
  const failed = new Promise<Error>((resolve, reject) => {
    const ends = { onReady: reject, onFailure: resolve }
    runtime.launching.launch({ url, args: [], origin: originOf(false, 'end'), parent, ...ends })
  })
  assert.match((await failed).message, /it ended before its setup was done/)
  assert.equal(hasBegun, false)
})

test('a Supervisor names what is wrong with what it is given, as supervise() does', async () => {
  await using node = await testNode()
  const { skynet } = node
  const options = { strategy: 'one-for-one', children: [] } as const
  const wrong = [
    [skynet, undefined, 'options'],
    [skynet, {}, 'strategy'],
    [skynet, { ...options, children: undefined }, 'children'],
    [null, options, 'skynet'],
    [{}, options, 'skynet'],
  ] as const
  for (const [given, how, name] of wrong) {
    const refused = {
      code: /^ERR_INVALID_ARG/,
      message: new RegExp(`^Cannot supervise as '${name}' must be `),
    }
    assert.throws(() => new Supervisor(given as never, how as never), refused)
    await assert.rejects(supervise(given as never, how as never), refused)
  }
})

// Proves: docs/limits.md#launch-args
test('supervise() refuses a child with more arguments than a setup may get', async () => {
  await using node = await testNode()
  const args = new Array(LAUNCH_ARGS_MAX + 1).fill(1)
  const children = [{ name: 'child', path: './child.ts', args }]
  await assert.rejects(supervise(node.skynet, { strategy: 'one-for-one', children }), {
    code: 'ERR_OUT_OF_RANGE',
    message: /^Cannot supervise a child as 'args.length' must be at most 32768: .* 32769$/,
  })
})

// Proves: docs/cluster.md#supervise-one
test('a child on another node that has told its end is not asked whether it is over', async () => {
  const asked: string[] = []
  const cluster = defineService((skynet) => ({
    placeChild: () => ({ node: 'b', epoch: 7, id: 'a@1/1' }),
    launchChild: async () => {
      asked.push('launch')
      return skynet.ref((await skynet.newService(define('far', () => {}))).handle)
    },
    endChild: () => void asked.push('end'),
  }))
  await using node = await testNode()
  const { skynet } = node
  const site = Object.assign(Skynet.siteOf(skynet), { clusterNode: 'a' })
  site.names.register('.cluster', (await node.launch(cluster)).handle)
  const children = [
    { name: 'x', path: define('x', () => {}), node: 'b', restart: 'never' },
  ] as const
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  await skynet.kill(supervisor.child('x')!)
  await node.settled()
  await supervisor.stop()
  assert.deepEqual(asked, ['launch'])
  const other = await supervise(skynet, { strategy: 'one-for-one', children })
  await other.stop()
  assert.deepEqual(asked, ['launch', 'launch', 'end'])
})
