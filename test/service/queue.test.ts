/** queue(): one task at a time, in order, whatever happens to those before. */
import assert from 'node:assert/strict'
import { type Body, gate, serviceTest } from '../support/run.ts'
import { seeded, seedOf } from '../support/seed.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

// Proves: docs/semantics.md#queue
check('queue() runs its tasks one at a time, in the order they came', async (skynet) => {
  const lock = skynet.queue()
  const order: string[] = []
  const task = (name: string) => async () => {
    order.push(`${name} in`)
    await skynet.sleep(1)
    order.push(`${name} out`)
    return name
  }
  const ends = await Promise.all(['a', 'b', 'c'].map((name) => lock(task(name))))
  assert.deepEqual(ends, ['a', 'b', 'c'])
  assert.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
  assert.equal(await lock(() => 7), 7)
})

// Proves: docs/semantics.md#queue
check('an error in a task of queue() is its own, and the next one runs', async (skynet) => {
  const lock = skynet.queue()
  const first = lock(async () => {
    await skynet.sleep(1)
    throw new RangeError('mine')
  })
  const second = lock(() => 'mine, not')
  const third = lock(() => {
    throw new TypeError('at once')
  })
  const fourth = lock(() => 4)
  await assert.rejects(first, { message: 'mine' })
  assert.equal(await second, 'mine, not')
  await assert.rejects(third, { message: 'at once' })
  assert.equal(await fourth, 4)
})

// Proves: docs/semantics.md#queue-again
check(
  'a task of queue() may enter again, and others wait until all of it is done',
  async (skynet) => {
    const lock = skynet.queue()
    const order: string[] = []
    const inner = gate<void>()
    const outer = lock(async () => {
      order.push('outer')
      const value = await lock(async () => {
        await skynet.sleep(1)
        return lock(() => order.push('inner'))
      })
      assert.equal(value, 2)
      // Begun in here, and not waited for.
      void lock(async () => {
        await inner.promise
        order.push('left behind')
      })
    })
    const other = lock(() => order.push('other'))
    await outer
    await skynet.sleep(2)
    assert.deepEqual(order, ['outer', 'inner'])
    inner.open()
    await other
    assert.deepEqual(order, ['outer', 'inner', 'left behind', 'other'])
  },
)

// Proves: docs/semantics.md#queue-again
check('what else runs while a task holds queue() is not inside', async (skynet, handlers) => {
  const lock = skynet.queue()
  const order: string[] = []
  const enter = (name: string): Promise<number> => lock(() => order.push(name))
  handlers.enter = enter
  const [forked, timed] = [gate<void>(), gate<void>()]
  await lock(async () => {
    skynet.fork(() => enter('fork').then(() => forked.open()))
    skynet.timeout(1, () => enter('timeout').then(() => timed.open()))
    skynet.send(skynet.self, 'enter', 'send')
    // A call from inside waits for the section in vain: it is another task.
    const call = skynet.ref(skynet.self).with({ timeoutMs: 10 }).call as {
      enter: (name: string) => Promise<void>
    }
    await assert.rejects(call.enter('call'), { code: 'ERR_CALL_TIMEOUT' })
    await skynet.sleep(5)
    assert.deepEqual(order, [])
  })
  await Promise.all([forked.promise, timed.promise])
  await until('all were in', () => order.length === 4)
  assert.deepEqual(order.sort(), ['call', 'fork', 'send', 'timeout'])
})

// Proves: docs/semantics.md#queue-again
check('what a task of queue() leaves behind is not inside the next one', async (skynet) => {
  const lock = skynet.queue()
  const order: string[] = []
  const later = gate<void>()
  let left: Promise<unknown> | undefined
  await lock(() => {
    left = later.promise.then(() => lock(() => order.push('left behind')))
  })
  const next = lock(async () => {
    later.open()
    await skynet.sleep(3)
    order.push('next')
  })
  await Promise.all([next, left])
  assert.deepEqual(order, ['next', 'left behind'])
})

