/** What the command says when a node cannot start. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CLI, Cli, scratchFolder } from '../support/cli.ts'

// Proves: docs/node.md#start-fails
test('a start with too few descriptors names the limit', async (t) => {
  const config = { start: 'talker.ts', thread: 8 }
  const cli = new Cli(t, scratchFolder(t), config, 'ulimit -n 48')
  assert.equal((await cli.ended).code, 1)
  assert.match(
    cli.err,
    /^skynet: .*(?:EMFILE|too many open files).*; raise the limit of open files \(ulimit -n\)$/m,
  )
})

// Proves: docs/node.md#start-signal
test('a signal while the node starts ends it, and that is no fault', async (t) => {
  const cli = new Cli(t, scratchFolder(t), { start: 'early-signal.ts', args: ['SIGINT'] })
  assert.equal((await cli.ended).code, 0)
  assert.match(cli.err, /^skynet: SIGINT: stopping, for at most .*\nskynet: stopped\n$/)
})

// Proves: docs/node.md#start-fails
test('a launch that fails says each path once', async (t) => {
  const folder = scratchFolder(t)
  const missing = new Cli(t, folder, { start: 'no-such-file.ts' })
  assert.equal((await missing.ended).code, 1)
  assert.match(
    missing.err,
    /^skynet: Cannot launch service \S+no-such-file.ts: no such module in \S+: tried \S+.*\n$/,
  )
  const noService = new Cli(t, folder, { start: 'no-service.ts' })
  assert.equal((await noService.ended).code, 1)
  assert.match(noService.err, /^skynet: Cannot launch service \S+: its default export is not made/)
})

// Proves: docs/node.md#start-fails
test('a folder of services that is missing is refused, with field and value', async (t) => {
  const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts', services: ['./none'] })
  assert.equal((await cli.ended).code, 1)
  assert.match(
    cli.err,
    /^skynet: Cannot use config 'services' as .*: current value is '\/.*none'\n$/,
  )
})

test('a config module that never settles is refused in one line', (t) => {
  const file = join(scratchFolder(t), 'c.mjs')
  writeFileSync(file, `await new Promise(() => {})\nexport default { start: 'a.ts' }`)
  const { status, stderr } = spawnSync(process.execPath, [CLI, 'start', file], { encoding: 'utf8' })
  assert.match(stderr, /^skynet: Cannot .*c\.mjs.*: its top-level await never ends\n$/)
  assert.equal(status, 1)
})

test('a log file that cannot be opened is told with the name of its config key', async (t) => {
  const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts', logger: 'c.json/log' })
  assert.equal((await cli.ended).code, 1)
  assert.match(
    cli.err,
    /^skynet: .*Cannot open log file .*c.json\/log \(config key 'logger'\): ENOTDIR/,
  )
})

test('the command is a program of its own', () => {
  assert.equal(statSync(CLI).mode & 0o111, 0o111)
})
