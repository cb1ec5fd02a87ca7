/** How a node stops: what may be finished first, what cuts it short. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { Cli, scratchFolder } from '../support/cli.ts'
import { inProcess } from '../support/process.ts'

/** Longer than any test: what is waited for must come by itself. */
const LONG_MS = 600_000

async function startDrainer(t: TestContext, mode: string, graceMs = LONG_MS): Promise<Cli> {
  const config = { start: 'drainer.ts', thread: 2, args: [mode], graceMs, exitMs: LONG_MS }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.said(/drainer\] ready/)
  return cli
}

// Proves: docs/node.md#stop-hooks
test('a signal closes listeners first, while services serve who is connected', async (t) => {
  const cli = await startDrainer(t, 'serve')
  const port = Number((await cli.said(/port (\d+)/))[1])
  const client = connect(port, '127.0.0.1')
  const lines = createInterface(client)[Symbol.asyncIterator]()
  await cli.said(/taken/)
  cli.child.kill('SIGTERM')
  assert.equal((await lines.next()).value, 'finish')
  await cli.said(/accept gave null/)
  const [refused] = await once(connect(port, '127.0.0.1'), 'error')
  assert.equal(refused.code, 'ECONNREFUSED')
  client.write('thanks\n')
  assert.equal((await lines.next()).value, 'thanks')
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
  assert.match(cli.out, /exit hook: stop/)
  assert.match(cli.err, /^skynet: SIGTERM: stopping, for at most \d+ ms; .*\nskynet: stopped\n$/)
})

// Proves: docs/node.md#stop-hooks
test('stop hooks that are not done within graceMs are told, named and cut off', async (t) => {
  const cli = await startDrainer(t, 'never', 100)
  assert.deepEqual(await cli.stop('SIGINT'), { code: 0, signal: null })
  const lines = [...cli.out.matchAll(/drainer\] (.*)\n/g)].map((match) => match[1])
  assert.deepEqual(lines, [
    'ready on worker 1',
    'hook',
    'error: stop hook: not done within 100 ms',
    'time is up',
    'exit hook: stop',
  ])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Proves: docs/node.md#stop-twice
  test(`a second ${signal} ends a node that stops, at once`, async (t) => {
    const cli = await startDrainer(t, 'never')
    cli.child.kill('SIGTERM')
    await cli.said(/drainer\] hook/)
    const { code } = await cli.stop(signal)
    assert.equal(code, signal === 'SIGINT' ? 130 : 143)
    assert.doesNotMatch(cli.out, /exit hook/)
  })
}

// Proves: docs/node.md#stop-held
test('a stop hook that does not come back is reported and named, and the code is 1', async (t) => {
  const config = { start: 'drainer.ts', args: ['spin'], graceMs: 1000, monitorMs: 100 }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.said(/drainer\] ready/)
  assert.deepEqual(await cli.stop(), { code: 1, signal: null })
  assert.match(cli.err, /maybe in an endless loop .* at spin \(/)
  assert.match(cli.err, /Cannot stop in good order within 1000 ms: :0\w+ did not come back/)
})

// Proves: docs/node.md#stop-held
test('a node that is stopped while its first setup loops ends with code 1', async (t) => {
  const config = { start: 'drainer.ts', args: ['setup'], monitorMs: 100 }
  const cli = new Cli(t, scratchFolder(t), config)
  await cli.said(/maybe in an endless loop/)
  assert.deepEqual(await cli.stop(), { code: 1, signal: null })
  assert.match(cli.err, /Cannot stop in good order within 1000 ms: :0\w+ did not come back/)
})

// Proves: docs/node.md#stop-hooks
test('nobody waits for the stop hook of a service that ends', async (t) => {
  const cli = await startDrainer(t, 'leave')
  assert.deepEqual(await cli.stop(), { code: 0, signal: null })
  assert.match(cli.out, /exit hook: exit/)
})

// Proves: docs/node.md#stop-hooks
test('a stop hook that throws is logged, and the others run', async (t) => {
  const cli = await startDrainer(t, 'throw')
  assert.deepEqual(await cli.stop(), { code: 0, signal: null })
  assert.match(cli.out, /error: stop hook: Error: this hook throws/)
  assert.match(cli.out, /the other hook/)
})

// Proves: docs/node.md#stop-hooks
test('a stop hook that is added while the node stops is run', async (t) => {
  const cli = await startDrainer(t, 'late')
  assert.deepEqual(await cli.stop(), { code: 0, signal: null })
  assert.match(cli.out, /added late, and run/)
})

// Proves: docs/node.md#stop-log
test('what exit hooks say is logged, also on another worker than the logger', async (t) => {
  const cli = await startDrainer(t, 'lines')
  await cli.said(/ready on worker 1/)
  await cli.stop()
  const lines = [...cli.out.matchAll(/last (\d+)\n/g)].map((match) => Number(match[1]))
  assert.deepEqual(
    lines,
    Array.from({ length: 50_000 }, (_, line) => line),
  )
})

// Proves: docs/node.md#stop-log
test('an end that cuts off what exit hooks say tells so, and the exit code is 1', async () => {
  const config = { graceMs: 0, exitMs: 1, budgets: { flushMs: 1 } }
  const { code, err } = await inProcess('drainer.ts', ['lines'], config)
  assert.match(err, /Cannot stop in good order within 1 ms/)
  assert.equal(code, 1)
})

// Proves: docs/node.md#stop-no-hooks
test('with a graceMs of 0 stop hooks are not run', async (t) => {
  const cli = await startDrainer(t, 'never', 0)
  assert.deepEqual(await cli.stop(), { code: 0, signal: null })
  assert.doesNotMatch(cli.out, /drainer\] hook/)
})

test('stop() takes a graceMs of its own, and refuses what is none', async () => {
  const start = new URL('../fixtures/drainer.ts', import.meta.url).pathname
  const given = { start, args: ['never'], thread: 1, graceMs: LONG_MS, logger: '/dev/null' }
  const node = await startNode(resolveConfig(given))
  for (const graceMs of [-1, 0.5, 2 ** 32]) {
    assert.throws(() => node.stop({ graceMs }), RangeError)
  }
  await node.stop({ graceMs: 0 })
  assert.equal(await node.exited, 0)
})
