/** Files that a node writes where something else is, or a folder is missing. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type NodeConfig, resolveConfig, startNode } from 'skynet-ts/node'
import { Cli, scratchFolder, textOf } from '../support/cli.ts'
import { fixture } from '../support/process.ts'
import { until } from '../support/until.ts'

/** The folder of a daemon that does not outlive the test. */
function daemonFolder(t: TestContext): string {
  return scratchFolder(t, (folder) => {
    const pid = Number(textOf(join(folder, 'run/pid')))
    if (pid > 0) process.kill(pid, 'SIGKILL')
  })
}

const KINDS: readonly [string, (path: string, folder: string) => void, RegExp][] = [
  [
    'a link to a file',
    (path, folder) => symlinkSync(join(folder, 'precious'), path),
    /: it is a symbolic link\n$/,
  ],
  [
    'a link to nothing',
    (path, folder) => symlinkSync(join(folder, 'none'), path),
    /: it is a symbolic link\n$/,
  ],
  ['a file of somebody', (path) => writeFileSync(path, '12 eggs\n'), /: it is there, and no pid/],
  [
    'a file of many numbers',
    (path) => writeFileSync(path, '1\n'.repeat(99)),
    /, and no pid file\n/,
  ],
  ['a named pipe', (path) => spawnSync('mkfifo', [path]), /: it is a named pipe\n$/],
  ['a folder', (path) => mkdirSync(path), /: it is a folder\n$/],
  ['the log', (path, folder) => symlinkSync(path, join(folder, 'log')), /, and no pid file\n/],
]

for (const [what, make, message] of KINDS) {
  // Proves: docs/node.md#files-safe
  test(`a daemon refuses a pid file that is ${what}, and leaves it alone`, async (t) => {
    const folder = daemonFolder(t)
    const path = join(folder, 'pid')
    writeFileSync(join(folder, 'precious'), 'precious')
    make(path, folder)
    const before = lstatSync(path, { throwIfNoEntry: false })
    const content = before?.isFile() && readFileSync(path, 'utf8')
    const cli = new Cli(t, folder, { start: 'talker.ts', daemon: 'pid', logger: 'log' })
    assert.equal((await cli.ended).code, 1)
    assert.match(cli.err, /^skynet: Cannot write pid file \S+\/pid/)
    assert.match(cli.err, message)
    const after = lstatSync(path)
    if (before !== undefined) assert.equal(after.ino, before.ino)
    if (content !== false && content !== undefined) {
      assert.equal(readFileSync(path, 'utf8'), content)
    }
    assert.equal(textOf(join(folder, 'precious')), 'precious')
    assert.ok(!existsSync(join(folder, 'none')))
  })
}

// Proves: docs/node.md#files-safe
test('a folder that the system does not make is an error in words', async (t) => {
  const start = async (config: Partial<NodeConfig>): Promise<Cli> => {
    const cli = new Cli(t, scratchFolder(t), { start: 'talker.ts', ...config })
    await cli.ended
    return cli
  }
  const path = '/proc/none/folder/file'
  const logged = await start({ logger: path, daemon: 'pid' })
  assert.match(
    logged.err,
    /^skynet: Cannot open log file \/proc\S+ \(config key 'logger'\): ENOENT/,
  )
  assert.equal((await logged.ended).code, 1)
  const kept = await start({ daemon: path, logger: 'log' })
  assert.match(kept.err, /^skynet: Cannot write pid file \/proc\S+: ENOENT/)
  const config = { start: fixture('message-logged.ts'), thread: 1, crashFolder: path }
  const env = { logpath: scratchFolder(t) }
  const node = await startNode(resolveConfig({ ...config, env, logger: '/dev/null' }))
  assert.equal(node.writeCrashReport('test', new Error('x')), undefined)
  assert.equal(await node.exited, 0)
})

// Proves: docs/node.md#files-safe
test('folders of the pid file, the log, message logs and crash reports are made', async (t) => {
  const folder = daemonFolder(t)
  const config = { start: 'talker.ts', daemon: 'run/pid', logger: 'var/log/game.log' }
  const cli = new Cli(t, folder, config)
  assert.equal((await cli.ended).code, 0, cli.err)
  process.kill(Number(textOf(join(folder, 'run/pid'))), 'SIGTERM')
  await until('the end of the daemon', () => !existsSync(join(folder, 'run/pid')))
  assert.match(textOf(join(folder, 'var/log/game.log')), /ready/)

  const start = fixture('message-logged.ts')
  const env = { logpath: join(folder, 'messages/here') }
  const given = { start, env, thread: 1, logger: 'logs/in/folder.log', crashFolder: 'crash/es' }
  const node = await startNode(resolveConfig(given, folder))
  assert.match(node.writeCrashReport('test', new Error('x'))!, /crash\/es\/crash-/)
  assert.equal(await node.exited, 0)
  assert.match(textOf(join(folder, 'logs/in/folder.log')), /logged: true/)
})

// Proves: docs/node.md#files-safe
test('a message log or crash report does not follow a link, nor wait at a pipe', async (t) => {
  const folder = scratchFolder(t)
  writeFileSync(join(folder, 'precious'), 'precious')
  mkdirSync(join(folder, 'messages'))
  // The handle of the first service of its own that a node of one worker launches, and others.
  for (let handle = 1; handle < 10; handle++) {
    const path = join(folder, `messages/0000000${handle}.log`)
    if (handle % 2 === 0) symlinkSync(join(folder, 'precious'), path)
    else spawnSync('mkfifo', [path])
  }
  mkdirSync(join(folder, 'crashes'))
  symlinkSync(join(folder, 'precious'), join(folder, `crashes/crash-${process.pid}-1.json`))
  const start = fixture('message-logged.ts')
  const env = { logpath: join(folder, 'messages') }
  const given = { start, env, thread: 1, logger: 'log', crashFolder: 'crashes' }
  const node = await startNode(resolveConfig(given, folder))
  const report = node.writeCrashReport('test', new Error('x'))!
  assert.equal(await node.exited, 0)
  assert.match(textOf(join(folder, 'log')), /logged: ERR_MESSAGE_LOG .*: it is a (symbolic|named)/)
  assert.equal(JSON.parse(readFileSync(report, 'utf8')).what, 'test')
  assert.equal(textOf(join(folder, 'precious')), 'precious')
})

// Proves: docs/node.md#files-safe
test('a log that is a named pipe without a reader is refused, and holds nobody', async (t) => {
  const folder = daemonFolder(t)
  spawnSync('mkfifo', [join(folder, 'log')])
  for (const more of [{}, { daemon: 'run/pid' }]) {
    const cli = new Cli(t, folder, { start: 'talker.ts', logger: 'log', ...more })
    assert.equal((await cli.ended).code, 1)
    assert.match(cli.err, /Cannot open log file \S+\/log \(config key 'logger'\): ENXIO/)
  }
})
