/** What somebody can do who has found the port of a node: be in the way for a moment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestClient } from '../../testing/test-client.ts'
import type { TcpTls } from './certificates.ts'
import { REFUSAL } from './handshake.ts'
import { helloBytes, proofOf } from './hello.ts'
import { PACKET, type PacketKind, writePacket } from './packets.ts'
import { type CertificateName, type Member, type Scene, SECRET, scene, tlsOf } from './tcp.kit.ts'

const PORT = 7001
const IDENTITY = { node: 'x', cluster: 'skynet', instance: '22'.repeat(16) }

function packet(kind: number, body: Uint8Array): Buffer {
  const parts: Buffer[] = []
  writePacket({ write: (data) => parts.push(Buffer.from(data)) }, kind as PacketKind, body)
  return Buffer.concat(parts)
}

const hello = helloBytes({ min: 1, max: 1, nonce: Buffer.alloc(32, 7), ...IDENTITY })

const PLAIN = (_: CertificateName): { tls?: TcpTls } => ({})
const WAYS: Readonly<Record<string, typeof PLAIN>> = {
  'of a node': PLAIN,
  'of a node with certificates': (name) => ({ tls: tlsOf(name) }),
}

/** A seed `m` and a node `a`, which talk to each other. */
async function pair(at: Scene, how = PLAIN): Promise<[Member, Member]> {
  const [m, a] = [at.seed('m', how('m')), at.member('a', how('a'))]
  for (const each of [m, a]) await each.open()
  await a.cluster.store.open()
  m.join(1)
  a.join(2)
  await at.settled()
  m.heard()
  return [m, a]
}

async function assertWorks(at: Scene, [m, a]: [Member, Member]): Promise<void> {
  m.heard()
  assert.equal(a.send(m, 'still'), true)
  await at.settled()
  assert.deepEqual(m.heard(), ['a@2 still'])
}

/** Ends as whoever is refused sees it: with an end, or with a reset. */
async function isCut(client: TestClient): Promise<boolean> {
  return client.readAll({ timeoutMs: 1 }).then(
    () => true,
    (error) => error.code === 'ERR_SOCKET_FAILED',
  )
}

// Proves: docs/limits.md#cluster-packet
// Proves: docs/cluster-tcp.md#stranger, #tls-plain
for (const [port, how] of Object.entries(WAYS)) {
  test(`at the port ${port} a stranger is cut at the first packet that is none`, async (t) => {
    const at = await scene(t)
    const both = await pair(at, how)
    const garbage = [
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.from('160301000568656c6c6f', 'hex'),
      Buffer.concat([Buffer.from('1603010400010003fc0303', 'hex'), Buffer.alloc(189)]),
      packet(PACKET.hello, Buffer.alloc(100)),
      packet(PACKET.hello, Buffer.alloc(511)).subarray(0, 200),
      packet(PACKET.hello, Buffer.alloc(512)),
      packet(PACKET.frame, Buffer.from('x')),
      packet(PACKET.ask, Buffer.alloc(30)),
      packet(PACKET.self, Buffer.alloc(8)),
      Buffer.alloc(4),
      Buffer.concat([packet(PACKET.hello, hello), packet(PACKET.hello, hello)]),
      Buffer.concat([packet(PACKET.hello, hello), packet(PACKET.proof, Buffer.alloc(32))]),
      Buffer.concat([packet(PACKET.hello, hello), packet(PACKET.proof, Buffer.alloc(31))]),
    ]
    const ends: boolean[] = []
    for (const bytes of garbage) {
      const client = await at.node.connect(PORT)
      client.write(bytes)
      await at.settled()
      // What is not whole has time to be.
      await at.clock.advance(bytes.length === 200 ? 5000 : 0)
      ends.push(await isCut(client))
    }
    assert.deepEqual(
      ends,
      garbage.map(() => true),
    )
    assert.match(at.log.join('\n'), /cluster: 127\.0\.0\.1:\d+ was refused: /)
    await assertWorks(at, both)
  })
}

test('a hello as long as the first byte of TLS says is one, however it comes', async (t) => {
  const at = await scene(t)
  await pair(at)
  // Of a later version: 278 bytes with its kind, and 278 is 0x116.
  const body = Buffer.alloc(277)
  hello.copy(body)
  body.set([7, 9], 4)
  const bytes = packet(PACKET.hello, body)
  assert.equal(bytes[0], 0x16)
  for (const cut of [1, 2, bytes.length]) {
    const client = await at.node.connect(PORT)
    client.write(bytes.subarray(0, cut))
    await at.settled()
    client.write(bytes.subarray(cut))
    const own = await client.read(4)
    await client.read(own.readUInt32LE())
    assert.deepEqual([...(await client.read(6))], [2, 0, 0, 0, PACKET.refusal, REFUSAL.version])
  }
  assert.match(at.log.join('\n'), /it speaks versions 7\.\.9, and we 1\.\.1/)
})

// Proves: docs/cluster-tcp.md#stranger
test('nothing that is said before the proof is believed, also behind a good hello', async (t) => {
  const at = await scene(t)
  const [m] = await pair(at)
  const client = await at.node.connect(PORT)
  client.write(packet(PACKET.hello, hello))
  const epoch = Buffer.alloc(8)
  epoch.writeDoubleLE(9)
  client.write(packet(PACKET.self, epoch))
  client.write(packet(PACKET.frame, Buffer.from('of nobody')))
  await at.settled()
  assert.deepEqual(m.heard(), [])
  assert.equal(await isCut(client), true)
})

