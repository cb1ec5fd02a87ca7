/** Where services are born: by key, and on workers of their own. */
import assert from 'node:assert/strict'
import { isSkynetError, type Skynet } from 'skynet-ts'
import type mortal from '../fixtures/mortal.ts'
import { type Body, SharedNode, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const node = new SharedNode({ thread: 2 })
const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body, node)
const limited = (title: string, dedicated: number, body: Body) =>
  serviceTest(import.meta.url, title, body, { thread: 2, dedicated })

// Proves: docs/semantics.md#service-own-worker
check('newService() puts all with one key on one worker, and spreads keys', async (skynet) => {
  const workers = new Set<number>()
  for (let i = 0; i < 16; i++) {
    const on = { key: `room-${i}` }
    const pair = [0, 1].map(() => skynet.newService<typeof mortal>('./mortal.ts', { on }))
    const [one, other] = await Promise.all(pair)
    assert.equal(await one!.call.worker(), await other!.call.worker())
    workers.add(await one!.call.worker())
  }
  assert.equal(workers.size, 2)
  for (const on of [null, 2, 'toString'] as never[]) {
    await assert.rejects(skynet.newService('./mortal.ts', { on }), RangeError)
  }
  for (const on of [{}, { key: 1 }] as never[]) {
    await assert.rejects(skynet.newService('./mortal.ts', { on }), /'on\.key' must be a string/)
  }
})

// Proves: docs/semantics.md#service-own-worker
check('a dedicated worker begins and ends with its service', async (skynet) => {
  for (let round = 0; round < 3; round++) {
    const peer = await onPlace(skynet, 2)
    const least = await skynet.newService<typeof mortal>('./mortal.ts')
    assert.ok((await least.call.worker()) < 2, 'nobody else is put there')
    const same = await skynet.ref(await peer.call.launchSame('./mortal.ts'))
    const waiting = assert.rejects(peer.call.never(), { code: 'ERR_CALL_DEAD' })
    await skynet.kill(peer.handle)
    await waiting
    assert.equal(await skynet.call(same.handle, 'worker'), 2, 'as long as it has services')
    await skynet.kill(same.handle)
  }
})

check('a launch goes on with the options that were checked', async (skynet) => {
  const paths = ['./mortal.ts', () => import('../fixtures/mortal.ts')] as const
  for (const path of paths) {
    const options = { on: 'dedicated' } as const
    const launched = skynet.newService<typeof mortal>(path, options)
    Object.assign(options, { on: 'nowhere', args: 1 })
    const peer = await launched
    assert.ok((await peer.call.worker()) >= 2)
    await skynet.kill(peer.handle)
  }
})

/** A service on a worker of its own, in that place: used again once its last one has ended. */
function onPlace(skynet: Skynet, place: number) {
  return until('its place is used again', async () => {
    const peer = await skynet.newService<typeof mortal>('./mortal.ts', { on: 'dedicated' })
    if ((await peer.call.worker()) === place) return peer
    await skynet.kill(peer.handle)
    return undefined
  })
}

// Proves: docs/semantics.md#service-own-worker
// Proves: docs/skynet.md#testmemlimit
check('a dedicated worker that outgrows memoryLimitMb dies alone', async (skynet) => {
  const options = { on: 'dedicated', memoryLimitMb: 32 } as const
  const peer = await skynet.newService<typeof mortal>('./mortal.ts', options)
  const told = skynet.monitor(peer.handle)
  await assert.rejects(peer.call.fill(), (error) => {
    assert.ok(isSkynetError(error, 'ERR_CALL_DEAD'))
    assert.match(String((error.cause as Error).message), /memoryLimitMb is 32/)
    return true
  })
  assert.equal((await told).reason, 'worker died')
  const next = await skynet.newService<typeof mortal>('./mortal.ts', options)
  assert.equal(await next.call.echo(1), 1)
})

// Proves: docs/semantics.md#service-own-worker
limited('newService() refuses a dedicated worker more than there may be', 1, async (skynet) => {
  const launch = () => skynet.newService<typeof mortal>('./mortal.ts', { on: 'dedicated' })
  const peer = await launch()
  await assert.rejects(launch(), { code: 'ERR_WORKER_LIMIT' })
  assert.equal(await peer.call.echo(1), 1)
  const broken = { on: 'dedicated' } as const
  await skynet.kill(peer.handle)
  await until('there is room again', async () => {
    const failed = await skynet.newService('./broken.ts', broken).catch((error) => error.code)
    return failed === 'ERR_SERVICE_LAUNCH'
  })
  await until('a launch that failed gave it back', () => launch().catch(() => undefined))
  const wrong = { on: 'same', memoryLimitMb: 64 } as const
  await assert.rejects(skynet.newService('./mortal.ts', wrong), TypeError)
  const small = { on: 'dedicated', memoryLimitMb: 15 } as const
  await assert.rejects(skynet.newService('./mortal.ts', small), RangeError)
})
