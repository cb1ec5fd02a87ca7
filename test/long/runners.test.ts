/** Test runners of others: services and the testing kit in their contexts and threads. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { scratchFolder } from '../support/cli.ts'
import { withPackages } from '../support/installed.ts'
import { fixture } from '../support/process.ts'

const PACKAGES = ['jest@30.5.2', 'vitest@3.2.7']
const HANG_MS = 100_000
const VITEST = ['vitest/vitest.mjs', 'run', '--globals', '--no-color']
const RUNNERS: Record<string, readonly string[]> = {
  'Jest, as ECMAScript modules': ['jest/bin/jest.js', '--no-cache', '--ci'],
  'vitest, in processes': [...VITEST, '--pool=forks'],
  'vitest, in threads': [...VITEST, '--pool=threads'],
  'vitest, in threads with contexts': [...VITEST, '--pool=vmThreads'],
}

for (const [runner, words] of Object.entries(RUNNERS)) {
  // Proves: docs/testing.md#test-runners, #test-strays
  test(`services are tested under ${runner}`, (t) => {
    const kept = withPackages('runners', PACKAGES, [])
    if (kept === undefined) {
      return t.diagnostic(`left out: npm cannot install ${PACKAGES.join(' ')}`)
    }
    const folder = scratchFolder(t)
    symlinkSync(join(kept, 'node_modules'), join(folder, 'node_modules'))
    cpSync(fixture('healthy.js'), join(folder, 'healthy.mjs'))
    for (const name of ['kit.test.mjs', 'kit-stray.test.mjs']) {
      cpSync(join(fixture('.'), '../../../test/fixtures', name), join(folder, name))
    }
    const jest = { transform: {}, testMatch: ['**/*.test.mjs'], testTimeout: HANG_MS }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', jest }))
    const [file, ...flags] = words
    const command = [join(kept, 'node_modules', file!), ...flags]
    const { NODE_TEST_CONTEXT: _, ...rest } = process.env
    const env = { ...rest, NODE_OPTIONS: '--experimental-vm-modules --no-warnings' }
    const options = { cwd: folder, env, encoding: 'utf8', timeout: HANG_MS } as const
    const run = (file: string): [status: number | null, said: string] => {
      const ended = spawnSync(process.execPath, [...command, file], options)
      return [ended.status, ended.stdout + ended.stderr]
    }
    const [status, said] = run('kit.test')
    assert.equal(status, 0, said)
    assert.match(said, /Tests:? +6 passed/)
    const [failed, why] = run('kit-stray.test')
    assert.equal(failed, 1, why)
    assert.match(why, /nobody awaits what the test does/)
  })
}
