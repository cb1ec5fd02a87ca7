import assert from 'node:assert/strict'
import { test } from 'node:test'

type Timer = { readonly ms: number; readonly fire: () => void }
const { setTimeout, clearTimeout } = globalThis
/** What is set and neither due nor cleared. */
const timers = new Set<Timer>()
// The module takes those that are there when it is loaded.
Object.assign(globalThis, {
  setTimeout: (fire: (...args: unknown[]) => void, ms: number, ...args: unknown[]): Timer => {
    const timer = { ms, fire: () => fire(...args) }
    timers.add(timer)
    return timer
  },
  clearTimeout: (timer: Timer) => timers.delete(timer),
})
const { holdWithin, ranFor, within } = await import('./within.ts')
Object.assign(globalThis, { setTimeout, clearTimeout })

/** The next timer is due, however long ago. */
async function fireNext(): Promise<number> {
  const [timer] = timers
  timers.delete(timer!)
  timer!.fire()
  await new Promise(setImmediate)
  return timer!.ms
}

test('within() tells whether the work was done in time', async () => {
  assert.equal(await within(1000, Promise.resolve()), true)
  const late = within(1000, new Promise(() => {}))
  let ms = 0
  while (timers.size > 0) ms += await fireNext()
  assert.equal(await late, false)
  assert.equal(ms, 1000)
})

test('within() waits no less than it was told, whatever that can be divided by', async () => {
  for (const told of [1, 5, 150, 1001, 19.5]) {
    const late = within(told, new Promise(() => {}))
    let ms = 0
    // Node.js leaves fractions out.
    while (timers.size > 0) ms += Math.trunc(await fireNext())
    assert.equal(await late, false)
    assert.equal(ms, Math.ceil(told))
  }
})

test('ranFor() resolves after its time, of which one part at most is over at once', async () => {
  let isOver = false
  const over = ranFor(150).then(() => {
    isOver = true
  })
  assert.ok((await fireNext()) < 20)
  assert.equal(isOver, false)
  while (timers.size > 0) await fireNext()
  await over
})

test('within() leaves no timer behind, also when the work fails', async () => {
  await within(1000, Promise.resolve())
  assert.equal(timers.size, 0)
  await assert.rejects(within(1000, Promise.reject(new Error('it failed'))), /it failed/)
  assert.equal(timers.size, 0)
})

test('within() goes on to wait after the process was stopped, however long', async () => {
  let isOver = false
  let done!: () => void
  const work = new Promise<void>((resolve) => {
    done = resolve
  })
  const waiting = within(1000, work).finally(() => {
    isOver = true
  })
  // After SIGCONT the one timer that was under way is due.
  await fireNext()
  assert.equal(isOver, false)
  done()
  assert.equal(await waiting, true)
})

test('holdWithin() goes on to wait after the process was stopped, and no longer than told', (t) => {
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const waits: number[] = []
  let wakeIn = 3
  // A wait that was under way is over after SIGCONT, however long it had to last.
  t.mock.method(Atomics, 'wait', (_cell: Int32Array, _at: number, _value: number, ms: number) => {
    waits.push(ms)
    return --wakeIn === 0 ? 'ok' : 'timed-out'
  })
  holdWithin(1000, cell)
  assert.deepEqual(waits, [125, 125, 125])
  waits.length = 0
  holdWithin(1000, cell)
  assert.equal(
    waits.reduce((sum, ms) => sum + ms),
    1000,
  )
})
