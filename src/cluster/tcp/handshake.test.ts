import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Identity, PeerHandshake, type Progress, REFUSAL } from './handshake.ts'
import { helloBytes, type Role } from './hello.ts'
import { PACKET, type PacketKind } from './packets.ts'

const IDENTITY: Identity = {
  node: 'a',
  cluster: 'skynet',
  secret: 'of the whole cluster, nobody else',
  instance: '00'.repeat(16),
}
const OTHER: Identity = { ...IDENTITY, node: 'b', instance: '11'.repeat(16) }

type Said = readonly [kind: PacketKind, body: Buffer]

/** One end: what it says waits until the other one is given it. */
class End {
  readonly said: Said[] = []
  readonly handshake: PeerHandshake
  progress: Progress | unknown = 'more'

  constructor(role: Role, identity: Identity, isConnected = false) {
    this.handshake = new PeerHandshake(role, identity, {
      address: `${identity.node}'s peer`,
      say: (kind, body) => void this.said.push([kind, Buffer.from(body)]),
      isConnected: () => isConnected,
      doubt: () => undefined,
    })
  }

  /** After an error nothing is heard any more, as a peer does. */
  hear([kind, body]: Said): void {
    if (this.progress !== 'more') return
    // In the middle of a chunk, as on a connection.
    const bytes = Buffer.concat([Buffer.alloc(3), body, Buffer.alloc(3)])
    try {
      this.progress = this.handshake.take(kind, bytes, 3, 3 + body.length)
    } catch (error) {
      this.progress = error
    }
    bytes.fill(0xff)
  }
}

/** Everything that both say gets through. */
function shake(dialer: End, acceptor: End): void {
  while (dialer.said.length + acceptor.said.length > 0) {
    for (const said of dialer.said.splice(0)) acceptor.hear(said)
    for (const said of acceptor.said.splice(0)) dialer.hear(said)
  }
}

const reasonOf = (end: End): string => (end.progress as Error).message
const codesOf = (...ends: End[]) => ends.map(({ progress }) => (progress as { code: string }).code)

// Proves: docs/cluster-tcp.md#auth
test('two ends with the same secret let each other in, and know who is there', () => {
  const [a, b] = [new End('dial', IDENTITY), new End('accept', OTHER)]
  shake(a, b)
  assert.deepEqual([a.progress, b.progress], ['done', 'done'])
  const { node, instance, cluster } = a.handshake.peer!
  assert.deepEqual([node, instance, cluster], ['b', OTHER.instance, 'skynet'])
  assert.equal(b.handshake.peer!.node, 'a')
})

test('two ends without a secret let each other in', () => {
  const open = { secret: '' }
  const [a, b] = [
    new End('dial', { ...IDENTITY, ...open }),
    new End('accept', { ...OTHER, ...open }),
  ]
  shake(a, b)
  assert.deepEqual([a.progress, b.progress], ['done', 'done'])
})

