import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Member, recordOf, type Scene, SEED, scene } from './tcp.kit.ts'

/** A seed `m`, and others that have joined: everybody knows everybody. */
async function cluster(at: Scene, ...names: string[]): Promise<[Member, ...Member[]]> {
  const seed = at.seed('m')
  const others = names.map((name) => at.member(name))
  const all = [seed, ...others] as [Member, ...Member[]]
  for (const each of all) await each.open()
  for (const each of others) await each.cluster.store.open()
  for (const [index, each] of all.entries()) each.join(index + 1)
  for (const each of all) each.knows(...all)
  await at.settled()
  await at.clock.advance(1000)
  return all
}

const connections = (at: Scene): number =>
  at.node.skynet.socket.netstat().filter(({ state }) => state !== 'LISTEN').length / 2

// Proves: docs/cluster-tcp.md#one-connection
test('each pair has one connection, and frames of each come in order', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  assert.deepEqual(m!.heard().sort(), ['writable a@2', 'writable z@3'])
  assert.deepEqual(a!.heard().sort(), ['writable m@1', 'writable z@3'])
  assert.deepEqual(z!.heard().sort(), ['writable a@2', 'writable m@1'])
  const all = [m!, a!, z!]
  for (let i = 0; i < 3; i++) {
    for (const from of all) {
      for (const to of all) if (to !== from) assert.equal(from.send(to, `${from.name}${i}`), true)
    }
  }
  await at.settled()
  assert.deepEqual(m!.heard().sort(), ['a@2 a0', 'a@2 a1', 'a@2 a2', 'z@3 z0', 'z@3 z1', 'z@3 z2'])
  for (const from of ['m@1', 'z@3']) {
    const frames = a!.told.filter((line) => line.startsWith(from))
    assert.deepEqual(
      frames,
      [0, 1, 2].map((i) => `${from} ${from[0]}${i}`),
    )
  }
  await at.clock.advance(60_000)
  assert.equal(connections(at), 3)
  assert.deepEqual(at.log, [])
})

test('a frame for another epoch, or for who is not there, is not taken', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  const frame = Buffer.from('x')
  assert.equal(m!.cluster.transport.send({ node: 'a', epoch: 1 }, frame, 0), false)
  assert.equal(m!.cluster.transport.send({ node: 'b', epoch: 1 }, frame, 0), false)
  await at.settled()
  assert.deepEqual(a!.heard(), ['writable m@1'])
})

// Proves: docs/cluster-tcp.md#echo
test('beats reach everybody once more by way of the seed, whose echo is ours too', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  for (const each of [m!, a!, z!]) each.heard()
  a!.cluster.transport.beat(Buffer.from('of a'))
  await at.settled()
  assert.deepEqual(m!.heard(), ['beat of a'])
  assert.deepEqual(a!.heard(), ['beat of a'])
  assert.deepEqual(z!.heard(), ['beat of a', 'beat of a'])
  m!.cluster.transport.beat(Buffer.from('of m'))
  assert.deepEqual(m!.heard(), [], 'never from within the call')
  await at.settled()
  assert.deepEqual(m!.heard(), ['beat of m'])
  assert.deepEqual(a!.heard(), ['beat of m'])
})

// Proves: docs/cluster-tcp.md#echo
test('who cannot be reached is heard by way of the seed', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  const k = at.member('k')
  await k.open()
  await k.cluster.store.open()
  k.join(9)
  m.knows(k)
  // It knows of nobody else, and the others not of it.
  for (const each of [m!, a!, z!]) each.heard()
  k.cluster.transport.beat(Buffer.from('of k'))
  await at.settled()
  assert.deepEqual(m.heard(), ['writable k@9', 'beat of k'])
  for (const each of [a!, z!]) assert.deepEqual(each.heard(), ['beat of k'], each.name)
  assert.deepEqual(k.heard(), ['writable m@1', 'beat of k'])
})

// Proves: docs/cluster-tcp.md#echo, #outage
test('without the seed a beat has no echo, and still reaches the others', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  await m!.cluster.transport.close()
  await at.settled()
  for (const each of [a!, z!]) each.heard()
  a!.cluster.transport.beat(Buffer.from('of a'))
  await at.settled()
  assert.deepEqual([a!.heard(), z!.heard()], [[], ['beat of a']])
})

