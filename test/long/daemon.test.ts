/** Nodes in the background, and their pid files. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NodeConfig } from 'skynet-ts/node'
import { linux } from '../../src/os/rig.kit.ts'
import { CLI, Cli, scratchFolder, textOf } from '../support/cli.ts'
import { until } from '../support/until.ts'

const sessionOf = (pid: number | string): string =>
  execFileSync('ps', ['-o', 'sid=', '-p', String(pid)], { encoding: 'utf8' }).trim()

function isGone(pid: number): boolean {
  try {
    return !process.kill(pid, 0)
  } catch {
    return true
  }
}

/** The folder of a daemon that does not outlive the test. */
function daemonFolder(t: TestContext): string {
  return scratchFolder(t, (folder) => {
    const pid = Number(textOf(join(folder, 'pid')))
    if (pid <= 0 || pid === process.pid) return
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ESRCH', 'it has ended already')
    }
  })
}

const startDaemon = (t: TestContext, folder: string, config: Partial<NodeConfig> = {}): Cli =>
  new Cli(t, folder, { start: 'talker.ts', logger: 'log', daemon: 'pid', ...config })

// Proves: docs/node.md#daemon
test('daemon runs in the background, with a pid file and its output in the log', async (t) => {
  const folder = daemonFolder(t)
  const cli = startDaemon(t, folder)
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
  const [, pid = ''] = /^skynet: running as a daemon, pid = (\d+)\n$/.exec(cli.err)!
  assert.equal(textOf(join(folder, 'pid')), `${pid}\n`)
  await cli.wrote('log', /talker\] error: ready/)
  assert.equal(sessionOf(pid), pid)
  process.kill(Number(pid), 'SIGTERM')
  await until('the end of the pid file', () => !existsSync(join(folder, 'pid')))
  await cli.wrote('log', /skynet: SIGTERM: stopping, .*\n(.*\n)*skynet: stopped\n$/)
})

// Proves: docs/node.md#pid-file
test('a daemon whose pid file names a process that lives is refused', async (t) => {
  const folder = daemonFolder(t)
  assert.equal((await startDaemon(t, folder).ended).code, 0)
  const pid = textOf(join(folder, 'pid')).trim()
  const second = startDaemon(t, folder)
  assert.equal((await second.ended).code, 1)
  const line = `skynet: Cannot start: the node of ${folder}/pid is running already, pid = ${pid}\n`
  assert.equal(second.err, line)
  assert.equal(textOf(join(folder, 'pid')).trim(), pid, 'it stays as it is')

  const other = daemonFolder(t)
  writeFileSync(join(other, 'pid'), `${process.pid}\n`)
  const third = startDaemon(t, other)
  assert.equal((await third.ended).code, 1)
  assert.match(third.err, RegExp(`is running already, pid = ${process.pid}\n`))
})

// Proves: docs/node.md#output-json
test('with JSON every line of a daemon is an object, and a refused one leaves none', async (t) => {
  const folder = daemonFolder(t)
  const json = { logFormat: 'json' } as const
  assert.equal((await startDaemon(t, folder, json).ended).code, 0)
  const second = startDaemon(t, folder, json)
  assert.equal((await second.ended).code, 1)
  assert.match(second.err, /^skynet: Cannot start: .* is running already/)
  process.kill(Number(textOf(join(folder, 'pid'))), 'SIGTERM')
  await until('the end of the pid file', () => !existsSync(join(folder, 'pid')))
  const lines = textOf(join(folder, 'log')).trim().split('\n')
  const said = lines.map((line) => JSON.parse(line).msg).filter((text) => /^skynet: /.test(text))
  assert.equal(said.length, 2, said.join('\n'))
  assert.match(said[0], /^skynet: SIGTERM: stopping/)
  assert.equal(said[1], 'skynet: stopped')
})

// Proves: docs/node.md#pid-file
test('a pid file that a killed daemon left is taken over', async (t) => {
  const folder = daemonFolder(t)
  const { pid } = spawnSync('true')
  for (const left of [`${pid}\n`, '', '0\n', '-1\n']) {
    writeFileSync(join(folder, 'pid'), left)
    const cli = startDaemon(t, folder)
    assert.equal((await cli.ended).code, 0, cli.err)
    const own = textOf(join(folder, 'pid'))
    assert.match(own, /^[1-9]\d*\n$/)
    process.kill(Number(own), 'SIGKILL')
    await until('the end of the daemon', () => isGone(Number(own)))
  }
})

// Proves: docs/node.md#pid-file
test('a pid file that names a zombie is taken over where the system tells', async (t) => {
  const folder = daemonFolder(t)
  // A shell asks for the end of its child: so that ends when the shell has become what never asks.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec tail -f /dev/null'])
  t.after(() => parent.kill('SIGKILL'))
  const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve)))
  const told = (what: string, of: number) =>
    execFileSync('ps', ['-o', `${what}=`, '-p', String(of)], { encoding: 'utf8' }).trim()
  await until('the parent', () => told('comm', parent.pid!) === 'tail')
  process.kill(pid, 'SIGKILL')
  await until('a zombie', () => told('stat', pid).startsWith('Z'))
  assert.ok(process.kill(pid, 0), 'it looks alive')
  writeFileSync(join(folder, 'pid'), `${pid}\n`)
  const cli = startDaemon(t, folder)
  const isTold = process.platform === 'linux'
  assert.equal((await cli.ended).code, isTold ? 0 : 1, cli.err)
})