// Proves: docs/cluster-tcp.md#auth
test('another secret is refused: both ends have an error with a code', () => {
  for (const secret of ['', 'another one, which is as long here']) {
    const [a, b] = [new End('dial', { ...IDENTITY, secret }), new End('accept', OTHER)]
    shake(a, b)
    assert.deepEqual(codesOf(a, b), ['ERR_CLUSTER_AUTH', 'ERR_CLUSTER_AUTH'])
    assert.match(reasonOf(b), /b's peer: it does not know our secret/)
    assert.match(reasonOf(a), /the secrets differ/)
  }
})

// Proves: docs/cluster-tcp.md#auth
test('another cluster is refused at both ends, by name', () => {
  const [a, b] = [new End('dial', { ...IDENTITY, cluster: 'test' }), new End('accept', OTHER)]
  shake(a, b)
  assert.deepEqual(codesOf(a, b), ['ERR_CLUSTER_AUTH', 'ERR_CLUSTER_AUTH'])
  assert.match(reasonOf(a), /it is of cluster 'skynet', and we of 'test'/)
  assert.match(reasonOf(b), /it is of cluster 'test', and we of 'skynet'/)
})

// Proves: docs/cluster-tcp.md#seed-name
test('a node of the same name is refused at both ends: it lives', () => {
  const [a, b] = [new End('dial', { ...IDENTITY, node: 'b' }), new End('accept', OTHER)]
  shake(a, b)
  assert.deepEqual(codesOf(a, b), ['ERR_NODE_NAME_TAKEN', 'ERR_NODE_NAME_TAKEN'])
  assert.equal(reasonOf(a), "Cannot join the cluster as 'b': a node of that name lives at b's peer")
  // Whichever of the two hellos comes first, the other end hears of it.
  const c = new End('dial', IDENTITY)
  c.hear([PACKET.refusal, Buffer.of(REFUSAL.name)])
  assert.deepEqual(codesOf(c), ['ERR_NODE_NAME_TAKEN'])
})

// Proves: docs/cluster-tcp.md#auth
test('versions without overlap are told at both ends', () => {
  const theirs = helloBytes({ min: 7, max: 9, nonce: Buffer.alloc(32), ...IDENTITY })
  // Behind the range another version may have whatever it likes.
  for (const hello of [theirs, theirs.subarray(0, 6)]) {
    const b = new End('accept', OTHER)
    b.hear([PACKET.hello, hello])
    const [code] = codesOf(b)
    assert.equal(code, 'ERR_CLUSTER_VERSION')
    assert.deepEqual((b.progress as { info: object }).info, {
      node: "b's peer",
      ours: '1..1',
      theirs: '7..9',
    })
    assert.deepEqual(
      b.said.map(([kind]) => kind),
      [PACKET.hello, PACKET.refusal],
    )
    const a = new End('dial', IDENTITY)
    a.hear([PACKET.hello, hello])
    assert.deepEqual(codesOf(a), ['ERR_CLUSTER_VERSION'])
  }
})

test('a wider range that has ours is no reason to refuse', () => {
  const b = new End('accept', OTHER)
  b.hear([PACKET.hello, helloBytes({ min: 0, max: 9, nonce: Buffer.alloc(32), ...IDENTITY })])
  assert.equal(b.progress, 'more')
})

test('what was said in another handshake proves nothing', () => {
  const [a, b] = [new End('dial', IDENTITY), new End('accept', OTHER)]
  const heard: Said[] = [...a.said]
  b.hear(a.said.shift()!)
  a.hear(b.said.shift()!)
  heard.push(...a.said)
  b.hear(a.said.shift()!)
  assert.equal(b.progress, 'done')
  const again = new End('accept', OTHER)
  for (const said of heard) again.hear(said)
  assert.deepEqual(codesOf(again), ['ERR_CLUSTER_AUTH'])
})

test('our own bytes, sent back, prove nothing', () => {
  const a = new End('dial', IDENTITY)
  a.hear(a.said[0]!)
  assert.deepEqual(codesOf(a), ['ERR_CLUSTER_AUTH'])
  assert.match(reasonOf(a), /it is this node itself/)
  const b = new End('accept', OTHER)
  const hello = helloBytes({ min: 1, max: 1, nonce: Buffer.alloc(32), ...IDENTITY })
  b.hear([PACKET.hello, hello])
  // What b would prove itself with is of another role.
  const mirror = new End('dial', OTHER)
  mirror.hear([PACKET.hello, hello])
  b.hear(mirror.said[1]!)
  assert.deepEqual(codesOf(b), ['ERR_CLUSTER_AUTH'])
})

// Proves: docs/cluster-tcp.md#auth
test('a byte that was changed on the way ends it', () => {
  for (let packet = 0; packet < 4; packet++) {
    const length = new End('dial', IDENTITY).said[0]![1].length
    for (let byte = 0; byte < (packet < 2 ? length : 32); byte++) {
      const [a, b] = [new End('dial', IDENTITY), new End('accept', OTHER)]
      let count = 0
      const spoiled = ([kind, body]: Said): Said => {
        if (count++ === packet) body[byte]! ^= 1
        return [kind, body]
      }
      while (a.said.length + b.said.length > 0) {
        for (const said of a.said.splice(0)) b.hear(spoiled(said))
        for (const said of b.said.splice(0)) a.hear(spoiled(said))
      }
      assert.notEqual(a.progress, 'done', `packet ${packet}, byte ${byte}`)
    }
  }
})

test('who has a connection to that process already gives this one up before its proof', () => {
  const [a, b] = [new End('dial', IDENTITY, true), new End('accept', OTHER)]
  shake(a, b)
  assert.deepEqual([a.progress, b.progress], ['known', 'more'])
  assert.equal(a.handshake.peer!.node, 'b')
})

test('what belongs into no handshake, or comes twice or too early, is malformed', () => {
  const hello = new End('dial', IDENTITY).said[0]!
  const cases: Said[][] = [
    [[PACKET.frame, Buffer.from('x')]],
    [[PACKET.proof, Buffer.alloc(32)]],
    [hello, hello],
    [[PACKET.hello, Buffer.alloc(0)]],
    [[PACKET.hello, hello[1].subarray(0, 40)]],
    [[PACKET.hello, hello[1].subarray(0, -1)]],
  ]
  for (const said of cases) {
    const b = new End('accept', OTHER)
    for (const each of said) b.hear(each)
    assert.deepEqual(codesOf(b), ['ERR_FRAME_MALFORMED'])
  }
})

test('a name that is too long, empty or no UTF-8 is malformed', () => {
  const of = (node: string) =>
    helloBytes({ min: 1, max: 1, nonce: Buffer.alloc(32), ...IDENTITY, node })
  const fits = new End('accept', OTHER)
  fits.hear([PACKET.hello, of('x'.repeat(64))])
  assert.equal(fits.progress, 'more')
  const noText = of('xy')
  noText.fill(0xff, 55, 57)
  for (const hello of [of('x'.repeat(65)), of(''), noText]) {
    const b = new End('accept', OTHER)
    b.hear([PACKET.hello, hello])
    assert.deepEqual(codesOf(b), ['ERR_FRAME_MALFORMED'])
  }
})

test('a refusal that this version does not know is one all the same', () => {
  for (const body of [Buffer.of(99), Buffer.alloc(0), Buffer.of(REFUSAL.version)]) {
    const a = new End('dial', IDENTITY)
    a.hear([PACKET.refusal, body])
    assert.deepEqual(codesOf(a), ['ERR_CLUSTER_AUTH'])
  }
})
