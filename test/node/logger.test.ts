/** Where lines go: our logger and a user's own, files that are renamed, forms. */
import assert from 'node:assert/strict'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Cli, scratchFolder, textOf } from '../support/cli.ts'

const OWN = join(import.meta.dirname, '../fixtures/own-logger.ts')

// Proves: docs/node.md#log-rotate
test('rename and SIGHUP rotate the log file, and no line is lost', async (t) => {
  const folder = scratchFolder(t)
  const cli = new Cli(t, folder, { start: 'chatter.ts', logger: 'log', thread: 2 })
  const names = ['log.0', 'log.1', 'log.2']
  for (const name of names) {
    await cli.wrote('log', /number \d+ /)
    renameSync(join(folder, 'log'), join(folder, name))
    cli.child.kill('SIGHUP')
  }
  await cli.wrote('log', /number \d+ /)
  assert.deepEqual(await cli.stop(), { code: 0, signal: null })
  const texts = [...names, 'log'].map((name) => textOf(join(folder, name)))
  const numbers = [...texts.join('').matchAll(/number (\d+) /g)].map((match) => Number(match[1]))
  const [, count] = /count (\d+) /.exec(texts.at(-1)!)!
  assert.deepEqual(
    numbers,
    Array.from({ length: Number(count) }, (_, i) => i),
  )
})

// Proves: docs/node.md#log-rotate
test('a log file that cannot be opened anew is kept, and the fault told', async (t) => {
  const folder = scratchFolder(t)
  const cli = new Cli(t, folder, { start: 'talker.ts', logger: 'log', args: ['hello'] })
  await cli.wrote('log', /ready/)
  renameSync(folder, `${folder}.moved`)
  t.after(() => rmSync(`${folder}.moved`, { recursive: true }))
  cli.child.kill('SIGHUP')
  await cli.said(/services\/logger\] error: reopen: .*ENOENT/)
  assert.equal((await cli.stop()).code, 0)
})

test('SIGHUP stops a node that has no log file: its terminal is gone', async (t) => {
  const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts' })
  await cli.said(/ready/)
  assert.deepEqual(await cli.stop('SIGHUP'), { code: 0, signal: null })
})

test('logFormat json writes one object a line, control characters escaped', async (t) => {
  const told = 'two\nlines \u001b[31m\u007f\u009b"quoted"'
  const config = { start: 'talker.ts', logFormat: 'json', args: [told] } as const
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.said(/"ready"/)
  const { code } = await cli.stop()
  assert.equal(code, 0)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  assert.doesNotMatch(cli.out, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  const entries = cli.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [info, error] = entries
  assert.equal(entries.length, 2)
  assert.equal(info.msg, told)
  assert.deepEqual([info.level, error.level], ['info', 'error'])
  assert.match(info.handle, /^:[0-9a-f]{8}$/)
  assert.equal(info.service, 'fixtures/talker')
  assert.ok(Math.abs(Date.parse(info.time) - Date.now()) < 600_000)
})

// Proves: docs/node.md#output-json
test('with JSON node and command say objects too, also why they cannot start', async (t) => {
  const json = { logFormat: 'json' } as const
  const messagesOf = ({ err }: Cli): string[] =>
    err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg)
  const full = new Cli(t, scratchFolder(t), { start: 'talker.ts', logger: '/dev/full', ...json })
  await full.said(/cannot write/)
  assert.equal((await full.stop()).code, 0)
  const [fault, stopping, stopped] = messagesOf(full)
  assert.match(fault!, /^cannot write to \/dev\/full: ENOSPC/)
  assert.match(stopping!, /^skynet: SIGTERM: stopping/)
  assert.equal(stopped, 'skynet: stopped')
  const args = ['setup', 1000]
  const held = new Cli(t, scratchFolder(t), { start: 'looper.ts', args, monitorMs: 100, ...json })
  assert.equal((await held.ended).code, 0)
  assert.match(messagesOf(held)[0]!, /maybe in an endless loop .*\n {4}at /)
  const broken = new Cli(t, scratchFolder(t), { start: 'no-service.ts', ...json })
  assert.equal((await broken.ended).code, 1)
  assert.match(messagesOf(broken).at(-1)!, /^skynet: Cannot launch/)
})

// Proves: docs/skynet.md#examples-userlog
test('logservice names a service that logs instead of ours, and is told of SIGHUP', async (t) => {
  const config = { start: 'talker.ts', logger: 'log', logservice: OWN, args: ['hello'] }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.wrote('log', /own text true info fixtures\/talker: hello\n/)
  await cli.wrote('log', /own text true error fixtures\/talker: ready\n/)
  cli.child.kill('SIGHUP')
  await cli.wrote('log', /reopened/)
  assert.equal((await cli.stop()).code, 0)
  assert.equal(cli.out, '')
})

// Proves: docs/node.md#log-rotate
test('SIGHUP while the first service begins reaches the logger when it is up', async (t) => {
  const config = { start: 'early-signal.ts', logger: 'log', logservice: OWN, args: ['SIGHUP'] }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.wrote('log', /reopened/)
  assert.equal((await cli.stop()).code, 0)
})

// Proves: docs/semantics.md#death-log
test('lines that a logger does not say to be written come again, with a word', async (t) => {
  const args = ['one', 'two']
  const config = { start: 'talker.ts', logger: 'log', logservice: OWN, args, env: { silent: true } }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.wrote('log', /: two\n[\s\S]*: ready/)
  await cli.stop()
  const [, word, after] = /: (\d+ lines follow .*)\n([\s\S]*)/.exec(cli.err)!
  const wanted = / lines follow that the logger got: perhaps in the log as well$/
  assert.match(word!, wanted, cli.err)
  assert.equal(after!.match(/\] (one|two)$/gm)?.length, 2, cli.err)
  assert.doesNotMatch(cli.err, /did not get|older lines/)
})

// Proves: docs/node.md#log-fault
test('a fault of the logger goes to standard error, and it gets the next line', async (t) => {
  const args = ['throw', 'reject', 'after']
  const config = { start: 'talker.ts', logger: 'log', logservice: OWN, args }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.wrote('log', /: after\n[\s\S]*: ready/)
  assert.equal((await cli.stop()).code, 0)
  assert.equal(cli.err.match(/fixtures\/own-logger\] error: text: Error: this logger/g)?.length, 2)
})

test('a logservice that does not register .logger is refused', async (t) => {
  const env = { unnamed: true }
  const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts', logservice: OWN, env })
  assert.equal((await cli.ended).code, 1)
  assert.match(cli.err, /Cannot log with .*own-logger.ts: it did not register '.logger'/)
})

// Proves: docs/node.md#log-fault
test('log lines that cannot be written are told on standard error', async (t) => {
  const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts', logger: '/dev/full' })
  await cli.said(/services\/logger\] error: cannot write to \/dev\/full: ENOSPC/)
  assert.equal((await cli.stop()).code, 0)
})
