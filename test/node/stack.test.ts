/** Threads that are asked where they are, and must go on whatever happens meanwhile. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Session } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { isEnding, watchEnd } from '../../src/threads/main/ends.ts'
import { evaluateOn, stackOn } from '../../src/threads/main/stack.ts'

const PATIENT_MS = 60_000
const STACK = new URL(`../../src/threads/main/stack${import.meta.url.slice(-3)}`, import.meta.url)

/** A thread that runs `code`, where `port` is its way to us; when it runs. */
async function thread(t: TestContext, code: string, workerData?: unknown): Promise<Worker> {
  const head = `const { parentPort: port, workerData } = require('node:worker_threads')
    port.postMessage('begins');`
  const worker = new Worker(head + code, { eval: true, execArgv: [], workerData })
  t.after(() => worker.terminate())
  await once(worker, 'message')
  return worker
}

/** Pipes by which code in a native call, and whoever waits for it, say that they are there. */
function pipes(t: TestContext, names: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const paths = names.map((name) => join(folder, name))
  execFileSync('mkfifo', paths)
  return paths
}

/** What keeps a thread at its end: one of its own in a native call, with the last two pipes. */
const HOLDING = `const { Worker } = require('node:worker_threads')
    const held = \`const { execFileSync } = require('node:child_process')
      execFileSync('sh', ['-c', 'echo > "$0"; read _ < "$1"',
        ...require('node:worker_threads').workerData])\`
    new Worker(held, { eval: true, workerData: workerData.slice(-2) })`

/** A thread inside of a native call, which `release` ends. */
async function inNative(t: TestContext): Promise<{ worker: Worker; release: () => void }> {
  const [inside, go] = pipes(t, ['inside', 'go']) as [string, string]
  const code = `const { execFileSync } = require('node:child_process')
    execFileSync('sh', ['-c', 'echo > "$0"; read _ < "$1"', ...workerData])
    port.on('message', (text) => port.postMessage(text))
    port.postMessage('is back')`
  const worker = await thread(t, code, [inside, go])
  // Comes from within.
  await readFile(inside)
  return { worker, release: () => writeFileSync(go, '\n') }
}

/** A thread that is over, but for one of its own in a native call, which `release` ends. */
async function atItsEnd(t: TestContext): Promise<{ worker: Worker; release: () => void }> {
  const [inside, go] = pipes(t, ['inside', 'go']) as [string, string]
  const code = `${HOLDING}
    port.on('message', () => process.exit())`
  const worker = await thread(t, code, [inside, go])
  // The way to it is open.
  assert.equal(await evaluateOn(worker, '1 + 1'), 2)
  await readFile(inside)
  worker.postMessage('end')
  while (worker.performance.eventLoopUtilization().idle >= 0) {
    await new Promise(setImmediate)
  }
  return { worker, release: () => writeFileSync(go, '\n') }
}

const LOOP = 'function spin() { for (;;) workerData[0]++ } spin()'
const cellOf = (): Int32Array => new Int32Array(new SharedArrayBuffer(4))

/** Resolves when the count in `cell` goes on. */
async function goesOn(cell: Int32Array): Promise<void> {
  for (const seen = Atomics.load(cell, 0); Atomics.load(cell, 0) === seen; ) {
    await new Promise(setImmediate)
  }
}

// Proves: docs/node.md#held-stack
test('a thread that comes back after it was asked for its stack in vain goes on', async (t) => {
  const { worker, release } = await inNative(t)
  assert.deepEqual(await stackOn(worker, 1), [])
  const back = once(worker, 'message')
  release()
  assert.deepEqual(await back, ['is back'])
  const echo = once(worker, 'message')
  worker.postMessage('hears')
  assert.deepEqual(await echo, ['hears'])
})

test('a thread that was asked for its stack in vain is asked again with success', async (t) => {
  const { worker, release } = await inNative(t)
  assert.deepEqual(await stackOn(worker, 1), [])
  const asked = stackOn(worker, PATIENT_MS)
  release()
  assert.match((await asked).join('\n'), /node:|\[worker eval\]/)
})

// Proves: docs/node.md#held-stack
test('a thread that was asked for its stack in vain can be ended', async (t) => {
  const { worker, release } = await inNative(t)
  assert.deepEqual(await stackOn(worker, 1), [])
  const ended = worker.terminate()
  release()
  await ended
})

test('the stack of a thread that ends meanwhile is empty, and nobody waits for it', async (t) => {
  const { worker, release } = await inNative(t)
  const asked = stackOn(worker, PATIENT_MS)
  const ended = worker.terminate()
  release()
  await ended
  await asked
  assert.deepEqual(await stackOn(worker, PATIENT_MS), [])
})

test('a thread that takes itself apart is told nothing, and nobody waits for it', async (t) => {
  const { worker, release } = await atItsEnd(t)
  const post = t.mock.method(Session.prototype, 'post')
  const asked = [stackOn(worker, PATIENT_MS), evaluateOn(worker, '1 + 1')]
  assert.deepEqual(await stackOn(worker, 1), [])
  assert.equal(post.mock.callCount(), 0)
  release()
  assert.deepEqual(await Promise.all(asked), [[], undefined])
})

