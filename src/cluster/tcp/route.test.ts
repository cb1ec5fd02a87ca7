import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import { Route } from './route.ts'

const UNREACHABLE = new SkynetError('ERR_CONNECT', { address: 'b:1', reason: 'ECONNREFUSED' })
const REFUSED = new SkynetError('ERR_CLUSTER_AUTH', { address: 'b:1', reason: 'no' })

/** What a try comes to: how long a connection lasted, or why there is none. */
type Outcome = number | Error

/** A clock that goes on as soon as somebody waits for it. */
class World {
  readonly pauses: number[] = []
  readonly tried: number[] = []
  readonly failures: unknown[] = []
  readonly route: Route
  chance = 1
  #now = 0

  constructor(outcomes: readonly Outcome[]) {
    this.route = new Route({
      now: () => this.#now,
      random: () => this.chance,
      timeout: (ms, task) => {
        this.pauses.push(ms)
        this.#now += ms
        queueMicrotask(task)
        return { cancel: () => {} }
      },
      try: async (count) => {
        this.tried.push(count)
        const outcome = outcomes[count]!
        if (count === outcomes.length - 1) this.route.stop()
        if (typeof outcome !== 'number') throw outcome
        this.#now += outcome
      },
      failed: (error) => this.failures.push(error),
    })
  }
}

test('pauses double up to 1 s, and each is by chance anything below', async () => {
  const all = new World(Array(7).fill(UNREACHABLE))
  await all.route.run()
  assert.deepEqual(all.pauses, [100, 200, 400, 800, 1000, 1000])
  assert.deepEqual(all.tried, [0, 1, 2, 3, 4, 5, 6])
  assert.equal(all.failures.length, 6)
  const half = new World(Array(4).fill(UNREACHABLE))
  half.chance = 0.25
  await half.route.run()
  assert.deepEqual(half.pauses, [25, 50, 100])
})

test('a connection that lasted makes the next pause short, another one does not', async () => {
  const at = new World([UNREACHABLE, UNREACHABLE, 5, 5, 1000, UNREACHABLE, UNREACHABLE])
  await at.route.run()
  assert.deepEqual(at.pauses, [100, 200, 400, 800, 50, 100])
})

test('after a refusal it waits for somebody to mend it', async () => {
  const at = new World([REFUSED, REFUSED, UNREACHABLE])
  await at.route.run()
  assert.deepEqual(at.pauses, [10_000, 10_000])
  const soon = new World([REFUSED, REFUSED])
  soon.chance = 0
  await soon.route.run()
  assert.deepEqual(soon.pauses, [5000])
})

test('the first try comes after the time that was asked for', async () => {
  const at = new World([5])
  await at.route.run(100)
  assert.deepEqual([at.pauses, at.tried], [[100], [0]])
})

test('stop() ends a pause, and nothing is tried or told after it', async () => {
  const tried: number[] = []
  let cancelled = 0
  const route = new Route({
    now: () => 0,
    random: () => 1,
    timeout: () => ({ cancel: () => void cancelled++ }),
    try: async (count) => {
      tried.push(count)
      throw UNREACHABLE
    },
    failed: () => {},
  })
  const over = route.run()
  await Promise.resolve()
  await Promise.resolve()
  route.stop()
  await over
  assert.deepEqual([tried, cancelled], [[0], 1])
})
