/** What a node that dies leaves behind. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { CRASH_REPORTS_MAX } from '../../src/base/limits.ts'
import { Cli, scratchFolder } from '../support/cli.ts'
import { inProcess } from '../support/process.ts'

interface Report {
  readonly at: string
  readonly what: string
  readonly fault: string[]
  readonly versions: Record<string, string>
  readonly process: Record<string, number>
  readonly workers: { services: number; lastMessages: string[] }[]
  readonly threads: {
    thread: string
    mailboxes?: { title: string; handle: string; length: number }[]
    stack?: string[]
  }[]
}

/** The only report in the folder. */
function reportIn(folder: string): Report {
  const names = readdirSync(join(folder, 'crashes'))
  assert.equal(names.length, 1, names.join())
  assert.match(names[0]!, /^crash-\d+-1\.json$/)
  return JSON.parse(readFileSync(join(folder, 'crashes', names[0]!), 'utf8')) as Report
}

// Proves: docs/node.md#crash-report
test('a dying worker leaves a report: messages, mailboxes, the stack of who hangs', async (t) => {
  const folder = scratchFolder(t)
  const config = {
    thread: 3,
    crashFolder: join(folder, 'crashes'),
    monitorMs: 0,
    // Who hangs is asked for its stack when it has not answered, and is ended with the node.
    budgets: { inspectMs: 2000 },
    exitMs: 10_000,
  }
  const { code, err } = await inProcess('crasher.ts', ['all', join(folder, 'file')], config)
  assert.equal(code, 1)
  const path = /crash report: \S+\/crashes\/crash-(\d+)-1\.json\n/.exec(err)
  const report = reportIn(folder)
  assert.match(report.what, /^skynet worker 2/)
  assert.match(report.fault.join('\n'), /exit code 3/)
  assert.equal(report.versions.node, process.versions.node)
  assert.equal(report.process.pid, Number(path![1]))
  const dead = report.workers[2]!
  assert.ok(dead.services >= 1)
  assert.match(dead.lastMessages.at(-1)!, /^LUA, session [1-9]\d*, from :\w{8} to :\w{8}$/)
  const [piled, hung] = report.threads
  const [longest] = piled!.mailboxes!
  assert.equal(longest!.title, 'fixtures/crasher')
  assert.ok(longest!.length > 1000, String(longest!.length))
  assert.match(hung!.stack!.join('\n'), /holdUntil .*subject\.(js|ts):\d+:\d+/)
})

// Proves: docs/node.md#crash-report
test('a fault of the main thread leaves a report', async (t) => {
  const folder = scratchFolder(t)
  // As soon as somebody hears it: the node is up.
  const late = `process.on('newListener', (name) => {
  if (name !== 'uncaughtExceptionMonitor') return
  setImmediate(() => { throw new Error('the main thread is broken') })
})`
  writeFileSync(join(folder, 'late.mjs'), late)
  const config = { start: 'talker.ts', crashFolder: 'crashes' }
  const cli = new Cli(
    t,
    folder,
    config,
    `NODE_OPTIONS="--import=${folder}/late.mjs"; export NODE_OPTIONS`,
  )
  const ended = await cli.ended
  // As Node.js ends by a fault: by itself, and what it heard of that threw nothing.
  assert.deepEqual(ended, { code: 1, signal: null }, cli.err)
  const report = reportIn(folder)
  assert.equal(report.what, 'main thread')
  assert.match(report.fault.join('\n'), /the main thread is broken[\s\S]*late\.mjs/)
  assert.ok(report.workers[0]!.lastMessages.length > 0)
})

// Proves: docs/node.md#crash-report
test('a crash report that cannot be written is told, and nothing else changes', async (t) => {
  const folder = scratchFolder(t)
  const config = { start: 'quitter.ts', args: ['exit'], crashFolder: '/dev/null/crashes' }
  const cli = new Cli(t, folder, config)
  assert.equal((await cli.ended).code, 1)
  assert.match(cli.err, /Cannot write crash report \/dev\/null\/crashes\/\S+: E/)
  // The second where the end of the worker comes before the news that the first service is ready.
  assert.match(cli.err, /skynet worker \d died: exit code 3|without skynet worker \d: exit code 3/)
})

// Proves: docs/node.md#crash-report
test('a node writes at most CRASH_REPORTS_MAX crash reports', async (t) => {
  const folder = scratchFolder(t)
  const start = join(import.meta.dirname, '../fixtures/talker.ts')
  const given = { start, thread: 1, logger: '/dev/null', crashFolder: 'crashes' }
  await using node = await startNode(resolveConfig(given, folder))
  for (let i = 0; i < CRASH_REPORTS_MAX; i++) {
    assert.ok(node.writeCrashReport('a test', i), String(i))
  }
  assert.equal(node.writeCrashReport('a test', 'one more'), undefined)
  assert.equal(readdirSync(join(folder, 'crashes')).length, CRASH_REPORTS_MAX)
})
