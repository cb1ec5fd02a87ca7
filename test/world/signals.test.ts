/** Signals that a node gets, and processes around it that end. */
import assert from 'node:assert/strict'
import { closeSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openTerminal } from '../../src/os/terminal.kit.ts'
import { assertStops, assertWell, live, noteOf } from '../support/world.ts'

// Proves: docs/node.md#world-signals
test('signals that are nothing to a node change nothing', async (t) => {
  const cli = live(t, ':')
  await assertWell(cli)
  const signals = ['SIGPIPE', 'SIGUSR1', 'SIGWINCH', 'SIGCONT', 'SIGURG', 'SIGCHLD'] as const
  for (const signal of signals) cli.child.kill(signal)
  await assertStops(cli)
})

// Proves: docs/node.md#world-signals
test('a signal that comes while a node starts ends it, whenever that is', async (t) => {
  const STARTS = 8
  for (let i = 0; i < STARTS; i++) {
    const cli = live(t, ':')
    // Not a limit of anything: each meets another moment of the start.
    await delay(i * 60)
    const { code, signal } = await cli.stop()
    // Before the command listens, the signal does what it does to any program.
    assert.ok(code === 0 || signal === 'SIGTERM', `${code} ${signal} ${cli.err}`)
    if (noteOf(cli) !== '') assert.match(noteOf(cli), /exit hook;$/)
  }
})

test('a node is well when its process is stopped again and again while it starts', async (t) => {
  const cli = live(t, ':')
  for (let i = 0; i < 5; i++) {
    cli.child.kill('SIGSTOP')
    await delay(50)
    cli.child.kill('SIGCONT')
    await delay(50)
  }
  await assertWell(cli)
  await assertStops(cli)
})

// Proves: docs/node.md#world-signals
test('a node outlives the process that started it', async (t) => {
  const cli = live(t, '"$0" "$@" & echo "pid $!"; exit 0')
  const [, pid] = await cli.said(/pid (\d+)\n/)
  t.after(() => {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  await cli.wrote('note', /./)
  process.kill(Number(pid), 'SIGTERM')
  // When its output is closed.
  await cli.ended
  assert.equal(noteOf(cli), 'well;stop hook;exit hook;')
})

// Proves: docs/node.md#world-signals
test('a node outlives its standard input, that of a terminal too', async (t) => {
  const cli = live(t, ':')
  await assertWell(cli)
  cli.child.stdin!.destroy()
  await assertStops(cli)
  const { outside, inside } = openTerminal()
  t.after(() => closeSync(inside))
  const other = live(t, ':', {}, [inside, 'pipe', 'pipe'])
  await assertWell(other)
  closeSync(outside)
  await assertStops(other)
})

test('a node is well when nothing but garbage comes from its standard input', async (t) => {
  for (const shell of ['exec </dev/urandom', 'exec </', 'exec <"$3"']) {
    const cli = live(t, shell)
    await assertWell(cli)
    await assertStops(cli)
  }
})
