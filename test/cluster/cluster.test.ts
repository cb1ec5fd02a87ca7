import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSkynetError } from 'skynet-ts'
import { resolveConfig, startNode } from 'skynet-ts/node'
import { Cli, scratchFolder } from '../support/cli.ts'
import { CALM, startHubs } from '../support/cluster-hubs.ts'
import { freePort } from '../support/free-port.ts'
import { TestNode } from '../support/node.ts'
import { until } from '../support/until.ts'

test('nodes that know a seed call each other by name, with any values', async (t) => {
  const { hub } = await startHubs(t, { a: {}, b: {}, c: {} }, CALM)
  const value = { deep: [1n, new Date(5), new Map([[1, 'x']])], text: 'x'.repeat(300_000) }
  assert.equal(await hub('a').self(), 'a')
  assert.deepEqual(await hub('a').relay('b', value), value)
  assert.deepEqual(await hub('b').relay('c', value), value)
  assert.deepEqual(await hub('c').relay('a', value), value)
  assert.deepEqual(await hub('a').relay('a', value), value, 'its own name is as good')
})

// Proves: docs/cluster.md#sends, #order
test('sends of more than 8 MiB at once throw, or come: none is missing', async (t) => {
  // A link is reset when its peer is not heard, and a busy machine may keep it silent.
  const { hub } = await startHubs(t, { a: {}, b: {} }, { leaseMs: 60_000 })
  const count = 12_000
  await hub('a').flood('b', count, 'x'.repeat(1000))
  await until('all have come', async () => (await hub('b').numbers()).last === count - 1)
  assert.deepEqual(await hub('b').numbers(), { count, gaps: 0, last: count - 1 })
})

// Proves: docs/cluster.md#call-ends
test('what is not there says so, and a call has a deadline', async (t) => {
  const { hub } = await startHubs(t, { a: { callTimeoutMs: 300 }, b: {} }, CALM)
  // Where others use the cores, some are late before.
  const said = (ask: () => Promise<unknown>): Promise<{ code: string; info: object }> =>
    until('it says so', () =>
      ask().then(
        () => assert.fail('it has come'),
        (error) => error.code !== 'ERR_CALL_TIMEOUT' && error,
      ),
    )
  const unknown = await said(() => hub('a').relay('nobody', 1))
  assert.deepEqual([unknown.code, unknown.info], ['ERR_NODE_UNKNOWN', { node: 'nobody' }])
  const nameless = await said(() => hub('a').find('b', '.nothing'))
  assert.deepEqual([nameless.code, nameless.info], ['ERR_NAME_UNKNOWN', { name: 'b.nothing' }])
  const isLate = (error: { code: string; info: Record<string, string> }): boolean => {
    const { sent, method, to } = error.info
    assert.match(to!, /^b:[0-9a-f]{8}$/, 'as its node calls it')
    assert.deepEqual([error.code, sent, method], ['ERR_CALL_TIMEOUT', 'maybe', 'never'])
    return true
  }
  await assert.rejects(hub('a').wait('b'), isLate)
  await assert.rejects(hub('a').wait('b', 50), isLate)
})

// Proves: docs/cluster.md#trace
test('a trace goes on in another node, and its id says where it began', async (t) => {
  const name = `${'n'.repeat(31)}界`
  const { hub, log } = await startHubs(t, { [name]: {}, b: {} }, CALM)
  const [here, there] = await hub(name).traced('b')
  assert.match(here, new RegExp(`^${name}:[0-9a-f]{8}-\\d+$`))
  assert.equal(there, here)
  const said = (node: string, what: RegExp) => () =>
    log(node)
      .split('\n')
      .some((line) => line.includes(`<TRACE ${here}>`) && what.test(line))
  await until('b logs it', said('b', /> end trace, /))
  await until('its node logs it', said(name, /> response trace of /))
  const [back] = await hub('b').traced(name)
  assert.match(back, /^b:/)
})

