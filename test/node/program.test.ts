/** The program that started a node, as a caller of its services: `node.ref`, `node.listeners`. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test as nodeTest, type TestContext } from 'node:test'
import { isSkynetError, type ServiceRef } from 'skynet-ts'
import { type Node, type NodeConfig, resolveConfig } from 'skynet-ts/node'
import { testNode } from 'skynet-ts/testing'
import board from '../fixtures/board.ts'
import type boards from '../fixtures/board-node.ts'
import { TestNode } from '../support/node.ts'
import { fixture } from '../support/process.ts'
import { until } from '../support/until.ts'

const test = (title: string, body: (t: TestContext) => Promise<void>) =>
  nodeTest(title, { timeout: 120_000 }, body)

/** A node whose board is on worker `on`; calls of the program begin on worker 0. */
async function start(
  t: TestContext,
  on = 1,
  config: Partial<NodeConfig> = {},
): Promise<{ node: Node; test: TestNode }> {
  const started = await TestNode.start((folder, logger) =>
    resolveConfig(
      { thread: 2, start: fixture('board-node.ts'), args: [on], logger, ...config },
      folder,
    ),
  )
  t.after(() => started.stop())
  return { node: started.node, test: started }
}

// Proves: docs/node.md#node-ref
test('ref() calls methods, typed: values, errors and order are those of a service', async (t) => {
  const { node } = await start(t)
  const ref = node.ref<typeof board>('.board')
  assert.equal(ref.address, '.board')
  const value = { list: [1, new Map([['k', new Set([2])]])], bytes: new Uint8Array([1, 2]), n: 5n }
  assert.deepEqual(await ref.call.echo(value), value)
  const worker: number = await ref.call.worker()
  assert.equal(worker, 1)
  const failure = await ref.call.fail().catch((error: unknown) => error)
  assert.ok(failure instanceof RangeError)
  assert.equal(failure.message, 'too far')
  assert.match((failure.cause as Error).message, /why/)
  for (let i = 0; i < 100; i++) {
    if (i % 2 === 0) assert.equal(ref.send.hear(i), true)
    else void ref.call.hear(i)
  }
  assert.deepEqual(await ref.call.heard(), [...Array(100).keys()])
  const large = 'x'.repeat(1_000_000)
  assert.equal(await ref.call.echo(large), large)
  // @ts-expect-error: it takes a number
  void ref.call.spin('x').catch(() => {})
  // @ts-expect-error: there is no such method
  await assert.rejects(ref.call.nothing(), { code: 'ERR_METHOD_UNKNOWN' })
})

// Proves: docs/node.md#node-ref
test('ref() says what cannot be sent, and who is not there', async (t) => {
  const { node, test: own } = await start(t)
  const ref = node.ref<typeof board>('.board')
  await assert.rejects(
    ref.call.echo(() => {}),
    {
      code: 'ERR_MESSAGE_UNSUPPORTED',
      message: /args\[0\]/,
    },
  )
  assert.throws(() => ref.send.hear(() => {}), { code: 'ERR_MESSAGE_UNSUPPORTED' })
  const none = node.ref('.none') as unknown as ServiceRef<{ x(): void }>
  await assert.rejects(none.call.x(), { code: 'ERR_NAME_UNKNOWN', message: /\.none/ })
  assert.equal(none.send.x(), true)
  await own.logged(/Cannot send x to \.none: there is no such service/)
  const dead = node.ref(0xfffff) as unknown as ServiceRef<{ x(): void }>
  assert.equal(dead.address, ':000fffff')
  assert.equal(dead.send.x(), false)
  await assert.rejects(dead.call.x(), { code: 'ERR_CALL_DEAD' })
  for (const wrong of [0, -1, 0.5, 2 ** 32]) assert.throws(() => node.ref(wrong), RangeError)
  for (const wrong of ['', undefined, {}]) {
    assert.throws(() => node.ref(wrong as never), { name: 'TypeError', message: /'address'/ })
  }
  assert.throws(() => ref.with({ timeout: 5 } as never), /did you mean 'timeoutMs'/)
})

// Proves: docs/node.md#node-ref-name
test('ref() of a name follows who is launched again, of a handle it does not', async (t) => {
  const { node } = await start(t)
  const ref = node.ref<typeof board>('.board')
  const all = node.ref<typeof boards>('.boards')
  await assert.rejects(ref.call.exit(), { code: 'ERR_CALL_DEAD' })
  await assert.rejects(ref.call.echo(1), { code: 'ERR_NAME_UNKNOWN' })
  const own = node.ref<typeof board>(await all.call.launch())
  assert.equal(await ref.call.echo(1), 1)
  assert.equal(await own.call.echo(2), 2)
  await assert.rejects(ref.call.exit(), { code: 'ERR_CALL_DEAD' })
  await all.call.launch()
  assert.equal(await ref.call.echo(3), 3)
  await assert.rejects(own.call.echo(4), { code: 'ERR_CALL_DEAD' })
})

// Proves: docs/node.md#node-ref
test('references arrive as such: in answers for the program, from it for services', async (t) => {
  const { node } = await start(t)
  const ref = node.ref<typeof board>('.board')
  const self = await ref.call.self()
  assert.equal(await self.call.port(), await ref.call.port())
  assert.equal(self.handle, (await ref.call.self()).handle)
  const all = await ref.call.boards()
  assert.equal(all.address, '.boards')
  const worker = await all.call.worker()
  assert.equal(await ref.call.ask(all), worker)
  assert.equal(await ref.call.ask(node.ref<typeof boards>('.boards')), worker)
  assert.equal(await ref.call.ask(node.ref<typeof board>(self.handle)), 1)
  // Names are looked up inside of the node.
  assert.throws(() => all.handle, { name: 'TypeError', message: /handle of \.boards/ })
})

