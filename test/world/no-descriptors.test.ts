/** A node whose process has no descriptor left. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
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

// Proves: docs/semantics.md#load-again
test('a module that could not be loaded for want of descriptors can be later', async () => {
  const limit = ['sh', '-c', 'ulimit -n 96; exec "$0" "$@"']
  const { out, err, code } = await runNode('poor-launcher.ts', [], {}, limit).ended
  const [first, ...others] = out.trim().split('\n')
  assert.match(first!, /^EMFILE: too many open files, open '.*poor\.[jt]s'$/, err)
  assert.deepEqual(others, ['launched', 'launched'], err)
  assert.equal(code, 0)
})
