/** Services whose setups wait for each other: an error that names the circle. */
import assert from 'node:assert/strict'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isSkynetError, type Skynet } from 'skynet-ts'
import type forkA from '../fixtures/circle/fork-a.ts'
import type freeA from '../fixtures/circle/free-a.ts'
import { fixture } from '../support/process.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body): void => serviceTest(import.meta.url, title, body)

/** The innermost cause. */
function rootOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown }
  return cause === undefined ? error : rootOf(cause)
}

/** Launching `name` fails with an error that says all of `circle`, the first one first. */
async function refused(skynet: Skynet, name: string, circle: string): Promise<void> {
  const launch = skynet.uniqueService(`../fixtures/circle/${name}.ts`)
  await assert.rejects(launch as Promise<unknown>, (error) => {
    const root = rootOf(error)
    assert.ok(isSkynetError(root, 'ERR_LAUNCH_CIRCLE'), String(error))
    const names = root.info.circle.split(' → ').map((path) => /([^/]+)\.[jt]s$/.exec(path)![1])
    assert.equal(names.join(' '), circle)
    assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'))
    assert.ok(error.message.includes(root.info.circle), error.message)
    return true
  })
}

// Proves: docs/semantics.md#unique-circle
check('uniqueService() refuses a circle of setups, and names it', async (skynet) => {
  await Promise.all([refused(skynet, 'a', 'a b a'), refused(skynet, 'self', 'self self')])
  // They failed, and are tried again.
  await refused(skynet, 'b', 'b a b')
})

// Proves: docs/semantics.md#unique-circle
check('uniqueService() finds a circle with newService() and queryService() in it', (skynet) =>
  refused(skynet, 'c', 'c d e c'),
)

// Proves: docs/semantics.md#unique-circle
check('uniqueService() that a setup does not wait for closes no circle', async (skynet) => {
  const a = await skynet.uniqueService<typeof freeA>('../fixtures/circle/free-a.ts')
  assert.equal(skynet.isAlive(await a.call.other()), true)
})

// Proves: docs/semantics.md#unique-circle
check('uniqueService() takes what a fork of a setup asks for as no wait of it', async (skynet) => {
  const a = await skynet.uniqueService<typeof forkA>('../fixtures/circle/fork-a.ts')
  await until('both are there', async () => (await a.call.other()) !== 0)
  assert.equal(skynet.isAlive(await a.call.other()), true)
})

// Proves: docs/semantics.md#launch-circle
check(
  'newService() refuses a call that closes a circle of setups, across workers',
  async (skynet) => {
    const launch = skynet.newService('../fixtures/circle/setup.ts', { args: ['launch who calls'] })
    await assert.rejects(launch, (error) => {
      const root = rootOf(error)
      assert.ok(isSkynetError(root, 'ERR_LAUNCH_CIRCLE'), String(error))
      assert.match(root.info.circle, /^(\S+circle\/setup\.[jt]s) → \1 → \1$/)
      return isSkynetError(error, 'ERR_SERVICE_LAUNCH')
    })
  },
)

// Proves: docs/semantics.md#nothing-left
check('uniqueService() that gives up names the path', async (skynet) => {
  const path = '../fixtures/never-ready.ts'
  const limits = { timeoutMs: 1 }
  await assert.rejects(skynet.uniqueService(path, limits) as Promise<unknown>, {
    code: 'ERR_CALL_TIMEOUT',
    message: /launch of .*fixtures\/never-ready\.[jt]s/,
  })
  await assert.rejects(skynet.queryService(path, limits) as Promise<unknown>, {
    code: 'ERR_CALL_TIMEOUT',
    message: /query of .*fixtures\/never-ready\.[jt]s/,
  })
})

// Proves: docs/semantics.md#unique-module
check('uniqueService() has one instance of a module, whatever names it', async (skynet) => {
  const { handle } = await skynet.uniqueService('../fixtures/subject.ts')
  const whole = fixture('subject.ts')
  const link = join(String(skynet.getenv('folder')), 'link.mjs')
  // Beside the compiled test is the compiled fixture.
  symlinkSync(whole.replace(/\.ts$/, '.js'), link)
  const others = ['../fixtures/circle/../subject.ts', whole, pathToFileURL(whole), link]
  for (const path of [...others, pathToFileURL(link), pathToFileURL(link).href]) {
    assert.equal((await skynet.uniqueService(path)).handle, handle, String(path))
    assert.equal((await skynet.queryService(path)).handle, handle, String(path))
  }
})
