/** What is left of nodes that have stopped, and of questions that were asked: nothing. */
import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import threads, { Worker } from 'node:worker_threads'
import { type Node, type NodeConfig, resolveConfig, startNode } from 'skynet-ts/node'
import { collect, descriptors, heapBytes, listeners } from '../support/leftovers.ts'
import { fixture } from '../support/process.ts'
import { until } from '../support/until.ts'

const config = (more: Partial<NodeConfig> = {}) =>
  resolveConfig(
    { thread: 1, start: fixture('echo.ts'), args: [0], logger: '/dev/null', ...more },
    '/',
  )

/** Start and stop one, so that what a process has once is there; then tell what that is. */
async function baseline(): Promise<{ fds: number; events: Record<string, number> }> {
  await (await startNode(config())).stop()
  return { fds: descriptors(), events: listeners() }
}

/** Threads that are slow to end give back what they had when they have. */
async function assertNothingLeft(before: Awaited<ReturnType<typeof baseline>>): Promise<void> {
  await until('the end of all descriptors', () => descriptors() <= before.fds)
  await until('the end of the exit listener', () => listeners().exit === before.events.exit)
  assert.deepEqual(listeners(), before.events)
}

/** Wait until the garbage collector has found all of them. */
async function assertCollected(refs: readonly WeakRef<object>[], what: string): Promise<void> {
  await until(`the end of ${what}`, () => {
    collect()
    return refs.every((ref) => ref.deref() === undefined)
  })
}

// Proves: docs/node.md#node-leaves
test('nodes that have stopped leave no descriptor, no listener and no object', async () => {
  const before = await baseline()
  const refs: WeakRef<Node>[] = []
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => void warnings.push(warning)
  process.on('warning', onWarning)
  const rounds = async (): Promise<void> => {
    const nodes = await Promise.all(Array.from({ length: 12 }, () => startNode(config())))
    for (const node of nodes) refs.push(new WeakRef(node))
    await Promise.all(nodes.map((node) => node.stop()))
  }
  await rounds()
  process.off('warning', onWarning)
  assert.deepEqual(warnings, [])
  await assertNothingLeft(before)
  await assertCollected(refs, 'all nodes')
})

// Proves: docs/node.md#node-leaves
test('nodes that are stopped while they start leave nothing', async () => {
  const before = await baseline()
  const starts = Array.from({ length: 4 }, async (_, number) => {
    const stop = new AbortController()
    const starting = startNode(config({ thread: 4 }), { signal: stop.signal })
    if (number % 2 === 0) setImmediate(() => stop.abort())
    else stop.abort()
    await starting.catch(() => {})
  })
  await Promise.all(starts)
  await assertNothingLeft(before)
})

// Proves: docs/node.md#node-leaves
test('a signal that outlives its nodes keeps nothing of them', async () => {
  const stop = new AbortController()
  const { signal } = stop
  const refs: WeakRef<Node>[] = []
  // A function of its own: no variable of this one has ever held a node.
  const round = async (): Promise<void> => {
    const node = await startNode(config(), { signal })
    refs.push(new WeakRef(node))
    await node.stop()
    assert.deepEqual(getEventListeners(signal, 'abort'), [])
  }
  for (let count = 0; count < 3; count++) await round()
  const failing = startNode(config({ start: fixture('broken.ts') }), { signal })
  await assert.rejects(failing, { code: 'ERR_SERVICE_LAUNCH' })
  assert.deepEqual(getEventListeners(signal, 'abort'), [])
  await assertCollected(refs, 'all nodes')
})

// Proves: docs/node.md#node-leaves
test('a start that fails, at whatever step, leaves nothing', async () => {
  const before = await baseline()
  const { SharedArrayBuffer: Memory } = globalThis
  const { Worker } = threads
  let left = 0
  const failing = <T extends new (...args: never[]) => object>(parent: T): T =>
    new Proxy(parent, {
      construct(target, args) {
        if (left-- === 0) throw new Error('none is left')
        return Reflect.construct(target, args)
      },
    })
  for (const [name, holder, real] of [
    ['SharedArrayBuffer', globalThis, Memory],
    ['Worker', threads, Worker],
  ] as const) {
    const outcomes: string[] = []
    Object.assign(holder, { [name]: failing(real as typeof Memory) })
    try {
      for (let step = 0; outcomes.at(-1) !== 'started'; step++) {
        left = step
        const started = startNode(config())
        outcomes.push(
          await started.then(
            (node) => node.stop().then(() => 'started'),
            (error: Error) => error.message,
          ),
        )
      }
    } finally {
      Object.assign(holder, { [name]: real })
    }
    assert.ok(outcomes.length > 2, name)
    for (const outcome of outcomes.slice(0, -1)) assert.match(outcome, /none is left/)
    await assertNothingLeft(before)
  }
})

// Proves: docs/node.md#node-questions
test('workers() keeps nothing of a call', async () => {
  const calls = 10_000
  const node = await startNode(config())
  const ask = async (): Promise<void> => {
    for (let call = 0; call < calls; call += 100) {
      await Promise.all(Array.from({ length: 100 }, () => node.workers()))
    }
  }
  await ask()
  const kept: number[] = []
  // What is kept of calls grows each time; what V8 keeps of tests before this one does not.
  for (let time = 0; time < 3; time++) {
    const before = heapBytes()
    await ask()
    kept.push((heapBytes() - before) / calls)
  }
  await node.stop()
  assert.ok(Math.min(...kept) < 100, `${kept.join(', ')} bytes of each call are kept`)
})

// Proves: docs/node.md#node-questions
test('workers() does not ask a worker again that has not answered', async () => {
  const made: Worker[] = []
  const onWorker = (worker: Worker): void => void made.push(worker)
  process.on('worker', onWorker)
  const node = await startNode(config())
  process.off('worker', onWorker)
  let answers = 0
  made.at(-1)!.on('message', ({ kind }: { kind: string }) => {
    if (kind === 'stats') answers++
  })
  const found = await Promise.all(Array.from({ length: 50 }, () => node.workers()))
  await node.stop()
  assert.ok(found.every(([first]) => first!.worker === 0))
  assert.equal(answers, 1)
})

// Proves: docs/node.md#node-questions
test('a dedicated worker that has ended is forgotten while who asked for it lives on', async () => {
  const refs: WeakRef<Worker>[] = []
  const onWorker = (worker: Worker): void => void refs.push(new WeakRef(worker))
  process.on('worker', onWorker)
  const start = fixture('dedicator.ts')
  const node = await startNode(config({ start, args: [8] }))
  process.off('worker', onWorker)
  assert.equal(refs.length, 10)
  // The first two are the socket thread and the worker of the first service.
  await assertCollected(refs.slice(2), 'dedicated workers')
  await node.stop()
})

test('a thread that called foreign functions leaves no memory map when it has ended', {
  skip: process.platform !== 'linux' && 'maps are counted on Linux only',
}, async () => {
  const koffi = createRequire(import.meta.url).resolve('koffi')
  const code = `require(${JSON.stringify(koffi)}).load(null).func('int getpid(void)')()`
  const run = async (threads: number): Promise<number> => {
    for (let i = 0; i < threads; i++) await once(new Worker(code, { eval: true }), 'exit')
    return readFileSync('/proc/self/maps', 'utf8').split('\n').length
  }
  const before = await run(5)
  const threads = 30
  const grown = (await run(threads)) - before
  // Linux lets a process have 65,530 of them, and V8 ends one that gets no more.
  assert.ok(grown < threads / 2, `${threads} threads have left ${grown} memory maps`)
})
