/** What becomes of the lines of a log whose logger is held, or goes with its worker. */
import assert from 'node:assert/strict'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { NodeConfig } from 'skynet-ts/node'
import { Cli, scratchFolder, textOf } from '../support/cli.ts'
import { until } from '../support/until.ts'

const OWN = join(import.meta.dirname, '../fixtures/own-logger.ts')

function scene(t: TestContext, way: string, config: Partial<NodeConfig> = {}): Cli {
  const folder = scratchFolder(t)
  const args = ['stage', way, join(folder, 'held')]
  // The stage is not to be where the logger is.
  const given = { start: 'log-scene.ts', args, thread: 3, logger: 'run.log', ...config }
  return new Cli(t, folder, given)
}

/** Each line of the healthy service is there, once. */
function assertAllSaid(text: string): void {
  const numbers = [...text.matchAll(/healthy (\d+)$/gm)].map((match) => Number(match[1]))
  numbers.sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    Array.from({ length: 20 }, (_, i) => i),
  )
}

const kill = { monitorMs: 1000, monitorAction: 'kill' } as const

for (const [whose, more] of [
  ['our own', {}],
  [`a user's own`, { logservice: OWN }],
] as const) {
  // Proves: docs/semantics.md#death-log
  test(`lines for a logger that is held come when its worker is ended: ${whose}`, async (t) => {
    const cli = scene(t, 'loop', { ...kill, ...more })
    await cli.wrote('run.log', /after it/)
    assert.equal((await cli.stop()).code, 0)
    assertAllSaid(cli.err + textOf(join(cli.folder, 'run.log')))
    // What the culprit said is gone with it.
    assert.match(cli.err, /error: 1 lines for the log were lost with skynet worker 0\n/)
  })

  // Proves: docs/semantics.md#death-log
  test(`lines for a logger that is held come when the node is stopped: ${whose}`, async (t) => {
    const cli = scene(t, 'loop', { monitorMs: 0, graceMs: 0, ...more })
    await cli.wrote('held', /all said/)
    assert.equal((await cli.stop()).code, 1)
    assertAllSaid(cli.err + textOf(join(cli.folder, 'run.log')))
    assert.match(cli.err, /error: 1 lines for the log were lost: not written before the end\n/)
  })

  // Proves: docs/semantics.md#death-log
  test(`lines come when a service ends the worker of the logger: ${whose}`, async (t) => {
    const cli = scene(t, 'exit', more)
    await cli.wrote('run.log', /after it/)
    assert.equal((await cli.stop()).code, 0)
    const all = cli.err + textOf(join(cli.folder, 'run.log'))
    assertAllSaid(all)
    // In the meantime nobody else could be the logger, or the manager.
    assert.equal(all.match(/refused \.(logger|service) ERR_NAME_TAKEN/g)?.length, 2)
    assert.match(all, /last words|1 lines for the log were lost with skynet worker 0/)
  })
}

// Proves: docs/semantics.md#death-log
test('lines that nobody has read come when the worker of the logger ends', async (t) => {
  const cli = scene(t, 'unread', { logger: undefined as never })
  cli.child.stdout!.pause()
  await until('what was not written', () => /early 299/.test(cli.err))
  cli.child.stdout!.resume()
  await cli.said(/after it/)
  assert.equal((await cli.stop()).code, 0)
  // Those that the system had taken when the worker ended come on both ways.
  const said = new Set(Array.from((cli.out + cli.err).matchAll(/ early (\d+)$/gm), ([, i]) => i))
  assert.equal(said.size, 300)
})

// Proves: docs/semantics.md#death-log
test('lines that never left a worker before it died are counted', async (t) => {
  const cli = scene(t, 'flood', { thread: 1, monitorMs: 0 })
  await cli.wrote('run.log', /after it/)
  assert.equal((await cli.stop()).code, 0)
  const log = textOf(join(cli.folder, 'run.log'))
  assertAllSaid(log)
  const [, lost] = /error: (\d+) lines of skynet worker 1 were lost with it/.exec(log)!
  // What came, and was too much for a disk that is slow.
  const dropped = [...log.matchAll(/error: (\d+) lines were dropped$/gm)]
  const counted = dropped.reduce((sum, [, count]) => sum + Number(count), Number(lost))
  assert.equal(log.match(/last words x+$/gm)!.length + counted, 2000)
})

// Proves: docs/semantics.md#death-node-services
test('a logger that cannot be launched again is tried again, the node goes on', async (t) => {
  const folder = scratchFolder(t)
  mkdirSync(join(folder, 'logs'))
  const cli = scene(t, 'exit', { logger: join(folder, 'logs/run.log') })
  await cli.wrote('held', /held/)
  renameSync(join(folder, 'logs'), join(folder, 'old'))
  await cli.said(/Cannot launch '.logger' now, again in \d+ ms: .*ENOENT/)
  await cli.said(/it is gone/)
  mkdirSync(join(folder, 'logs'))
  await until('the new logger', () => textOf(join(folder, 'logs/run.log')).includes('after it'))
  assert.equal((await cli.stop()).code, 0)
})
