/** Waits for a worker that is held give up in time; what was asked for happens all the same. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Skynet } from 'skynet-ts'
import type victim from '../fixtures/victim.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { Scene } from '../support/scene.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body): void =>
  serviceTest(import.meta.url, title, body, { thread: 2, dedicated: 1 })

const launch = (skynet: Skynet) =>
  skynet.newService<typeof victim>('../fixtures/victim.ts', { on: 1 })

/** Run `body` while worker 1 does nothing else. */
async function held(skynet: Skynet, body: () => Promise<void>): Promise<void> {
  const holder = await launch(skynet)
  const { isHeld, letGo } = Scene.holding(join(String(skynet.getenv('folder')), 'limits'))
  holder.send.holdUntil(join(String(skynet.getenv('folder')), 'limits'))
  await isHeld()
  try {
    await body()
  } finally {
    letGo('go on')
  }
}

// Proves: docs/semantics.md#waits-give-up
check('orders to a worker that is held give up in time', async (skynet) => {
  const target = await launch(skynet)
  const { handle } = target
  const limits = { timeoutMs: 20 }
  const late = { code: 'ERR_CALL_TIMEOUT', info: { timeoutMs: 20 } }
  await held(skynet, async () => {
    for (const wait of [
      skynet.monitor(handle, limits),
      skynet.mailbox(handle, limits),
      skynet.room(handle, limits),
      skynet.signal(handle, 1, limits),
      skynet.logOn(handle, limits),
      skynet.logOff(handle, limits),
      skynet.debug.profile(false, handle, limits),
      skynet.debug.profile(false, undefined, limits),
      skynet.newService('../fixtures/subject.ts', { on: 1, ...limits }) as Promise<unknown>,
      skynet.kill(handle, limits),
    ]) {
      await assert.rejects(wait, (error: Error & { code: string; info: object }) => {
        assert.equal(error.code, late.code)
        assert.equal((error.info as { timeoutMs: number }).timeoutMs, late.info.timeoutMs)
        return true
      })
    }
  })
  await until('it was killed all the same', () => !skynet.isAlive(handle))
})

// Proves: docs/semantics.md#waits-give-up
check('a launch on a worker of its own gives up, and keeps no worker', async (skynet) => {
  const path = '../fixtures/subject.ts'
  const launched = skynet.newService(path, { on: 'dedicated', timeoutMs: 0.1 })
  await assert.rejects(launched as Promise<unknown>, {
    code: 'ERR_CALL_TIMEOUT',
    message: /^Cannot wait longer for .*subject\.[jt]s of a worker of its own: .* within 0\.1 ms$/,
  })
  await until('the place is free', () =>
    skynet.newService(path, { on: 'dedicated' }).then(
      ({ handle }) => skynet.kill(handle),
      () => false,
    ),
  )
})

// Proves: docs/semantics.md#waits-give-up
check('a wait of a subscription gives up, and loses no message', async (skynet) => {
  const channel = skynet.multicast.new<number>()
  const subscription = channel.subscribe()
  await assert.rejects(subscription.next({ timeoutMs: 1 }), {
    code: 'ERR_WAIT_TIMEOUT',
    info: { kind: 'channel', what: `message of channel ${channel.id}`, timeoutMs: 1 },
  })
  channel.publish(7)
  assert.deepEqual(await subscription.next({ timeoutMs: 60_000 }), { value: 7, done: false })
  channel.delete()
})