/** One that knows the secret, and says what it likes then. */
async function insider(at: Scene): Promise<TestClient> {
  const client = await at.node.connect(PORT)
  client.write(packet(PACKET.hello, hello))
  const head = await client.read(4)
  const theirs = (await client.read(head.readUInt32LE(0))).subarray(1)
  client.write(packet(PACKET.proof, proofOf(SECRET, 'dial', [hello, theirs])))
  await client.read(4 + 1 + 32)
  return client
}

test('an insider that breaks the rules is cut, and nobody else', async (t) => {
  const at = await scene(t)
  const both = await pair(at)
  const wrong = [
    packet(99, Buffer.alloc(1)),
    packet(PACKET.hello, hello),
    packet(PACKET.self, Buffer.alloc(8)),
    packet(PACKET.self, Buffer.alloc(7)),
    packet(PACKET.ask, Buffer.alloc(7)),
    Buffer.from('ffffffff', 'hex'),
    packet(PACKET.frame, Buffer.alloc(60_000)).fill(0, 0, 5),
  ]
  for (const bytes of wrong) {
    const client = await insider(at)
    client.write(bytes)
    await at.settled()
    assert.equal(await isCut(client), true, bytes.toString('hex', 0, 9))
  }
  assert.match(at.log[0]!, /^cluster: cut off from x: Cannot read a frame: a packet of kind 99$/)
  await assertWorks(at, both)
})

test("a frame before the sender has said its epoch is nobody's", async (t) => {
  const at = await scene(t)
  const [m] = await pair(at)
  const client = await insider(at)
  client.write(packet(PACKET.frame, Buffer.from('early')))
  const epoch = Buffer.alloc(8)
  epoch.writeDoubleLE(9)
  client.write(packet(PACKET.self, epoch))
  // One byte at a time it is the same.
  for (const byte of packet(PACKET.frame, Buffer.from('later'))) client.write(Buffer.of(byte))
  await at.settled()
  assert.deepEqual(m.heard(), ['writable x@9', 'x@9 later'])
})

test('what the user of a frame throws is logged with its stack, and cuts its sender', async (t) => {
  const at = await scene(t)
  const [m, a] = await pair(at)
  m.cluster.transport.events.frame = () => {
    throw new Error('of the link')
  }
  a.heard()
  a.send(m, 'x')
  await at.settled()
  assert.match(at.log[0]!, /^cluster: cut off from a: Error: of the link\n +at /)
  assert.deepEqual(m.heard(), ['reset a@2'])
  assert.deepEqual(a.heard(), ['reset m@1'])
})

test('a handshake that was listened to is worth nothing', async (t) => {
  const at = await scene(t)
  await pair(at)
  const client = await at.node.connect(PORT)
  client.write(packet(PACKET.hello, hello))
  const head = await client.read(4)
  const theirs = (await client.read(head.readUInt32LE(0))).subarray(1)
  const proof = packet(PACKET.proof, proofOf(SECRET, 'dial', [hello, theirs]))
  client.write(proof)
  await client.read(4 + 1 + 32)
  const again = await at.node.connect(PORT)
  again.write(packet(PACKET.hello, hello))
  again.write(proof)
  await at.settled()
  const heard = await again.received()
  assert.deepEqual(heard.subarray(-6), packet(PACKET.refusal, Buffer.of(3)))
  assert.equal(await isCut(again), true)
})

// Proves: docs/limits.md#cluster-strangers
// Proves: docs/cluster-tcp.md#stranger
test('who says nothing is cut after 5 s, and the 65th costs the oldest its place', async (t) => {
  const at = await scene(t)
  const both = await pair(at)
  const first = await at.node.connect(PORT)
  await at.clock.advance(4000)
  const others = await Promise.all(Array.from({ length: 63 }, () => at.node.connect(PORT)))
  await at.settled()
  assert.equal(await first.received().then((bytes) => bytes.length), 0)
  assert.equal(first.isOpen, true)
  const last = await at.node.connect(PORT)
  await at.settled()
  assert.equal(await isCut(first), true)
  assert.equal(
    others.every(({ isOpen }) => isOpen),
    true,
  )
  await at.clock.advance(5000)
  for (const client of [...others, last]) assert.equal(await isCut(client), true)
  await assertWorks(at, both)
})

// Proves: docs/cluster-tcp.md#stranger
for (const [port, how] of Object.entries(WAYS)) {
  test(`at the port ${port} a thousand strangers do not keep a node from coming in`, async (t) => {
    const at = await scene(t)
    const both = await pair(at, how)
    const clients: TestClient[] = []
    for (let i = 0; i < 1000; i++) {
      clients.push(await at.node.connect(PORT))
      if (i === 500) {
        const b = at.member('b', how('b'))
        await b.open()
        assert.equal((await b.cluster.store.open()).era, 1000)
      }
    }
    await assertWorks(at, both)
    await at.clock.advance(5000)
    assert.equal(
      at.node.skynet.socket.netstat().filter(({ state }) => state === 'CONNECTED').length,
      4,
    )
    // Lines about them do not come as often as they do.
    assert.ok(at.log.length < 20, `${at.log.length} lines`)
  })
}

test('who only looks whether a port is open is not worth a line', async (t) => {
  const at = await scene(t)
  await pair(at)
  const client = await at.node.connect(PORT)
  await client.close()
  await at.clock.advance(5000)
  assert.deepEqual(at.log, [])
})
