/** What the monitor must not take for a loop: who waits for a core, and who was stopped. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Ended, inProcess, runNode } from '../support/process.ts'

/** A node with a handler that needs `ms` of a core; `go` lets the handler begin. */
function toiler(t: TestContext, ms: number, monitorMs: number, before: string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'go')
  const patient = { exitMs: 60_000, budgets: { flushMs: 60_000, startNoticeMs: 600_000 } }
  const config = { monitorMs, monitorAction: 'kill', ...patient }
  const { child, ended } = runNode('toiler.ts', [file, ms], config, before)
  t.after(() => child.kill('SIGKILL'))
  return { child, ended, go: () => writeFileSync(file, '') }
}

function wrote(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    child.stdout!.on('data', (chunk) => String(chunk).includes(text) && resolve())
  })
}

const DONE: Ended = { code: 0, out: 'ready\n..........done\n', err: '' }

// Proves: docs/node.md#held-time
test('a handler that waits for a core is not taken for a loop', async (t) => {
  const { child, ended, go } = toiler(t, 50, 200, ['nice', '-n', '19'])
  await wrote(child, 'ready')
  for (let core = 0; core < availableParallelism(); core++) {
    const busy = spawn(process.execPath, ['-e', 'for (;;);'])
    t.after(() => busy.kill('SIGKILL'))
  }
  go()
  assert.deepEqual(await ended, DONE)
})

// Proves: docs/node.md#held-time
test('a handler whose process is stopped meanwhile is not taken for a loop', async (t) => {
  const { child, ended, go } = toiler(t, 400, 1000)
  await wrote(child, 'ready')
  for (let dots = 0; dots < 3; dots++) {
    const dot = wrote(child, '.')
    go()
    await dot
    child.kill('SIGSTOP')
    // Longer than the monitor looks away, and with the others longer than a handler may take.
    await delay(600)
    child.kill('SIGCONT')
  }
  assert.deepEqual(await ended, DONE)
})

// Proves: docs/node.md#held-time
test('a handler that holds its worker in a system call is taken for a loop', async () => {
  const config = { monitorMs: 100, monitorAction: 'kill', budgets: { stackMs: 1 } }
  const { out, err } = await inProcess('toiler.ts', ['/', 'sleep'], config)
  assert.match(err, /maybe in an endless loop .*, at a place that cannot be had/)
  assert.match(err, /it was held for more than 100 ms/)
  assert.match(out, /^ready\nERR_/)
})