// Proves: docs/semantics.md#queue-again
check('two sections do not know each other, and may be nested both ways', async (skynet) => {
  const [one, two] = [skynet.queue(), skynet.queue()]
  const order: string[] = []
  const held = one(async () => {
    await skynet.sleep(3)
    order.push('one')
  })
  await two(() => order.push('two'))
  await held
  const value = await one(() => two(() => one(() => two(() => 'deep'))))
  assert.equal(value, 'deep')
  assert.deepEqual(order, ['two', 'one'])
})

// Proves: docs/semantics.md#queue-gives-up
check('who gives up its turn in queue() holds up nobody', async (skynet) => {
  const lock = skynet.queue()
  const open = gate<void>()
  const order: string[] = []
  const abort = new AbortController()
  const holder = lock(() => open.promise)
  const aborted = lock(() => order.push('aborted'), { signal: abort.signal })
  const late = lock(() => order.push('late'), { timeoutMs: 5 })
  const last = lock(() => order.push('last'), { timeoutMs: 60_000 })
  assert.deepEqual(
    skynet.tasks().map(({ kind }) => kind),
    ['queue', 'queue', 'queue'],
  )
  abort.abort()
  await assert.rejects(aborted, { code: 'ABORT_ERR' })
  await assert.rejects(late, { code: 'ERR_WAIT_TIMEOUT' })
  await assert.rejects(
    lock(() => 1, { signal: abort.signal }),
    { code: 'ABORT_ERR' },
  )
  open.open()
  await Promise.all([holder, last])
  assert.deepEqual(order, ['last'])
  await assert.rejects(
    lock(() => 1, { signal: abort.signal }),
    { code: 'ABORT_ERR' },
  )
  assert.equal(await lock(() => 'free'), 'free')
  assert.deepEqual(skynet.tasks(), [])
})

// Proves: docs/semantics.md#queue
check('queue() keeps its promise under random loads', async (skynet) => {
  const seed = seedOf()
  const random = seeded(seed)
  const lock = skynet.queue()
  let inside = 0
  let entered = 0
  const work = async (depth: number): Promise<void> => {
    entered++
    const mine = depth === 0 ? ++inside : inside
    assert.equal(mine, 1, `seed ${seed}`)
    try {
      if (random() < 0.3) await skynet.sleep(random() * 2)
      if (depth < 3 && random() < 0.4) await lock(() => work(depth + 1))
      if (random() < 0.2) await Promise.resolve()
      if (random() < 0.2) throw new Error('planned')
    } finally {
      if (depth === 0) inside--
    }
  }
  const options = () => (random() < 0.2 ? { timeoutMs: 1 + random() * 20 } : undefined)
  const ends = Array.from({ length: 300 }, async () => {
    await skynet.sleep(random() * 20)
    try {
      await lock(() => work(0), options())
    } catch (error) {
      const { message, code } = error as Error & { code?: string }
      assert.ok(message === 'planned' || code === 'ERR_WAIT_TIMEOUT', `${message} seed ${seed}`)
    }
  })
  await Promise.all(ends)
  assert.ok(entered > 100 && inside === 0)
  assert.equal(await lock(() => 'free'), 'free')
})

check('queue() goes on when somebody enters it at the end of the stack', async (skynet) => {
  const lock = skynet.queue()
  let entered = 0
  let failed = 0
  const enter = (): void => {
    lock(() => entered++).catch(() => failed++)
  }
  /** Calls `enter` with each stack that is left, the smallest first, as the recursion unwinds. */
  let steps = 0
  const dive = (): void => {
    try {
      dive()
    } finally {
      if (++steps < 2000) {
        try {
          enter()
        } catch {
          failed++
        }
      }
    }
  }
  for (let round = 0; round < 5; round++) {
    steps = 0
    assert.throws(dive, RangeError)
    assert.equal(await lock(() => 'free', { timeoutMs: 3000 }), 'free')
  }
  assert.ok(entered > 0 && failed > 0, `${entered} entered, ${failed} failed`)
})
