/** Handlers that do not come back: who says so, and what it says. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOAD_NOTICE_MS } from '../../src/base/limits.ts'
import { fixture, inProcess } from '../support/process.ts'
import { test } from '../support/run.ts'

const EXTENSION = import.meta.url.slice(-3)
const LOOPER = fixture('looper.ts').replace(/\.ts$/, EXTENSION)

/** Lines of the body of a function of the looper, from 1. */
function linesOf(name: string): { first: number; last: number } {
  const lines = readFileSync(LOOPER, 'utf8').split('\n')
  const first = lines.findIndex((line) => line.includes(`function ${name}`)) + 1
  return { first, last: lines.indexOf('}', first) + 1 }
}

function assertInside(text: string, name: string): void {
  const place = new RegExp(`at ${name} \\(${LOOPER}:(\\d+):\\d+\\)`).exec(text)
  assert.ok(place, text)
  const { first, last } = linesOf(name)
  assert.ok(Number(place[1]) >= first && Number(place[1]) <= last, text)
}

// Proves: docs/node.md#held
// Proves: docs/skynet.md#testendless
test('a handler that does not come back is reported with the stack of its loop', async () => {
  const { code, err } = await inProcess('looper.ts', ['method', 200], { monitorMs: 100 })
  assert.match(err, /from \[ :0000000\d \] to \[ :0000000\d \] maybe in an endless loop/)
  assert.match(err, /\(version = \d+, LUA, session \d+\), at /)
  assertInside(err, 'spinInMethod')
  assert.match(err, /\n {4}at hold \(/, 'who called it comes behind')
  // The last one may be taken when the loop is just over.
  const reports = err.split(/^\[:0{8}\] error: /m)
  const first = reports.find((report) => report.includes('spinInMethod'))
  assert.doesNotMatch(first!, /dist\/(src|lib)|node:/, 'frames of the runtime say nothing')
  assert.equal(code, 0, 'it went on afterwards')
})

// Proves: docs/node.md#held-endless
// Proves: docs/skynet.md#testendless
test('testendless.lua: stat endless tells a loop that it was reported, once', async () => {
  const { out } = await inProcess('looper.ts', ['stat', 60_000], { monitorMs: 1000 })
  assert.equal(out, 'endless: 0, 1, 0\n')
})

// Proves: docs/node.md#held
test('a setup of the first service that does not come back is reported', async () => {
  for (const thread of [1, 2]) {
    const args = ['setup', 200]
    const { code, err } = await inProcess('looper.ts', args, { monitorMs: 100, thread })
    assert.match(err, /to \[ :0{7}[^0] \] maybe in an endless loop \(version = \d+, a task\), at /)
    assertInside(err, 'spinInSetup')
    assert.equal(code, 0)
  }
})

// Proves: docs/node.md#held
test('a setup of the first service that never comes back ends the start, if it is to', async () => {
  // Longer than a start takes on a busy machine.
  const config = { monitorMs: 500, monitorAction: 'kill' }
  const { code, err } = await inProcess('looper.ts', ['setup', 60_000], config)
  assertInside(err, 'spinInSetup')
  assert.match(err, /it was held for more than 500 ms/)
  assert.equal(code, 1)
})

// Proves: docs/node.md#held
test('a module that loops while it is loaded is reported, also the first one', async () => {
  process.env.LOOP_MS = '200'
  try {
    for (const thread of [1, 2]) {
      const config = { monitorMs: 100, thread }
      for (const [start, args] of [
        ['loop-at-load.ts', []],
        ['looper.ts', ['load', 0]],
      ] as const) {
        const { code, err } = await inProcess(start, [...args], config)
        assert.match(err, /maybe in an endless loop \(.*\), at \S*loop-at-load\.[jt]s:\d+/)
        assert.equal(code, 0)
      }
    }
  } finally {
    delete process.env.LOOP_MS
  }
})

// Proves: docs/node.md#held
test('a module that is not loaded after a while is named, and goes on when it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  const logger = join(folder, 'log')
  process.env.LATE_MS = String(LOAD_NOTICE_MS + 500)
  try {
    const { code } = await inProcess('late-at-load.ts', [], { logger })
    const log = readFileSync(logger, 'utf8')
    assert.match(
      log,
      /Service \S*late-at-load\.[jt]s is not loaded after 5000 ms: a top-level await/,
    )
    assert.equal(code, 0)
  } finally {
    delete process.env.LATE_MS
    rmSync(folder, { recursive: true })
  }
})

// Proves: docs/node.md#held-receiver
test('a loop after an await is found by its stack, whoever got the last message', async () => {
  const { code, err } = await inProcess('looper.ts', ['after await', 200], { monitorMs: 100 })
  assertInside(err, 'spinAfterAwait')
  assert.equal(code, 0)
})
