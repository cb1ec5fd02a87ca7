/** `AsyncLocalStorage` in services of a `testNode`, whose thread has stores of its own. */
import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type CallEvent, defineService } from 'skynet-ts'
import { FakeClock, testNode, testService } from 'skynet-ts/testing'
import tenant, { ENTRIES, stores, wrongOf } from '../fixtures/tenant.ts'

const als = new AsyncLocalStorage<number>()
const base = new URL('../fixtures/', import.meta.url).href

// Proves: docs/commands.md#store-test-node
test('services under test see no store of the test, and requests their own', async () => {
  const { run, enterWith } = AsyncLocalStorage.prototype
  await als.run(1, async () => {
    await using service = await testService(tenant, { base })
    const wrong = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const way = i % 2 === 0 ? 'run' : 'enterWith'
        const seen = await service.call.login(`${i}`, way, Object.keys(ENTRIES))
        assert.equal(als.getStore(), 1)
        return wrongOf(`${i}`, seen)
      }),
    )
    assert.deepEqual(wrong.flat(), [])
    const bare = defineService(() => ({ see: () => als.getStore() }))
    const { call } = await service.node.launch(bare)
    assert.equal(await call.see(), undefined)
  })
  assert.equal(AsyncLocalStorage.prototype.run, run)
  assert.equal(AsyncLocalStorage.prototype.enterWith, enterWith)
})

// Proves: docs/commands.md#store-hooks
test('stop hooks see the stores of who has added them', async () => {
  const told: string[] = []
  const node = await testNode({ base })
  const peer = await node.launch(tenant)
  const listener = defineService((skynet) => {
    skynet.register('.told')
    return { told: (hook: string, own: string) => void told.push(`${hook} ${own}`) }
  })
  await node.launch(listener)
  await peer.call.hook('owner', node.skynet.localName('.told')!)
  await als.run(2, () => node.stop({ graceMs: 1000 }))
  assert.ok(told.includes('stop owner owner'), `${told}`)
  assert.equal(stores(), 'nobody nobody')
})

// Proves: docs/commands.md#store-watchers
test('who looks at services sees his own stores, and a request that is cut off none', async () => {
  await using node = await testNode()
  const worker = defineService((skynet) => ({
    work: () => als.run(3, () => skynet.log('at work')),
    rest: () => als.run(4, () => skynet.sleep(60_000)),
    leave: () => als.run(5, () => skynet.exit()),
  }))
  const peer = await node.launch(worker)
  const seen: unknown[] = []
  const found = als.run(6, () =>
    node.log.find(({ text }) => {
      seen.push(als.getStore())
      return text === 'at work'
    }),
  )
  peer.send.work()
  await found
  assert.deepEqual([...new Set(seen)], [6])
  const ended: unknown[] = []
  const listen = (event: unknown): void => {
    ended.push([(event as CallEvent).method, als.getStore()])
  }
  subscribe('skynet-ts:request', listen)
  try {
    const resting = assert.rejects(peer.call.rest(), { code: 'ERR_CALL_DEAD' })
    peer.send.leave()
    await resting
  } finally {
    unsubscribe('skynet-ts:request', listen)
  }
  assert.deepEqual(ended, [
    ['rest', undefined],
    ['leave', undefined],
  ])
})

// --- random programs -----------------------------------------------------------------------------

const HOWS = ['sleep', 'yield', 'wait', 'immediate', 'fork', 'timeout', 'lock', 'call'] as const
interface Step {
  readonly how: (typeof HOWS)[number]
  /** The branch goes on in a store of its own, entered in this way. */
  readonly enter: 'none' | 'run' | 'enterWith'
  readonly branch: readonly Step[]
}

const { program } = fc.letrec<{ program: Step[] }>((tie) => ({
  program: fc.array(
    fc.record({
      how: fc.constantFrom(...HOWS),
      enter: fc.constantFrom('none', 'run', 'enterWith'),
      branch: fc.oneof({ depthSize: 'small' }, fc.constant([]), tie('program')),
    }),
    { maxLength: 4 },
  ) as fc.Arbitrary<Step[]>,
}))

/** What all services of one run share. */
class Run {
  readonly wrong: string[] = []
  open = 0
  checks = 0
  #lastStore = 0

  check(expected: number | undefined, where: string): void {
    this.checks++
    const store = als.getStore()
    if (store !== expected) this.wrong.push(`${where}: ${store} instead of ${expected}`)
  }

  newStore(): number {
    return ++this.#lastStore
  }

  /** Nobody waits for it: a section may be held meanwhile. */
  async task(work: Promise<void>): Promise<void> {
    this.open++
    await work
    this.open--
  }
}

const walker = (run: Run, own: string, other: string) =>
  defineService((skynet) => {
    skynet.register(own)
    const lock = skynet.queue()
    let lastToken = 0

    /** @param store What is expected. */
    async function branch(step: Step, store: number | undefined, isHeld: boolean): Promise<void> {
      run.check(store, `begin of ${step.how}`)
      const name = run.newStore()
      if (step.enter === 'run') await als.run(name, () => walk(step.branch, name, isHeld))
      else if (step.enter === 'enterWith' && step.how !== 'lock') {
        als.enterWith(name)
        await walk(step.branch, name, isHeld)
        run.check(name, `end of ${step.how}, entered`)
        return
      } else await walk(step.branch, store, isHeld)
      run.check(store, `end of ${step.how}`)
    }

    async function walk(
      steps: readonly Step[],
      store: number | undefined,
      isHeld: boolean,
    ): Promise<void> {
      for (const step of steps) {
        const { how } = step
        const apart = (): Promise<void> => run.task(branch(step, store, false))
        if (how === 'sleep') await skynet.sleep(step.branch.length)
        else if (how === 'yield') await skynet.yield()
        else if (how === 'immediate') await new Promise((resolve) => setImmediate(resolve))
        else if (how === 'fork') skynet.fork(apart)
        else if (how === 'timeout') skynet.timeout(step.branch.length, apart)
        else if (how === 'lock') await lock(() => branch(step, store, true))
        else if (how === 'wait') {
          const token = ++lastToken
          skynet.send(skynet.self, 'wake', token)
          await skynet.wait(token)
        } else if (isHeld) skynet.send(other, 'walk', step)
        else await skynet.call(other, 'walk', step)
        run.check(store, `after ${how}`)
      }
    }

    return {
      walk: (step: Step): Promise<void> => run.task(branch(step, undefined, false)),
      wake(token: number): void {
        als.enterWith(run.newStore())
        skynet.wakeup(token)
      },
    }
  })

// Proves: docs/commands.md#store-tasks
test('each step of a random program of two services sees the store it was begun in', async () => {
  const shared = fc.tuple(fc.array(program, { minLength: 1, maxLength: 4 }), fc.nat(0xffff))
  await fc.assert(
    fc.asyncProperty(shared, async ([programs, seed]) => {
      const clock = new FakeClock()
      await using node = await testNode({ clock, seed })
      const run = new Run()
      await node.launch(walker(run, '.one', '.other'))
      await node.launch(walker(run, '.other', '.one'))
      const walks = programs.map((branch, i) => {
        const step: Step = { how: 'call', enter: i % 2 === 0 ? 'run' : 'enterWith', branch }
        return node.skynet.call('.one', 'walk', step)
      })
      do await clock.advance(1)
      while (run.open > 0)
      await Promise.all(walks)
      assert.deepEqual(run.wrong, [])
      assert.ok(run.checks >= programs.length)
    }),
    { numRuns: 100 },
  )
})