// Proves: docs/node.md#pid-file
test('a daemon leaves a pid file that is not its own', async (t) => {
  const folder = daemonFolder(t)
  assert.equal((await startDaemon(t, folder).ended).code, 0)
  const first = Number(textOf(join(folder, 'pid')))
  rmSync(join(folder, 'pid'))
  assert.equal((await startDaemon(t, folder).ended).code, 0)
  const second = textOf(join(folder, 'pid'))
  assert.notEqual(Number(second), first)
  process.kill(first, 'SIGTERM')
  await until('the end of the first daemon', () => isGone(first))
  assert.equal(textOf(join(folder, 'pid')), second)
})

test('a pid file that is locked is refused, whatever is in it', async (t) => {
  const folder = daemonFolder(t)
  const fd = openSync(join(folder, 'pid'), 'a')
  assert.equal(linux.lockFile(fd), 0)
  const cli = startDaemon(t, folder)
  assert.equal((await cli.ended).code, 1)
  assert.match(cli.err, /is running already, pid = unknown\n/)
  closeSync(fd)
})

// Proves: docs/node.md#pid-file
test('of daemons that start at once with one pid file, one runs', async (t) => {
  const folder = daemonFolder(t)
  const all = Array.from({ length: 3 }, () => startDaemon(t, folder))
  const codes = await Promise.all(all.map(async (cli) => (await cli.ended).code))
  assert.deepEqual(codes.sort(), [0, 1, 1])
  for (const { err } of all) assert.match(err, /pid = \d+\n$|is running already/)
})

// Proves: docs/node.md#daemon
test('a daemon that cannot start says why to whoever started it', async (t) => {
  const folder = daemonFolder(t)
  const cases: [Partial<NodeConfig>, RegExp][] = [
    [{ start: 'no-such-file.ts' }, /Cannot launch service .*no-such-file/],
    [{ daemon: 'c.json/pid' }, /Cannot write pid file .*c.json\/pid: ENOTDIR/],
    [{ logger: 'c.json/log' }, /Cannot open log file .*json\/log \(config key 'logger'\): ENOTDIR/],
  ]
  for (const [config, message] of cases) {
    const cli = startDaemon(t, folder, config)
    assert.equal((await cli.ended).code, 1)
    assert.match(cli.err, message)
    assert.ok(!existsSync(join(folder, 'pid')), 'the pid file is gone')
  }
})

// Proves: docs/node.md#daemon-log
test('what a daemon prints goes to its log, also after SIGHUP', async (t) => {
  const folder = daemonFolder(t)
  mkdirSync(join(folder, 'old'))
  const cli = startDaemon(t, folder, { start: 'printer.ts' })
  assert.equal((await cli.ended).code, 0)
  await cli.wrote('log', /printed \d+\n/)
  renameSync(join(folder, 'log'), join(folder, 'old/log'))
  process.kill(Number(textOf(join(folder, 'pid'))), 'SIGHUP')
  await cli.wrote('log', /printed \d+\n/)
})

test('a daemon without a log file goes on at SIGHUP', async (t) => {
  const folder = daemonFolder(t)
  const cli = startDaemon(t, folder, { logger: undefined as never })
  assert.equal((await cli.ended).code, 0, cli.err)
  const pid = Number(textOf(join(folder, 'pid')))
  process.kill(pid, 'SIGHUP')
  process.kill(pid, 'SIGTERM')
  await until('the end of the pid file', () => !existsSync(join(folder, 'pid')))
})

// Proves: docs/node.md#start-slow
test('who starts a daemon that does not come up is told', async (t) => {
  const folder = daemonFolder(t)
  const cli = startDaemon(t, folder, { start: 'slow-start.ts', startMs: 60_000 })
  await cli.said(/skynet: the daemon is not up after 5000 ms, pid = \d+; its log may say why\n/)
  await cli.wrote(
    'log',
    /Still starting: the first service, \S*slow-start\.\ws, is not ready after/,
  )
  process.kill(Number(textOf(join(folder, 'pid'))), 'SIGTERM')
  assert.equal((await cli.ended).code, 1)

  const limited = startDaemon(t, folder, { start: 'slow-start.ts', startMs: 1 })
  assert.equal((await limited.ended).code, 1)
  assert.match(limited.err, /^skynet: Cannot launch service \S*: it is not ready within 1 ms/)
})

for (const [what, hold] of [
  ['waits', 'await new Promise(() => setInterval(() => {}, 1000))'],
  ['is held', 'for (;;);'],
]) {
  test(`a command that is ended while its daemon ${what} ends the daemon, too`, async (t) => {
    const folder = scratchFolder(t)
    const config = join(folder, 'c.mjs')
    const log = join(folder, 'log')
    writeFileSync(
      config,
      `import { appendFileSync } from 'node:fs'
if (process.env.SKYNET_DAEMON !== undefined) {
  appendFileSync(${JSON.stringify(log)}, \`held \${process.pid}.\`)
  ${hold}
}
export default { start: './x.mjs', daemon: 'pid', logger: 'log', graceMs: 0, exitMs: 1 }
`,
    )
    const child = spawn(process.execPath, [CLI, 'start', config], { stdio: 'pipe' })
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.on('data', (chunk) => {
      said += chunk
    })
    const ended = new Promise((resolve) => child.once('close', resolve))
    await until('the daemon', () => /held \d+\./.test(textOf(log)))
    const pid = Number(/held (\d+)/.exec(textOf(log))![1])
    t.after(() => isGone(pid) || process.kill(pid, 'SIGKILL'))
    child.kill('SIGTERM')
    assert.equal(await ended, 1)
    assert.ok(isGone(pid))
    const line = `skynet: SIGTERM: the daemon is not up, and is stopped, pid = ${pid}\n`
    assert.ok(said.startsWith(line), said)
  })
}