test('newService launches on a node: by its name, the least loaded, and by a key', async (t) => {
  const { hub } = await startHubs(t, { a: {}, b: {} }, CALM)
  const [handle, where] = await hub('a').launch('b', 'x')
  assert.equal(where, 'hello x on b')
  assert.ok(handle > 0)
  const ending = hub('a').ending()
  await hub('a').end()
  assert.equal(await ending, 'exit')
  const [, least] = await hub('a').launch('least', 'y')
  assert.match(least, /^hello y on [ab]$/)
  const places = new Set<string>()
  for (let i = 0; i < 20; i++) {
    const [, one] = await hub('a').launch({ key: `room ${i}` }, 'r')
    const [, other] = await hub('b').launch({ key: `room ${i}` }, 'r')
    assert.equal(one, other, 'the same key, the same node')
    places.add(one)
  }
  assert.equal(places.size, 2)
})

test('a node of another build launches nothing for it', async (t) => {
  const { hub } = await startHubs(t, { a: { build: '1' }, b: { build: '2' } }, CALM)
  await assert.rejects(hub('a').launch('b', 'x'), (error: { code: string; message: string }) => {
    assert.equal(error.code, 'ERR_SERVICE_LAUNCH')
    assert.match(error.message, /this node runs build '2', and who asks '1'/)
    return true
  })
})

test('a node that stops is down, and restarted another one', async (t) => {
  const { hub, stop, restart } = await startHubs(t, { a: {}, b: {} }, CALM)
  const told = async () => (await hub('a').events()).map(({ node, state }) => `${node} ${state}`)
  await until('a is told of b', async () => (await told()).includes('b up'))
  await hub('a').launch('b', 'x')
  const ending = hub('a').ending()
  const waiting = hub('a').wait('b')
  waiting.catch(() => {})
  // Behind both.
  await hub('a').relay('b', 1)
  await stop('b')
  const how = (await ending) as string
  assert.ok(['stop', 'node down'].includes(how), how)
  await assert.rejects(waiting, (error: { info: { sent: string } }) => error.info.sent === 'maybe')
  await until('a is told of its end', async () => (await told()).includes('b down'))
  await assert.rejects(hub('a').relay('b', 1), { code: 'ERR_NODE_UNKNOWN' })
  await restart('b')
  await until('b is back', async () => (await hub('a').nodes()).includes('b'))
  assert.equal(await hub('a').relay('b', 1), 1)
  const events = await hub('a').events()
  const epochs = events.filter(({ state }) => state === 'up').map(({ epoch }) => epoch)
  assert.equal(new Set(epochs).size, 2, 'another epoch')
})

// Proves: docs/cluster.md#name
test('a second node of a name that lives does not start, and displaces nobody', async (t) => {
  const { hub, second } = await startHubs(t, { a: {}, b: {} })
  const epochs = async () => [...(await hub('a').epochs('b')), ...(await hub('b').epochs('a'))]
  const before = await epochs()
  // The seed knows its own name; that of another one is heard.
  for (const name of ['a', 'b']) {
    await assert.rejects(second(name), (error: Error) => {
      assert.match(error.message, new RegExp(`as '${name}': a node of that name lives at 127`))
      return true
    })
  }
  assert.deepEqual(await epochs(), before)
  assert.equal(await hub('a').relay('b', 1), 1)
  assert.equal(await hub('b').relay('a', 2), 2)
})

// Proves: docs/cluster-tcp.md#auth
test('a node that is not let in does not start, and says why', async (t) => {
  const { hub, second } = await startHubs(t, { a: {} }, CALM)
  const reasons = {
    'another secret': [{ secret: 'that of other nodes' }, /the secrets differ/],
    'another cluster': [{ cluster: 'other' }, /it is of cluster 'skynet', and we of 'other'/],
  } as const
  for (const [what, [more, reason]] of Object.entries(reasons)) {
    await assert.rejects(second('b', more), (error: Error) => reason.test(error.message), what)
  }
  assert.deepEqual(await hub('a').nodes(), ['a'])
})

test('a wrong key of the cluster ends the start with one error, which names it', async (t) => {
  const listen = `127.0.0.1:${await freePort()}`
  const wrong = {
    "config 'cluster.seed' as it must be given, or 'cluster.nodes'": { listen },
    "config 'cluster.listen' as it must be an address": { listen: 'nowhere', seed: listen },
  }
  for (const [text, cluster] of Object.entries(wrong)) {
    const given = { name: 'a', ...cluster }
    const cli = new Cli(t, scratchFolder(t), { start: 'cluster-node.js', cluster: given as never })
    const { code } = await cli.ended
    assert.equal(code, 1)
    assert.ok(cli.err.includes(text), cli.err)
    assert.doesNotMatch(cli.err, /launches the logger|option 'start'|, start/)
  }
})

