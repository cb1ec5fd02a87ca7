/** A node whose output nobody takes any more: its reader is gone or asleep, its disk is full. */
import assert from 'node:assert/strict'
import { type StdioOptions, spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NodeConfig } from 'skynet-ts/node'
import { openTerminal } from '../../src/os/terminal.kit.ts'
import { Cli, scratchFolder, textOf } from '../support/cli.ts'
import { pipe } from '../support/pipe.ts'
import { fixture } from '../support/process.ts'
import { until } from '../support/until.ts'

/** Runs the fixture up to the point where it waits for `go`. */
async function start(
  t: TestContext,
  what: string,
  stdio: StdioOptions = 'pipe',
  config: Partial<NodeConfig> = {},
): Promise<Cli> {
  const folder = scratchFolder(t)
  const args = [what, folder]
  const given = { start: 'outliver.ts', args, thread: 2, logger: 'log', monitorMs: 100, ...config }
  const cli = new Cli(t, folder, given, undefined, stdio)
  await cli.wrote('trace', /ready/)
  return cli
}

/** Let it go on, then stop it: it does all that it would do while somebody listens. */
async function assertGoesOn({ folder, child, ...cli }: Cli): Promise<void> {
  writeFileSync(join(folder, 'go'), '')
  const trace = (): string => textOf(join(folder, 'trace'))
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null
  await until('the node to go on', () => /alive later/.test(trace()) || isOver())
  child.kill('SIGTERM')
  const ended = await cli.ended
  assert.equal(trace(), 'ready;went on;alive later;stop hook;exit hook;')
  assert.deepEqual(ended, { code: 0, signal: null })
}

const DEEDS = ['nothing', 'console.log', 'console.error', 'emitWarning', 'worker dies'] as const

for (const what of [...DEEDS, 'monitor report']) {
  // Proves: docs/node.md#output-lost
  test(`a node goes on when the readers of its output are gone: ${what}`, async (t) => {
    const cli = await start(t, what)
    cli.child.stdout!.destroy()
    cli.child.stderr!.destroy()
    await assertGoesOn(cli)
  })
}

// Proves: docs/node.md#output-lost
test('a node goes on when what it prints goes to a device that is full', async (t) => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  for (const what of ['console.log', 'console.error', 'emitWarning']) {
    await assertGoesOn(await start(t, what, ['ignore', full, full]))
  }
})

// Proves: docs/node.md#output-counted
test('that standard output is full is told once on standard error', async (t) => {
  const full = openSync('/dev/full', 'w')
  t.after(() => closeSync(full))
  const cli = await start(t, 'console.log', ['ignore', full, 'pipe'])
  await assertGoesOn(cli)
  assert.equal(cli.err.match(/cannot write to standard output: ENOSPC/g)?.length, 1)
})

for (const what of DEEDS) {
  // Proves: docs/node.md#output-lost
  test(`a node goes on when its terminal hangs up, and ends with 0: ${what}`, async (t) => {
    const { outside, inside } = openTerminal()
    const cli = await start(t, what, [inside, inside, inside])
    closeSync(inside)
    closeSync(outside)
    await assertGoesOn(cli)
  })
}

// Proves: docs/node.md#output-lost
test('a node goes on when its terminal takes nothing', async (t) => {
  const { outside, inside } = openTerminal()
  t.after(() => {
    closeSync(inside)
    closeSync(outside)
  })
  await assertGoesOn(await start(t, 'flood of console.error', [inside, inside, inside]))
})

for (const what of ['flood of console.error', 'flood of skynet.log']) {
  // Proves: docs/node.md#output-lost
  test(`a node goes on when nobody reads its output: ${what}`, async (t) => {
    const folder = scratchFolder(t)
    spawnSync('mkfifo', [join(folder, 'pipe')])
    const reader = openSync(join(folder, 'pipe'), 'r+')
    t.after(() => closeSync(reader))
    const stdio = ['ignore', reader, reader] satisfies StdioOptions
    await assertGoesOn(await start(t, what, stdio, { logger: undefined as never }))
  })
}