// Proves: docs/node.md#node-ref-limits
test('a call of the program gives up, also while its worker is held', async (t) => {
  const { node } = await start(t, 0)
  const ref = node.ref<typeof board>('.board')
  const late = { code: 'ERR_CALL_TIMEOUT', message: /never of .*within 5 ms/ }
  await assert.rejects(ref.with({ timeoutMs: 5 }).call.never(), late)
  const giveUp = new AbortController()
  const given = ref.with({ signal: giveUp.signal }).call.never()
  giveUp.abort(new Error('enough'))
  await assert.rejects(given, { code: 'ABORT_ERR' })
  await assert.rejects(ref.with({ signal: giveUp.signal }).call.echo(1), { code: 'ABORT_ERR' })
  // Worker 0, where all calls begin, says nothing for so long.
  const spun = ref.call.spin(2000)
  await assert.rejects(ref.with({ timeoutMs: 5 }).call.echo(1), { code: 'ERR_CALL_TIMEOUT' })
  await spun
  assert.equal(await ref.call.echo(1), 1)
})

// Proves: docs/node.md#node-ref-limits
test('a call of the program has the deadline of the config where it names none', async (t) => {
  const { node } = await start(t, 1, { callTimeoutMs: 5 })
  await assert.rejects(node.ref<typeof board>('.board').call.never(), { code: 'ERR_CALL_TIMEOUT' })
})

// Proves: docs/node.md#node-ref-death
test('a worker that dies ends calls of the program, and the next ones go on', async (t) => {
  const { node } = await start(t, 0)
  const ref = node.ref<typeof board>('.board')
  const first = assert.rejects(
    ref.call.never(),
    (error) => isSkynetError(error, 'ERR_CALL_DEAD') || isSkynetError(error, 'ERR_THREAD_DIED'),
  )
  await assert.rejects(ref.call.exitThread())
  await first
  await until('a call is answered that nobody has the name', async () => {
    const error = await ref.call.echo(1).catch((reason: unknown) => reason)
    return isSkynetError(error, 'ERR_NAME_UNKNOWN')
  })
})

// Proves: docs/node.md#node-ref-stop
test('calls of the program end with the node, and later ones are refused', async (t) => {
  const { node } = await start(t)
  const ref = node.ref<typeof board>('.board')
  const stopped = { code: 'ERR_NODE_STOPPED', message: /never of \.board: the node has stopped/ }
  const open = assert.rejects(ref.call.never(), stopped)
  await ref.call.echo(1)
  await node.stop()
  await open
  await assert.rejects(ref.call.never(), stopped)
  assert.equal(ref.send.hear(1), false)
  assert.deepEqual(node.listeners, [])
})

// Proves: docs/node.md#stop-last
test('who calls for the program does not keep a node alive', async (t) => {
  const { node } = await TestNode.start((folder, logger) =>
    resolveConfig({ thread: 1, start: fixture('board.ts'), logger }, folder),
  )
  t.after(() => node.stop())
  await assert.rejects(node.ref<typeof board>('.board').call.exit())
  assert.equal(await node.exited, 0)
})

// Proves: docs/node.md#node-listeners
test('listeners are all that listen, with the port that is really open', async (t) => {
  const { node } = await start(t)
  const ref = node.ref<typeof board>('.board')
  const port = await ref.call.port()
  const [found, ...others] = node.listeners
  assert.deepEqual(others, [])
  const { id, owner, ...where } = found!
  assert.deepEqual(where, { host: '127.0.0.1', port, address: `127.0.0.1:${port}` })
  assert.ok(id > 0)
  assert.equal(await node.ref<typeof board>(owner).call.port(), port)
  const client = connect(port, '127.0.0.1')
  await new Promise((resolve) => client.once('connect', resolve))
  assert.equal(node.listeners.length, 1)
  client.destroy()
  await ref.call.close()
  assert.deepEqual(node.listeners, [])
})

// Proves: docs/testing.md#test-ref
test('a testNode has the same two', async () => {
  const node = await testNode()
  const { handle } = await node.launch(board)
  const ref = node.ref<typeof board>('.board')
  const [found] = node.listeners
  assert.deepEqual([found?.owner, found?.port], [handle, await ref.call.port()])
  assert.equal(await node.ref<typeof board>(handle).call.echo(1), 1)
  ref.send.hear(1)
  await assert.rejects(ref.with({ timeoutMs: 1 }).call.never(), { code: 'ERR_CALL_TIMEOUT' })
  const none = node.ref<typeof board>('.none')
  await assert.rejects(none.call.echo(1), { code: 'ERR_NAME_UNKNOWN' })
  assert.throws(() => node.ref(''), { name: 'TypeError' })
  const open = assert.rejects(ref.call.never(), { code: 'ERR_NODE_STOPPED' })
  await node.stop()
  await open
  await assert.rejects(ref.call.echo(1), { code: 'ERR_NODE_STOPPED' })
  assert.equal(ref.send.hear(1), false)
})
