/** A worker dies: what becomes of its services, of who waits for them, and of the node. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { isSkynetError } from 'skynet-ts'
import type mortal from '../fixtures/mortal.ts'
import type subject from '../fixtures/subject.ts'
import { heard } from '../support/heard.ts'
import { inProcess, program } from '../support/process.ts'
import { type Body, SharedNode, serviceTest, test } from '../support/run.ts'
import { until } from '../support/until.ts'

const node = new SharedNode({ thread: 2, memoryLimitMb: 64 })
const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body, node)
const WAYS = ['exitThread', 'fill'] as const

for (const way of WAYS) {
  // Proves: docs/semantics.md#worker-death
  check(`a worker that dies fails all who wait for it, and is replaced: ${way}`, async (skynet) => {
    const launch = () => skynet.newService<typeof mortal>('./mortal.ts', { on: 1 })
    const [killer, waited, named] = await Promise.all([launch(), launch(), launch()])
    await named.call.register('.gone')
    const calls = [waited.call.never(), killer.call[way](), skynet.call('.gone', 'never')]
    for (const call of calls) {
      await assert.rejects(call as Promise<unknown>, (error) => {
        assert.ok(isSkynetError(error, 'ERR_CALL_DEAD'), String(error))
        assert.ok(isSkynetError(error.cause, 'ERR_THREAD_DIED'))
        return true
      })
    }
    for (const { handle } of [killer, waited, named]) assert.equal(skynet.isAlive(handle), false)
    assert.equal(skynet.localName('.gone'), undefined)
    assert.equal(waited.send.echo(1), false)
    skynet.register('.gone')
    const next = await launch()
    assert.equal(await next.call.worker(), 1)
    assert.equal(await next.call.echo('it goes on'), 'it goes on')
  })
}

// Proves: docs/semantics.md#death-call
check('an answer that was given before its worker died is not lost', async (skynet) => {
  for (let round = 0; round < 5; round++) {
    const peer = await skynet.newService<typeof mortal>('./mortal.ts', { on: 1 })
    assert.equal(await peer.call.answerAndExit(), 'answered')
    await until('it is gone', () => !skynet.isAlive(peer.handle))
  }
})

// Proves: docs/semantics.md#death-call
check('a launch on a worker that dies rejects, and is not made up for later', async (skynet) => {
  const peer = await skynet.newService<typeof mortal>('./mortal.ts', { on: 1 })
  const holds = assert.rejects(peer.call.exitThread(), { code: 'ERR_CALL_DEAD' })
  const launched = Array.from({ length: 20 }, () => skynet.newService('./mortal.ts', { on: 1 }))
  for (const result of await Promise.allSettled(launched)) {
    if (result.status === 'fulfilled') continue
    assert.ok(isSkynetError(result.reason, 'ERR_SERVICE_LAUNCH'), String(result.reason))
    assert.match(result.reason.message, /mortal.*its worker died/)
  }
  await holds
  const next = await skynet.newService<typeof mortal>('./mortal.ts', { on: 1 })
  assert.equal(next.handle > 0, true)
  assert.equal(await skynet.kill(next.handle), true)
})

// Proves: docs/semantics.md#worker-death
check('the sockets of a worker that dies close', async (skynet) => {
  const peer = await skynet.newService<typeof mortal>('./mortal.ts', { on: 1 })
  const port = await peer.call.listen()
  const client = connect(port, '127.0.0.1')
  await heard(client)
  const ended = once(client, 'close')
  client.resume().on('error', () => {})
  await assert.rejects(peer.call.exitThread())
  await ended
  await assert.rejects(skynet.socket.connect({ port }), { code: 'ERR_CONNECT' })
})

// Proves: docs/semantics.md#death-node-services
serviceTest(
  import.meta.url,
  'the logger and the manager come again when their worker dies, unique services stay known',
  async (skynet) => {
    const there = await skynet.newService<typeof mortal>('./mortal.ts', { on: 0 })
    const here = await skynet.newService<typeof mortal>('./mortal.ts', { on: 'same' })
    const [kept, lost] = await Promise.all([
      skynet.uniqueService<typeof mortal>('./mortal.ts', { on: 'same' }),
      skynet.uniqueService<typeof subject>('./subject.ts', { on: 0, args: [] }),
    ])
    const before = [skynet.localName('.logger'), skynet.localName('.service')]
    await assert.rejects(there.call.exitThread(), { code: 'ERR_CALL_DEAD' })
    await until('they are there again', () =>
      ['.logger', '.service'].every((name) => skynet.localName(name) !== undefined),
    )
    const after = [skynet.localName('.logger'), skynet.localName('.service')]
    assert.ok(after.every((handle) => handle !== undefined && !before.includes(handle)))
    assert.equal((await skynet.queryService('./mortal.ts')).handle, kept.handle)
    const anew = await skynet.uniqueService<typeof subject>('./subject.ts', { args: [] })
    assert.notEqual(anew.handle, lost.handle)
    skynet.log('a line for the new logger')
    const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
    await until('it is logged', () => log().includes('a line for the new logger'))
    assert.equal(await here.call.echo(1), 1)
  },
  { thread: 2 },
  1,
)

// Proves: docs/semantics.md#death-last
test('a node whose services all went with a worker ends with code 1', async () => {
  const { code, err } = await inProcess('quitter.ts', ['exit when running'])
  assert.equal(code, 1, err)
  assert.match(err, /skynet worker \d died: exit code 3; \d services are gone/)
})

// Proves: docs/node.md#death-monitor
test('a worker that is held longer than monitorMs is ended and replaced when so told', async () => {
  const config = { monitorMs: 500, monitorAction: 'kill' }
  const { code, err } = await inProcess('looper.ts', ['spare', 3_600_000], config)
  assert.match(err, /skynet worker \d died: it was held for more than 500 ms/)
  assert.equal(code, 0, err)
})

// Proves: docs/node.md#death-descriptors
test('a worker that finds no thread dies once, takes no orders, and comes back', async () => {
  const { out, err } = await program('threadless.ts')
  assert.equal(out, 'load 3,1\ncode 0\n', err)
  const count = (line: RegExp): number => err.match(line)?.length ?? 0
  assert.equal(count(/ died: /g), 1, err)
  assert.equal(count(/skynet worker 0 died: exit code 3; 3 services are gone/g), 1, err)
  assert.equal(count(/Cannot start skynet worker 0 again, which goes on: .*EAGAIN/g), 1, err)
  assert.match(err, /skynet worker 0 runs again, after \d+ tries/)
})