test('a thread that is asked for its loop at its end alone is seen there', async (t) => {
  const [gone, inside, go] = pipes(t, ['gone', 'inside', 'go'])
  const code = `${HOLDING}
    process.on('exit', () => require('node:fs').writeFileSync(workerData[0], 'x'))
    port.on('message', (text) => text === 'end' ? process.exit() : port.postMessage(text))`
  const worker = await thread(t, code, [gone, inside, go])
  watchEnd(
    worker,
    once(worker, 'exit').then(() => {}),
  )
  await readFile(inside!)
  for (let said = 0; said < 3; said++) {
    worker.postMessage('a report')
    await once(worker, 'message')
  }
  worker.postMessage('end')
  await readFile(gone!)
  while (!isEnding(worker)) await new Promise(setImmediate)
  writeFileSync(go!, '\n')
  await once(worker, 'exit')
})

test('nobody is looked for among threads of which one takes itself apart', async (t) => {
  const { worker: ending, release } = await atItsEnd(t)
  watchEnd(
    ending,
    once(ending, 'exit').then(() => {}),
  )
  const worker = await thread(t, LOOP, cellOf())
  const post = t.mock.method(Session.prototype, 'post')
  assert.equal(await evaluateOn(worker, '1 + 1'), undefined)
  assert.deepEqual(await stackOn(worker, 1), [])
  assert.equal(post.mock.callCount(), 0)
  const asked = stackOn(worker, PATIENT_MS)
  release()
  assert.match((await asked)[0]!, /^spin \(/)
})

test('a thread that is ended inside of what is evaluated there ends', async (t) => {
  const cell = cellOf()
  const worker = await thread(t, 'globalThis.seen = workerData; for (;;);', cell)
  const evaluated = evaluateOn(worker, 'for (;;) seen[0]++')
  await goesOn(cell)
  await worker.terminate()
  assert.equal(await evaluated, undefined)
})

test('several threads are asked for their stacks at once, each also twice', async (t) => {
  const cells = [cellOf(), cellOf(), cellOf()]
  const workers = await Promise.all(cells.map((cell) => thread(t, LOOP, cell)))
  for (let round = 0; round < 3; round++) {
    const asked = [...workers, ...workers].map((worker) => stackOn(worker, PATIENT_MS))
    for (const stack of await Promise.all(asked)) assert.match(stack[0]!, /^spin \(/)
    for (const cell of cells) await goesOn(cell)
  }
})

// Proves: docs/node.md#held-stack
test('a thread that stands at a breakpoint of somebody is asked, and stays there', async (t) => {
  const cell = cellOf()
  const code = `function wait() { while (workerData[0] === 0); }
    function stand() { debugger; workerData[0]++ }
    wait(); stand(); for (;;) workerData[0]++`
  const worker = await thread(t, code, cell)
  const session = new Session()
  session.connect()
  t.after(() => session.disconnect())
  let sessionId = ''
  const tell = (method: string): void => {
    const message = JSON.stringify({ id: 1, method })
    session.post('NodeWorker.sendMessageToWorker', { sessionId, message })
  }
  const heard = (what: string): Promise<void> =>
    new Promise((resolve) => {
      session.on('NodeWorker.receivedMessageFromWorker', ({ params: { message } }) => {
        if (message.includes(what)) resolve()
      })
    })
  session.on('NodeWorker.attachedToWorker', ({ params: { workerInfo, ...attached } }) => {
    if (workerInfo.title.startsWith(`[worker ${worker.threadId}]`)) sessionId = attached.sessionId
  })
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false })
  const stands = heard('Debugger.paused')
  const resumed = heard('Debugger.resumed')
  tell('Debugger.enable')
  Atomics.store(cell, 0, 1)
  await stands
  for (let round = 0; round < 100; round++) {
    assert.match((await stackOn(worker, PATIENT_MS))[0]!, /^stand \(/)
  }
  assert.equal(Atomics.load(cell, 0), 1, 'it stands')
  tell('Debugger.resume')
  await resumed
  await goesOn(cell)
  session.post('NodeWorker.detach', { sessionId })
})

test('a thread that does not run under the first one cannot be asked', async (t) => {
  const code = `const { Worker } = require('node:worker_threads')
    const worker = new Worker('for (;;);', { eval: true })
    worker.once('online', async () => {
      const { stackOn } = await import(workerData)
      port.postMessage(await stackOn(worker, ${PATIENT_MS}))
    })`
  const worker = await thread(t, code, STACK.href)
  assert.deepEqual(await once(worker, 'message'), [[]])
})

// Proves: docs/node.md#held-stack
test('a process that ends while it asks a thread for its stack ends', () => {
  const program = `
    import { Session } from 'node:inspector'
    import { setTimeout as delay } from 'node:timers/promises'
    import { Worker } from 'node:worker_threads'
    import { stackOn } from '${STACK.href}'
    const cell = new Int32Array(new SharedArrayBuffer(4))
    const code = 'const { workerData } = require("node:worker_threads"); ${LOOP}'
    const worker = new Worker(code, { eval: true, execArgv: [], workerData: cell })
    while (Atomics.load(cell, 0) === 0) await delay(1)
    // It is not heard that the thread stands, as if that had come a moment later.
    const { emit } = Session.prototype
    Session.prototype.emit = function (name, ...rest) {
      return !name.startsWith('NodeWorker.received') && emit.call(this, name, ...rest)
    }
    void stackOn(worker, ${PATIENT_MS})
    for (let seen = -1; seen !== Atomics.load(cell, 0); await delay(100)) {
      seen = Atomics.load(cell, 0)
    }
    process.exit(7)`
  const words = ['--input-type=module', '-e', program]
  const { status, signal } = spawnSync(process.execPath, words, { timeout: PATIENT_MS })
  assert.deepEqual({ status, signal }, { status: 7, signal: null })
})