// Proves: docs/cluster-tcp.md#cut
test('a cut is told at both ends, and mended by who has made the connection', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  for (const each of [m!, a!, z!]) each.heard()
  const { socket } = at.node.skynet
  // The descriptors of all connections break at once.
  for (const { id, state } of socket.netstat()) {
    if (state !== 'LISTEN') (await socket.start(id)).shutdown()
  }
  await at.settled()
  assert.deepEqual(a!.heard().sort(), ['reset m@1', 'reset z@3'])
  assert.deepEqual(z!.heard().sort(), ['reset a@2', 'reset m@1'])
  assert.equal(a!.send(z!, 'x'), false)
  await at.clock.advance(1000)
  assert.deepEqual(a!.heard().sort(), ['writable m@1', 'writable z@3'])
  assert.deepEqual(m!.heard().sort(), ['reset a@2', 'reset z@3', 'writable a@2', 'writable z@3'])
  assert.equal(connections(at), 3)
})

// Proves: docs/cluster-tcp.md#refused, #cut
test('a node that is gone is refused at both sides, and heard of when it is back', async (t) => {
  const at = await scene(t)
  const [m, a, k, z] = await cluster(at, 'a', 'k', 'z')
  for (const each of [m!, a!, z!]) each.heard()
  await k!.cluster.transport.close()
  await at.clock.advance(500)
  for (const each of [m!, a!, z!]) {
    const [first, ...others] = each.heard()
    assert.equal(first, 'reset k@3')
    assert.deepEqual(new Set(others), new Set(['refused k@3']), each.name)
  }
  const again = at.member('k', { listen: k!.address })
  await again.open()
  await again.cluster.store.open()
  again.join(9)
  again.knows(m!, a!, z!)
  for (const each of [m!, a!, z!]) {
    each.cluster.transport.peerGone({ node: 'k', epoch: 3 })
    each.knows(again)
  }
  await at.clock.advance(5000)
  for (const each of [m!, a!, z!]) {
    assert.equal(each.heard().at(-1), 'writable k@9', each.name)
    assert.equal(each.send(k!, 'to its former life'), false)
  }
  assert.equal(connections(at), 6)
})

// Proves: docs/cluster-tcp.md#unreached
test('a member that is out of reach for 5 s is named once, and when it is back', async (t) => {
  const at = await scene(t)
  const [, a, k] = await cluster(at, 'a', 'k')
  const lines = (): string[] => at.log.filter((line) => /node k/.test(line))
  await k!.cluster.transport.close()
  await at.clock.advance(4000)
  assert.deepEqual(lines(), [])
  await at.clock.advance(4000)
  // The seed makes no connections of its own to others: it looks, too.
  const missed = lines()
  assert.equal(missed.length, 2)
  for (const line of missed) {
    assert.match(line, /^cluster: cannot reach node k, which is a member: .*ECONNREFUSED/)
  }
  const again = at.member('k', { listen: k!.address })
  await again.open()
  await again.cluster.store.open()
  again.join(3)
  again.knows(a!)
  await at.clock.advance(5000)
  const reached = lines().slice(2)
  assert.deepEqual(reached, Array(2).fill('cluster: node k is reached again'))
})

test('a node that joins again is another peer over the same connection', async (t) => {
  const at = await scene(t)
  const [m, a, z] = await cluster(at, 'a', 'z')
  a!.heard()
  z!.join(7)
  await at.settled()
  assert.deepEqual(a!.heard(), ['reset z@3', 'writable z@7'])
  m!.knows(z!)
  a!.knows(z!)
  await at.clock.advance(5000)
  assert.equal(a!.send(z!, 'hello'), true)
  assert.equal(z!.send(a!, 'hello'), true)
  await at.settled()
  assert.deepEqual(a!.heard(), ['z@7 hello'])
  assert.equal(connections(at), 3)
})

test('of who is gone nothing is wanted any more', async (t) => {
  const at = await scene(t)
  const [, a, z] = await cluster(at, 'a', 'z')
  a!.heard()
  a!.cluster.transport.peerGone(z!.record)
  assert.equal(z!.send(a!, 'of a zombie'), true)
  assert.equal(a!.send(z!, 'to it'), false)
  await at.settled()
  assert.deepEqual(a!.heard(), [])
})

// Proves: docs/limits.md#cluster-unsent
// Proves: docs/cluster-tcp.md#held
test('send() is false when much waits, and writable follows', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  m!.heard()
  a!.heard()
  const frame = Buffer.alloc(32 * 1024)
  let taken = 0
  while (m!.cluster.transport.send(a!.record, frame, 0)) taken++
  assert.ok(taken >= 8, `${taken} frames fit into 256 KiB`)
  assert.ok(taken < 64, `${taken} frames are not kept`)
  assert.equal(m!.send(a!, 'neither'), false)
  await at.settled()
  assert.deepEqual(m!.heard(), ['writable a@2'])
  assert.equal(a!.heard().length, taken)
  assert.equal(m!.send(a!, 'again'), true)
})