test('what a transport refuses is an error of the config, by its key', async () => {
  const at = '127.0.0.1:1'
  const nats = (more: object): object => ({ transport: 'nats', nats: { servers: at, ...more } })
  const rows: readonly (readonly [key: string, value: string, cluster: object])[] = [
    ['listen', '"127.0.0.1:-1"', { listen: '127.0.0.1:-1', seed: at }],
    ['advertise', '"a.b:0"', { listen: at, seed: at, advertise: 'a.b:0' }],
    ['seed', '"127.0.0.1:0"', { listen: at, seed: '127.0.0.1:0' }],
    ['secret', 'a string of length 5', { listen: at, seed: at, secret: 'short' }],
    ['nodes', 'an object (Object)', { listen: at, nodes: {} }],
    ['nodes.b', '"x"', { nodes: { a: at, b: 'x' } }],
    ['nodes.', '""', { nodes: { a: at, '': '127.0.0.1:2' } }],
    ['nodes.b', '"localhost:1"', { nodes: { a: at, b: 'localhost:1' } }],
    ['nats.servers', '5', nats({ servers: 5 })],
    ['nats.servers[0]', '""', nats({ servers: [''] })],
    ['nats.replicas', '-1', nats({ replicas: -1 })],
  ]
  const started = (cluster: object): Promise<unknown> => {
    const given = { start: 'cluster-node.js', cluster: { name: 'a', ...cluster } as never }
    return startNode(resolveConfig(given, import.meta.dirname))
  }
  for (const [name, value, cluster] of rows) {
    await assert.rejects(started(cluster), (error) => {
      assert.ok(isSkynetError(error, 'ERR_CONFIG_VALUE'), String(error))
      assert.deepEqual([error.info.key, error.info.value], [`cluster.${name}`, value])
      return true
    })
  }
  await assert.rejects(started({ listen: '0.0.0.0:0', seed: at }), { code: 'ERR_CLUSTER_AUTH' })
  for (const [name, cluster] of [
    ['nats.server', nats({ server: at })],
    ['nats.tls.caPath', nats({ tls: { caPath: 'x' } })],
    ['nats.tls.crl', nats({ tls: { crl: 'x' } })],
  ] as const) {
    await assert.rejects(started(cluster), (error) => {
      assert.ok(isSkynetError(error, 'ERR_CONFIG_KEY'), String(error))
      assert.equal(error.info.key, `cluster.${name}`)
      assert.match(error.info.known, /^cluster\.nats\.(servers|tls\.ca), /)
      return true
    })
  }
})

// Proves: docs/cluster.md#left-unsaid
test('a node that stops while its store says nothing says no error', async (t) => {
  const seed = `127.0.0.1:${await freePort()}`
  const of = (name: string, listen: string): Cli =>
    new Cli(t, scratchFolder(t), {
      start: 'talker.ts',
      args: ['a member'],
      cluster: { name, listen, seed, secret: 'of this test alone' },
    })
  const first = of('m', seed)
  await first.said(/a member/)
  const second = of('a', '127.0.0.1:0')
  await second.said(/a member/)
  first.child.kill('SIGSTOP')
  const { code } = await second.stop()
  first.child.kill('SIGCONT')
  assert.equal(code, 0)
  // That it is ready is one, too.
  const said = (second.out + second.err).replace(/talker\] error: ready/, '')
  assert.doesNotMatch(said, / error: /)
  assert.match(said, /the store of the cluster does not answer: this node leaves without its word/)
  await first.stop()
})

test('a node without a cluster says so', async (t) => {
  const start = new URL('../fixtures/clusterless.js', import.meta.url).href
  const node = await TestNode.start((_, logger) => resolveConfig({ start, thread: 1, logger }))
  t.after(() => node.stop())
  const asked = node.node.ref<typeof import('../fixtures/clusterless.ts').default>('.alone').call
  const off = { code: 'ERR_CLUSTER_OFF' }
  await assert.rejects(asked.query(), off)
  await assert.rejects(asked.launch(), off)
  await assert.rejects(asked.self(), off)
  await assert.rejects(asked.onNode(), off)
})
