import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'

/** Of the built modules: the code below runs in a process of its own. */
const LOADING = new URL('./loading.js', import.meta.url).href
const LOADED = new URL('../loaded.js', import.meta.url).href

/** A thread that loads for a while and then says so; the main thread does `next`. */
const program = (next: string): string => `
  import { writeSync } from 'node:fs'
  import { Worker } from 'node:worker_threads'
  import { Loading } from '${LOADING}'
  const loading = new Loading()
  const code = \`
    const { workerData } = require('node:worker_threads')
    import('${LOADED}').then(({ hasLoaded }) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
      require('node:fs').writeSync(1, 'loaded ')
      hasLoaded(workerData)
    })
    setInterval(() => {}, 1000)
  \`
  const thread = new Worker(code, { eval: true, execArgv: [], workerData: loading.memory })
  ${next}
`
const run = (next: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program(next)], {
    encoding: 'utf8',
    timeout: 10_000,
  })

test('a process does not end while a thread loads', () => {
  assert.equal(run(`process.on('exit', () => writeSync(1, 'over')); process.exit()`), 'loaded over')
})

test('done() waits for a thread that loads, not for one that has', () => {
  const next = `
    await loading.done()
    await loading.done()
    writeSync(1, 'over')
    loading.end()
    process.exit()`
  assert.equal(run(next), 'loaded over')
})

test('a thread that is gone is not waited for', () => {
  const next = `
    await thread.terminate()
    loading.end()
    await loading.done()
    writeSync(1, 'over')`
  assert.equal(run(next), 'over')
})
