/** Limits of the system that a node meets: threads, sizes of files, room on a disk. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CLI, Cli, scratchFolder, textOf } from '../support/cli.ts'
import { until } from '../support/until.ts'
import { assertStops, comesTo, live, noteOf } from '../support/world.ts'

/** Somebody without any process, for whom the limit of processes counts. */
const AS_NOBODY = ['--reuid=54321', '--regid=54321', '--clear-groups']

// Proves: docs/node.md#world-short
test('a node that gets too few threads says so and ends, or is well', async (t) => {
  // Root may be somebody else, who has to be able to read our files.
  const isAble = spawnSync('setpriv', [...AS_NOBODY, 'test', '-r', CLI]).status === 0
  if (!isAble) return t.diagnostic('left out: needs root, and setpriv of util-linux')
  let isWell = false
  // Node.js itself, without any thread of ours, needs the first ten, and aborts without.
  for (let threads = 11; !isWell; threads++) {
    assert.ok(threads < 30, 'more threads than a node has')
    const cli = live(t, (folder) => {
      chmodSync(folder, 0o777)
      const limit = `ulimit -u ${threads} 2>/dev/null || ulimit -p ${threads}`
      const command = `setpriv ${AS_NOBODY.join(' ')} sh -c '${limit}; exec "$0" "$@"'`
      return `set -- "$0" "$@"; exec ${command} "$@"`
    })
    const end = await comesTo(cli)
    if (end?.code === 134 || end?.signal === 'SIGABRT') continue
    if (end) assert.match(cli.err, /^skynet: Cannot go on without skynet .*: EAGAIN$/m)
    else if (noteOf(cli) === 'well;') {
      await assertStops(cli)
      isWell = true
    } else {
      // One thread more there could not be: who asked for it is told, and the node goes on.
      assert.match(noteOf(cli), /Cannot give .* a worker of its own: .* none starts/)
      assert.match(cli.err, /Cannot start a dedicated worker: EAGAIN/)
      await cli.stop()
      assert.match(noteOf(cli), /stop hook;exit hook;$/)
    }
  }
})

// Proves: docs/node.md#world-short
test('a node goes on when its log may not grow, and says what is missing', async (t) => {
  const folder = scratchFolder(t)
  const args = ['flood of skynet.log', folder]
  const config = { start: 'outliver.ts', args, thread: 2, logger: 'log' }
  const cli = new Cli(t, folder, config, 'ulimit -f 64')
  await cli.wrote('trace', /ready/)
  writeFileSync(join(folder, 'go'), '')
  await cli.wrote('trace', /alive later/)
  rmSync(join(folder, 'log'))
  // The first does not fit into the new one.
  await until('a line of what was dropped', () => {
    cli.child.kill('SIGHUP')
    return /lines were dropped: EFBIG/.test(textOf(join(folder, 'log')))
  })
  assert.equal((await cli.stop()).code, 0)
  assert.equal(textOf(join(folder, 'trace')), 'ready;went on;alive later;stop hook;exit hook;')
})

// Proves: docs/node.md#world-short
test('a node goes on when the disk of its log is full, and says what is missing', async (t) => {
  const folder = scratchFolder(t, (left) => spawnSync('umount', [join(left, 'disk')]))
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk])
  if (mounted.status !== 0) return t.diagnostic('left out: mount -t tmpfs is for root')
  const args = ['flood of skynet.log', folder]
  const cli = new Cli(t, folder, { start: 'outliver.ts', args, thread: 2, logger: 'disk/log' })
  await cli.wrote('trace', /ready/)
  writeFileSync(join(folder, 'go'), '')
  await cli.wrote('trace', /alive later/)
  assert.ok(statSync(join(disk, 'log')).size <= 65_536)
  execFileSync('mount', ['-o', 'remount,size=32m', disk])
  await cli.wrote('disk/log', /lines were dropped: ENOSPC/)
  assert.equal((await cli.stop()).code, 0)
  assert.equal(textOf(join(folder, 'trace')), 'ready;went on;alive later;stop hook;exit hook;')
})
