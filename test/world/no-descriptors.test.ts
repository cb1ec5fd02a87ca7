/** A node whose process has no descriptor left. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fixture, runNode } from '../support/process.ts'

/** Run the fixture `hoarder` with few descriptors: by default as few as there may be. */
async function hoarder(how: string, limit = 64): Promise<{ out: string; err: string }> {
  const file = fixture('hoarder.ts').replace(/\.ts$/, import.meta.url.slice(-3))
  const limited = `ulimit -n ${limit}; exec "$0" "$@"`
  const child = spawn('sh', ['-c', limited, process.execPath, file, how])
  child.stderr.on('data', (line: Buffer) => {
    if (line.includes('Cannot start')) child.stdin.end('let go')
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { out, err }
}

// Proves: docs/node.md#death-descriptors
test('a worker that dies is replaced with descriptors that the node holds back', async () => {
  const { out, err } = await hoarder('once')
  assert.equal(out, '2 workers, code 0\n', err)
  assert.match(err, /skynet worker 0 died: exit code 1/)
  assert.doesNotMatch(err, /EMFILE|Cannot start/)
})

// Proves: docs/node.md#death-descriptors
test('a worker that is replaced finds too few descriptors, and gets those held back', async () => {
  // More than the node and its reserve need: it looks, and there are enough.
  const { out, err } = await hoarder('late', 256)
  assert.equal(out, '2 workers, code 0\n', err)
  assert.match(err, /skynet worker 0 died: exit code 1/)
  assert.doesNotMatch(err, /EMFILE|Cannot start|runs again/)
})

// Proves: docs/node.md#death-descriptors
test('a worker that cannot start again for want of descriptors does so later', async () => {
  const { out, err } = await hoarder('always')
  assert.equal(out, '2 workers, code 0\n', err)
  assert.equal(err.match(/Cannot start skynet worker 0 again, which goes on: /g)?.length, 1, err)
  assert.match(err, /; raise the limit of open files \(ulimit -n\)\n/)
  assert.match(err, /skynet worker 0 runs again, after \d+ tries\n/)
})

const LAUNCHER = ['poor-launcher', 'poor', 'poor-at-load']

/** Launch with few descriptors, and then with more, by the module `poor-launcher` at that place. */
async function launchPoorly(start: string): Promise<void> {
  const limit = ['sh', '-c', 'ulimit -n 96; exec "$0" "$@"']
  const { out, err, code } = await runNode(start, [], {}, limit).ended
  const [first, ...others] = out.trim().split('\n')
  assert.match(first!, /^EMFILE: too many open files, open '.*poor\.[jt]s'$/, err)
  assert.deepEqual(others, ['launched', 'launched'], err)
  assert.equal(code, 0)
}

// Proves: docs/semantics.md#load-again
test('a module that could not be loaded for want of descriptors can be later', () =>
  launchPoorly('poor-launcher.ts'))

// Proves: docs/semantics.md#load-again
test('a worker finds skynet-ts where it is installed while there are descriptors', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-poor-'))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'node_modules'))
  const own = dirname(fileURLToPath(import.meta.resolve('skynet-ts/package.json')))
  symlinkSync(own, join(folder, 'node_modules', 'skynet-ts'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const name of LAUNCHER) {
    const file = name + import.meta.url.slice(-3)
    copyFileSync(fixture(file), join(folder, file))
  }
  await launchPoorly(join(folder, 'poor-launcher.ts'))
})
