/** A node as a whole: how it starts, stops, and ends when a part of it does. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { availableParallelism } from 'node:os'
import { text } from 'node:stream/consumers'
import { isSkynetError } from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { fixture, inProcess } from '../support/process.ts'
import { BodyNode, test } from '../support/run.ts'

const config = (start: string, args: unknown[] = [], logger?: string) =>
  resolveConfig({ thread: 2, start: fixture(start), args, ...(logger && { logger }) }, '/')
const SILENT = '/dev/null'

// Proves: docs/node.md#start-node
test('startNode() resolves when the first service is ready, stop() ends all', async () => {
  const node = await startNode(config('echo.ts', [0], SILENT))
  await node.stop()
  assert.equal(await node.exited, 0)
  await node.stop()
})

// Proves: docs/node.md#start-node
test('startNode() can be called many times in one process, also at once', async () => {
  for (let round = 0; round < 3; round++) {
    const nodes = await Promise.all([0, 1].map(() => startNode(config('echo.ts', [0], SILENT))))
    await Promise.all(nodes.map((node) => node.stop()))
  }
})

// Proves: docs/node.md#start-node
test('startNode() rejects when its first service cannot begin, and leaves nothing', async () => {
  await assert.rejects(startNode(config('no-such-file.ts', [], SILENT)), {
    code: 'ERR_SERVICE_LAUNCH',
  })
  await assert.rejects(startNode(config('broken.ts', [], SILENT)), (error) => {
    assert.ok(isSkynetError(error, 'ERR_SERVICE_LAUNCH'))
    assert.match(error.message, /this module is broken/)
    return true
  })
})

test('startNode(), stop() and resolveConfig() refuse what they cannot take, by name', async () => {
  const good = config('echo.ts', [0], SILENT)
  const wrong: [() => unknown, RegExp][] = [
    [() => startNode(good, { signl: 1 } as never), /'signl': .* \(did you mean 'signal'\?\)$/],
    [() => startNode(good, { signal: 1 } as never), /'signal' must be an AbortSignal/],
    [() => startNode({ start: './x.ts' } as never), /not complete: use resolveConfig/],
    [() => resolveConfig(undefined as never), /^Cannot resolve a config as 'given' must be an obj/],
    [() => resolveConfig({ start: 'x' }, 5 as never), /as 'folder' must be a string, not empty/],
    [() => resolveConfig({ start: 'x' }, import.meta.url), /as 'folder' must be a path, no URL/],
    [() => resolveConfig({ strat: 'x' } as never), /\(did you mean 'start'\?\)$/],
    [
      () => resolveConfig({ start: 'x', socket: { idleTimeout: 1 } } as never),
      /\(did you mean 'socket\.idleTimeoutMs'\?\)$/,
    ],
  ]
  for (const [call, message] of wrong) await assert.rejects(async () => call(), { message })
  await using node = await startNode(good)
  assert.throws(() => node.stop({ grace: 5 } as never), { message: /did you mean 'graceMs'/ })
})

// Proves: docs/node.md#stop-services
test('stop() lets what was written leave, and closes every socket', async () => {
  const port = 0
  const node = await startNode(config('farewell.ts', [port], SILENT))
  const { port: open } = await farewellPort()
  const client = connect(open, '127.0.0.1')
  const received = text(client)
  client.write('x')
  await new Promise((resolve) => client.once('data', resolve))
  await node.stop()
  assert.equal(await received, `hello${'goodbye'.repeat(1000)}`)
})

/** The fixture `farewell` tells its port on a channel. */
async function farewellPort(): Promise<{ port: number }> {
  const { BroadcastChannel } = await import('node:worker_threads')
  const channel = new BroadcastChannel('farewell')
  const told = new Promise<{ port: number }>((resolve) => {
    channel.onmessage = (event) => resolve((event as { data: { port: number } }).data)
  })
  channel.postMessage('ask')
  const answer = await told
  channel.close()
  return answer
}

