/** Clocks that are set, and zones: what waits does not care, as it goes by another clock. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { textOf } from '../support/cli.ts'
import { assertStops, assertWell, live } from '../support/world.ts'

const SETTER = { start: 'clock-setter.ts', logger: 'log' }
/** The library that sets it for one process alone; Debian has it in the package `faketime`. */
const { stdout: library } = spawnSync('faketime', ['-m', '-f', '+0d', 'printenv', 'LD_PRELOAD'], {
  encoding: 'utf8',
})

// Proves: docs/node.md#world-clock
test('timers, limits and lines do not care for a Date that a service has mocked', async (t) => {
  const cli = live(t, 'export TZ=America/New_York', SETTER)
  await assertWell(cli)
  await assertStops(cli)
  const lines = textOf(join(cli.folder, 'log')).trim().split('\n')
  const ours = lines.filter((line) => line.includes('the clock was set'))
  assert.equal(ours.length, 4)
  const today = new Date().toISOString().slice(0, 8)
  for (const line of ours) assert.ok(line.startsWith(today), line)
})

// Proves: docs/node.md#world-clock
test('timers and limits do not care for the clock of the system, which is set', async (t) => {
  if (!library) return t.diagnostic('left out: apt-get install faketime')
  const shell = (folder: string): string => {
    const file = `FAKETIME_TIMESTAMP_FILE=${folder}/shift FAKETIME_NO_CACHE=1`
    return `echo +0d >${folder}/shift; export ${file} FAKETIME_DONT_FAKE_MONOTONIC=1
      export LD_PRELOAD='${library.trim()}'`
  }
  const cli = live(t, shell, SETTER)
  await assertWell(cli)
  await assertStops(cli)
})
