/** A process that is stopped, SIGSTOP, while it waits for a thread before it ends. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'

const EXTENSION = import.meta.url.slice(-3)
const LOADING = new URL(`../../src/threads/main/loading${EXTENSION}`, import.meta.url)
const LOADED = new URL(`../../src/threads/loaded${EXTENSION}`, import.meta.url)
/** Longer than a thread may take to load; and what it needs, of which a part is left after that. */
const STOPPED_MS = 5500
const LOADS_MS = 5800

test('a process that is stopped while a thread loads waits for it when it goes on', async (t) => {
  const program = `
    import { writeSync } from 'node:fs'
    import { Worker } from 'node:worker_threads'
    import { Loading } from '${LOADING.href}'
    process.on('exit', () => writeSync(1, 'ends '))
    const loading = new Loading()
    const code = \`
      const { parentPort, workerData } = require('node:worker_threads')
      const { writeSync } = require('node:fs')
      import('${LOADED.href}').then(({ hasLoaded }) => {
        const until = performance.now() + ${LOADS_MS}
        parentPort.postMessage('loads')
        while (performance.now() < until) {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
        }
        writeSync(1, 'loaded ')
        hasLoaded(workerData)
      })
      setInterval(() => {}, 1000)
    \`
    const thread = new Worker(code, { eval: true, execArgv: [], workerData: loading.memory })
    process.on('exit', () => writeSync(1, 'over'))
    thread.once('message', () => process.exit())`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  const begins = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      out += chunk
      resolve()
    })
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  await begins
  child.kill('SIGSTOP')
  await delay(STOPPED_MS)
  child.kill('SIGCONT')
  await ended
  assert.equal(out, 'ends loaded over')
})