// Proves: docs/node.md#stop-services
test('stop() ends a node whose services do not want to end', async () => {
  const given = config('stubborn.ts', [], SILENT)
  // Its worker answers once its hooks have had their time: on a busy machine it may be late.
  const budgets = { ...given.budgets, flushMs: 60_000 }
  const node = await startNode({ ...given, budgets })
  await node.stop()
  assert.equal(await node.exited, 0)
})

// Proves: docs/node.md#process-end
test('a process that ends without stop() does not hang', async () => {
  const { code, err } = await inProcess('quitter.ts', ['main'])
  assert.equal(code, 7, err)
})

// Proves: docs/node.md#held
test('a handler that holds its worker is reported, one that rests is not', async () => {
  const held = await inProcess('quitter.ts', ['loop'])
  assert.match(held.err, /maybe in an endless loop/)
  assert.equal(held.code, 0)
  // It is there for 500 ms: a thread that has no core for a moment is not one that rests.
  const rested = await inProcess('quitter.ts', ['rest'], { monitorMs: 150 })
  assert.deepEqual(rested, { code: 0, out: '', err: '' })
})

// Proves: docs/node.md#stop-services
test('exit hooks of all services run when the node stops', async () => {
  const node = await BodyNode.start()
  await node.run(new URL('../fixtures/hooks.js', import.meta.url).href, 'hooks')
  await node.node.stop()
  const log = node.log()
  assert.match(log, /hook of worker 0: stop/)
  assert.match(log, /hook of worker 1: stop/)
  await node.stop()
})

// Proves: docs/node.md#stop-last
// Proves: docs/skynet.md#examples-abort
test('a node ends when the last of its services has ended, or one aborts it', async () => {
  for (const how of ['exit', 'abort']) {
    const node = await startNode(config('ender.ts', [how], SILENT))
    assert.equal(await node.exited, 0, how)
  }
})

// Proves: docs/node.md#stop-last
test('a node whose first service aborts it while it begins ends with code 0', async () => {
  for (const how of ['abort at once', 'abort and wait']) {
    const node = await startNode(config('ender.ts', [how], SILENT))
    assert.equal(await node.exited, 0, how)
  }
})

// Proves: docs/node.md#stop-last
test('startNode() is stopped by its signal, also while the first service begins', async () => {
  const stop = new AbortController()
  const starting = startNode(config('ender.ts', ['never ready'], SILENT), { signal: stop.signal })
  setTimeout(() => stop.abort(), 100)
  await assert.rejects(starting, { code: 'ABORT_ERR' })
  const later = new AbortController()
  const node = await startNode(config('echo.ts', [0], SILENT), { signal: later.signal })
  later.abort()
  assert.equal(await node.exited, 0)
})

// Proves: docs/node.md#stop-starting
test('a node that is stopped while many workers begin starts no more of them', async () => {
  const stop = new AbortController()
  let threads = 0
  const made = (): void => {
    // The socket thread is one of them.
    if (++threads === 3) stop.abort()
  }
  process.on('worker', made)
  try {
    const many = { ...config('echo.ts', [0], SILENT), thread: 20 * availableParallelism() }
    await assert.rejects(startNode(many, { signal: stop.signal }), { code: 'ABORT_ERR' })
    assert.ok(threads <= 1 + 2 * availableParallelism(), String(threads))
  } finally {
    process.off('worker', made)
  }
})

test('startNode() refuses a config that is not complete, or cannot be sent', async () => {
  const given = { start: './x.js', thread: 1 } as unknown as ReturnType<typeof config>
  await assert.rejects(startNode(given), /config is not complete: use resolveConfig/)
  const unsendable = config('echo.ts', [{ port: () => 1 }], SILENT)
  await assert.rejects(startNode(unsendable), { code: 'ERR_MESSAGE_UNSUPPORTED' })
})

// Proves: docs/node.md#stop-held
test('stop() says which service did not let go of its worker, and ends with code 1', async () => {
  const { code, err } = await inProcess('quitter.ts', ['hold'])
  assert.equal(code, 1, err)
  assert.match(err, /Cannot stop in good order within \d+ ms: :[0-9a-f]{8} did not come back/)
})
