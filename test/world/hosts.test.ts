/** Programs that hold a node, or several: within a thread, as a child, as a bundle. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { scratchFolder } from '../support/cli.ts'
import { fixture } from '../support/process.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** None of them takes long; one that hangs is ended, and fails. */
const HANG_MS = 60_000
const ENDED = 'well;stop hook;exit hook; 0\n'
const PRINTED: Record<string, string> = {
  two: `a ${ENDED}c ${ENDED}b ${ENDED}`,
  'in a worker': `a ${ENDED}`,
  'in a worker that is ended': '1 goes on\n',
  'in a worker that exits': '3 goes on\n',
  'with a child that has IPC': `a ${ENDED}0\n`,
}

function assertPrints(t: TestContext, file: string, program: string, printed: string): void {
  const words = [file, program, scratchFolder(t)]
  const ended = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: HANG_MS })
  const said = ended.stdout.replaceAll('printed\n', '')
  assert.deepEqual([said, ended.status], [printed, 0], ended.stderr)
}

for (const [program, printed] of Object.entries(PRINTED)) {
  // Proves: docs/node.md#world-program
  test(`a program holds a node: ${program}`, (t) => {
    assertPrints(t, fixture('host.js'), program, printed)
  })
}

// Proves: docs/node.md#world-program
test('a program holds a node: bundled with its services, and minified', (t) => {
  const folder = scratchFolder(t)
  const esbuild = join(ROOT, 'node_modules/.bin/esbuild')
  const flags = ['--bundle', '--minify', '--platform=node', '--format=esm', '--external:skynet-ts']
  const files = [fixture('host.js'), fixture('healthy.js')]
  execFileSync(esbuild, [...files, ...flags, '--out-extension:.js=.mjs', `--outdir=${folder}`], {
    stdio: 'pipe',
  })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(ROOT, join(folder, 'node_modules/skynet-ts'))
  assertPrints(t, join(folder, 'host.mjs'), 'one', `a ${ENDED}`)
})