// Proves: docs/node.md#output-counted
test('a reader that comes late is told how many lines were dropped', async (t) => {
  // What is said of a worker that is held meanwhile would be one of them.
  const cli = await start(t, 'flood of console.error', 'pipe', { monitorMs: 0 })
  cli.child.stderr!.pause()
  writeFileSync(join(cli.folder, 'go'), '')
  await cli.wrote('trace', /alive later/)
  cli.child.stderr!.resume()
  const [, dropped] = await cli.said(/error: (\d+) lines were dropped/)
  assert.equal(cli.err.match(/^x+$/gm)!.length + Number(dropped), 100)
  assert.equal((await cli.stop()).code, 0)
})

// Proves: docs/node.md#output-counted
test('a daemon outlives a full log, and says what is missing when there is room', async (t) => {
  const pidIn = (folder: string): number => Number(textOf(join(folder, 'pid')))
  const folder = scratchFolder(t, (left) => {
    if (pidIn(left) > 0) process.kill(pidIn(left), 'SIGKILL')
  })
  symlinkSync('/dev/full', join(folder, 'log'))
  const args = ['console.log', folder]
  const config = { start: 'outliver.ts', args, thread: 2, logger: 'log', daemon: 'pid' }
  const cli = new Cli(t, folder, config)
  assert.equal((await cli.ended).code, 0)
  writeFileSync(join(folder, 'go'), '')
  await cli.wrote('trace', /alive later/)
  renameSync(join(folder, 'log'), join(folder, 'old'))
  const pid = pidIn(folder)
  process.kill(pid, 'SIGHUP')
  await cli.wrote('log', /\b1 lines were dropped: ENOSPC/)
  process.kill(pid, 'SIGTERM')
  await until('the end of the daemon', () => !existsSync(join(folder, 'pid')))
  assert.equal(textOf(join(folder, 'trace')), 'ready;went on;alive later;stop hook;exit hook;')
})

// Proves: docs/node.md#output-program
test('a program hears of output that it wrote itself, not of that of its node', async (t) => {
  const folder = scratchFolder(t)
  const words = [fixture(`embedder${import.meta.url.slice(-3)}`), fixture('outliver.ts'), folder]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const wrote = (name: string, pattern: RegExp): Promise<boolean> =>
    until(`${pattern} in ${name}`, () => pattern.test(textOf(join(folder, name))))
  await wrote('trace', /ready/)
  child.stdout.destroy()
  writeFileSync(join(folder, 'go'), '')
  await wrote('trace', /alive later/)
  assert.equal(textOf(join(folder, 'errors')), '')
  writeFileSync(join(folder, 'write'), '')
  await wrote('errors', /EPIPE/)
  assert.equal(await ended, 0)
})

for (const kind of ['pipe', 'socket'] as const) {
  // Proves: docs/node.md#output-program
  test(`a program ends with its node when nobody reads its output: a ${kind}`, async (t) => {
    const folder = scratchFolder(t)
    const file = fixture(`mute-program${import.meta.url.slice(-3)}`)
    // What Node.js calls a pipe is a pair of sockets.
    const ends = kind === 'pipe' ? pipe() : undefined
    t.after(() => ends && [ends.readFd, ends.writeFd].forEach((fd) => void closeSync(fd)))
    const stdio: StdioOptions = ['ignore', ends?.writeFd ?? 'pipe', 'ignore']
    const child = spawn(process.execPath, [file, fixture('outliver.ts'), folder], { stdio })
    t.after(() => child.kill('SIGKILL'))
    child.stdout?.pause()
    writeFileSync(join(folder, 'go'), '')
    await until('the node to go on', () => /alive later/.test(textOf(join(folder, 'trace'))))
    writeFileSync(join(folder, 'stop'), '')
    await until('the end of the program', () => child.exitCode !== null)
    assert.equal(child.exitCode, 0)
  })
}