test('a second process of the same name has a connection of its own', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  m!.heard()
  const twin = at.member('a')
  await twin.open()
  await twin.cluster.store.open()
  twin.join(5)
  await at.settled()
  assert.deepEqual(m!.heard(), ['writable a@5'])
  assert.equal(m!.send(a!, 'one'), true)
  assert.equal(m!.cluster.transport.send({ node: 'a', epoch: 5 }, Buffer.from('two'), 0), true)
  await at.settled()
  assert.deepEqual([a!.heard().at(-1), twin.heard().at(-1)], ['m@1 one', 'm@1 two'])
})

test('a fifth process of one name costs the oldest its connection', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  for (let epoch = 5; epoch < 9; epoch++) {
    const twin = at.member('a')
    await twin.open()
    await twin.cluster.store.open()
    twin.join(epoch)
  }
  await at.settled()
  assert.equal(a!.heard().at(-1), 'reset m@1')
  assert.equal(m!.told.filter((line) => line === 'reset a@2').length, 1)
})

test('an address in a record that is none is not dialled', async (t) => {
  const at = await scene(t)
  const [m] = await cluster(at)
  m!.cluster.transport.peerKnown(recordOf('x', 4, 'nonsense', ''))
  m!.cluster.transport.peerKnown(recordOf('y', 4))
  m!.cluster.transport.peerGone({ node: 'y', epoch: 4 })
  await at.clock.advance(10_000)
  assert.deepEqual([m!.heard(), at.log], [[], []])
})

test('an address of nodes goes before the one that a record tells', async (t) => {
  const at = await scene(t)
  const nodes = { a: SEED, b: '127.0.0.1:7002' }
  const [a, b] = [at.member('a', { nodes }), at.member('b', { nodes })]
  for (const each of [a, b]) await each.open()
  a.join(1)
  b.join(2)
  a.cluster.transport.peerKnown(recordOf('b', 2, '127.0.0.1:9'))
  b.cluster.transport.peerKnown(recordOf('a', 1, '127.0.0.1:9'))
  await b.cluster.store.open()
  await at.settled()
  assert.deepEqual([a.heard(), b.heard()], [['writable b@2'], ['writable a@1']])
})

test('close() ends all tries, also those of a store that is still open', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  await a!.cluster.transport.close()
  await at.settled()
  m!.heard()
  await at.clock.advance(10_000)
  assert.equal(connections(at), 0)
  assert.deepEqual(
    m!.heard().filter((line) => line.startsWith('w')),
    [],
  )
  // Of the seed, for which it is a member still.
  assert.match(at.log.join(), /^cluster: cannot reach node a, which is a member: [^,]+$/)
})

test('close() tells nothing any more, and leaves nobody who shakes hands', async (t) => {
  const at = await scene(t)
  const [m, a] = await cluster(at, 'a')
  a!.heard()
  const closing = a!.cluster.transport.close()
  assert.equal(m!.send(a!, 'too late'), true)
  await closing
  await at.settled()
  assert.deepEqual(a!.heard(), [])
  // Somebody who never ends the handshake.
  const silent = await at.node.skynet.socket.listen({ host: '127.0.0.1', port: 0 })
  const b = at.member('b')
  await b.open()
  b.join(5)
  b.cluster.transport.peerKnown(recordOf('z', 1, silent.address))
  const before = connections(at)
  await at.settled()
  assert.equal(connections(at), before + 1)
  await b.cluster.transport.close()
  await at.settled()
  assert.equal(connections(at), before + 0.5, 'one end is left: that of the silent one')
  await silent.close()
})

test('open() tells where the node is found, also with a port of the system', async (t) => {
  const at = await scene(t)
  const a = at.member('a')
  await a.open()
  assert.match(a.address, /^127\.0\.0\.1:\d{2,}$/)
  const b = at.member('b', { advertise: 'game.example:1' })
  await b.open()
  assert.equal(b.address, 'game.example:1')
  await assert.rejects(at.member('c', { listen: a.address }).open(), { code: 'ERR_LISTEN' })
})

test('without a secret an address of another machine is not dialled either', async (t) => {
  const at = await scene(t)
  const a = at.seed('a', { secret: undefined })
  await a.open()
  a.join(1)
  for (const host of ['10.0.0.1', '127.0.0.1']) {
    a.cluster.transport.peerKnown(recordOf(host, 4, `${host}:9`))
  }
  await at.clock.advance(3000)
  assert.deepEqual(new Set(a.heard()), new Set(['refused 127.0.0.1@4']))
})

// Proves: docs/cluster-tcp.md#closed
test('without a secret a line says who may join', async (t) => {
  const at = await scene(t)
  await at.seed('a', { secret: undefined }).open()
  assert.deepEqual(at.log, [
    'cluster: no secret: whoever is on this machine may join at 127.0.0.1:7001',
  ])
})
