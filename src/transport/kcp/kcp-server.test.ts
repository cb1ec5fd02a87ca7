/** What strangers, liars and thieves can do to a port of KCP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KCP_CLOSED_MAX, KCP_GREETINGS_MAX, KCP_OPENS_MAX } from '../../base/limits.ts'
import { Random } from '../../testing/sim/random.ts'
import type { Conversation } from './conversation.ts'
import { FAST } from './fast.kit.ts'
import { type Arrival, KcpServer, type KcpServerHost } from './kcp-server.ts'
import {
  type Agreement,
  closeBytes,
  DATA_HEAD_BYTES,
  kcpHelloBytes,
  openBytes,
  PACKET_KIND,
  pingBytes,
  readServerAnswer,
} from './packets.ts'
import { RecentOpens } from './recent-opens.ts'
import type { Carrier, DatagramAddress } from './route.ts'

const SETTINGS = {
  core: FAST,
  maxConnections: 10_000,
  keepAliveMs: 15_000,
  idleTimeoutMs: 60_000,
  lingerMs: 10_000,
  handshakeTimeoutMs: 5000,
}

function addressOf(port: number): DatagramAddress {
  const bytes = Uint8Array.of(4, port & 255, port >> 8, 127, 0, 0, 1)
  return { bytes, toString: () => `127.0.0.1:${port}` }
}

const NONCE = Buffer.alloc(8, 7)

class Bench implements KcpServerHost, Carrier {
  now = 1000
  readonly scratch = new Uint8Array(2048)
  readonly random = new Random(1)
  readonly sent: { packet: Buffer; to: DatagramAddress }[] = []
  readonly entered: Conversation[] = []
  left = 0
  knocked = 0
  isShut = false
  readonly core: KcpServer

  constructor(settings = SETTINGS) {
    this.core = new KcpServer(settings, this, this, this.now)
  }

  randomBytes(count: number): Buffer {
    return this.random.bytes(count)
  }

  send(packet: Uint8Array, to: DatagramAddress): void {
    this.sent.push({ packet: Buffer.from(packet), to })
  }

  isTouched(): void {}

  kept(address: DatagramAddress): DatagramAddress {
    return address
  }

  isOver(): void {}

  knocks(): Arrival | undefined {
    if (this.isShut) return undefined
    this.knocked++
    return {
      begins: () => {},
      enters: (conversation) => this.entered.push(conversation),
      leaves: () => this.left++,
    }
  }

  /** @returns What it answers. */
  packet(packet: Buffer, from: DatagramAddress): Buffer[] {
    this.sent.length = 0
    this.core.packet(packet, from, this.now)
    for (const { to } of this.sent) assert.equal(to, from)
    return this.sent.map((each) => each.packet)
  }

  cookie(from: DatagramAddress, nonce: Buffer = NONCE): Buffer {
    const answer = readServerAnswer(this.packet(kcpHelloBytes(nonce), from)[0]!, nonce)
    assert.ok(answer?.kind === 'cookie')
    return answer.cookie
  }

  open(from: DatagramAddress, nonce: Buffer = NONCE): Agreement | number {
    const open = openBytes(nonce, this.cookie(from, nonce), 1200)
    const answer = readServerAnswer(this.packet(open, from)[0]!, nonce)
    if (answer?.kind === 'refuse') return answer.why
    assert.ok(answer?.kind === 'accept')
    return answer.agreed
  }

  opened(from: DatagramAddress, nonce: Buffer = NONCE): Agreement {
    const agreed = this.open(from, nonce)
    assert.ok(typeof agreed === 'object')
    return agreed
  }

  /** And confirmed. */
  enter(from: DatagramAddress, nonce: Buffer = NONCE): Agreement {
    const agreed = this.opened(from, nonce)
    this.packet(pingBytes(agreed.up, agreed.conv), from)
    return agreed
  }

  /** Time passes. */
  pass(ms: number): void {
    this.now += ms
    const { deadlines } = this.core
    for (let first = deadlines.first; first !== undefined; first = deadlines.first) {
      if (first.dueAt > this.now) return
      deadlines.remove(first)
      first.tick(this.now)
    }
  }
}

const nonceOf = (number: number): Buffer => {
  const nonce = Buffer.alloc(8)
  nonce.writeUInt32LE(number)
  return nonce
}

// Proves: docs/kcp.md#handshake
test('nothing is kept of who says hello, and he gets fewer bytes than he has sent', () => {
  const bench = new Bench()
  let inBytes = 0
  let outBytes = 0
  for (let i = 0; i < 20_000; i++) {
    const hello = kcpHelloBytes(nonceOf(i))
    inBytes += hello.length
    for (const { length } of bench.packet(hello, addressOf(i % 60_000))) outBytes += length
  }
  assert.ok(outBytes > 0 && outBytes < inBytes / 2, `${outBytes} bytes for ${inBytes}`)
  assert.equal(bench.core.size, 0)
  assert.equal(bench.core.deadlines.size, 0)
  assert.equal(bench.knocked, 0)
})

// Proves: docs/kcp.md#handshake
test('whatever a stranger sends, no answer to it is longer', () => {
  const bench = new Bench()
  const random = new Random(5)
  const from = addressOf(1)
  const { conv } = bench.enter(addressOf(2))
  for (let i = 0; i < 20_000; i++) {
    const packet = random.pick([
      () => random.bytes(random.below(100)),
      () => kcpHelloBytes(random.bytes(8)).subarray(0, random.below(65)),
      () => openBytes(random.bytes(8), random.bytes(20), random.below(65_536)),
      () => pingBytes({ low: random.next(), high: random.next() }, conv),
      () => Buffer.concat([Buffer.of(PACKET_KIND.hello + random.below(30)), random.bytes(80)]),
    ])()
    const answers = bench.packet(packet, from)
    const out = answers.reduce((sum, { length }) => sum + length, 0)
    assert.ok(out <= packet.length, `${out} bytes for ${packet.toString('hex')}`)
  }
  assert.equal(bench.core.size, 1)
  const { unknown, forged, unproven } = bench.core.dropped
  assert.ok(unknown > 0 && forged > 0 && unproven > 0)
})

// Proves: docs/kcp.md#handshake
test('a cookie is of one address, one nonce, and ten seconds', () => {
  const bench = new Bench()
  const [from, other] = [addressOf(1), addressOf(2)]
  const cookie = bench.cookie(from)
  const refused = (packet: Buffer, by: DatagramAddress): void => {
    const { unproven } = bench.core.dropped
    const [other, ...more] = bench.packet(packet, by)
    assert.deepEqual([other![0], more], [PACKET_KIND.cookie, []])
    assert.ok(other!.length < packet.length)
    assert.equal(bench.core.dropped.unproven, unproven + 1)
    assert.equal(bench.core.size, 0)
  }
  refused(openBytes(NONCE, cookie, 1200), other)
  refused(openBytes(nonceOf(1), cookie, 1200), from)
  const spoiled = Buffer.from(cookie)
  spoiled[0]! ^= 1
  refused(openBytes(NONCE, spoiled, 1200), from)
  const late = bench.cookie(from, nonceOf(2))
  bench.pass(10_000)
  assert.equal(bench.packet(openBytes(NONCE, cookie, 1200), from)[0]![0], PACKET_KIND.accept)
  bench.pass(20_000)
  assert.equal(bench.core.size, 0)
  refused(openBytes(nonceOf(2), late, 1200), from)
})

test('a cookie stays good while secrets change, and an open of before is nothing', () => {
  const bench = new Bench()
  const from = addressOf(1)
  bench.pass(59_000)
  const cookie = bench.cookie(from)
  bench.pass(2000)
  bench.cookie(addressOf(2))
  assert.equal(bench.packet(openBytes(NONCE, cookie, 1200), from)[0]![0], PACKET_KIND.accept)
  bench.pass(300_000)
  const [answer] = bench.packet(openBytes(NONCE, cookie, 1200), from)
  assert.equal(answer![0], PACKET_KIND.cookie)
})

test('an open that comes again gets the same answer, and no other conversation', () => {
  const bench = new Bench()
  const from = addressOf(1)
  const open = openBytes(NONCE, bench.cookie(from), 1200)
  const [first] = bench.packet(open, from)
  assert.deepEqual(bench.packet(open, from), [first])
  assert.equal(bench.core.size, 1)
  const { agreed } = readServerAnswer(first!, NONCE) as { readonly agreed: Agreement }
  bench.packet(pingBytes(agreed.up, agreed.conv), from)
  assert.equal(bench.entered.length, 1)
  assert.deepEqual(bench.packet(open, from), [])
  assert.deepEqual([bench.core.size, bench.knocked], [1, 1])
})

// Proves: docs/kcp.md#forged
test('a packet without the token changes nothing', () => {
  const bench = new Bench()
  const from = addressOf(1)
  const { conv, up, down } = bench.enter(from)
  const [conversation] = bench.entered
  const close = { sentUpTo: 0, code: 1000, reason: 'forged' }
  for (const token of [down, { low: up.low ^ 1, high: up.high }, { low: up.low, high: 0 }]) {
    assert.deepEqual(bench.packet(closeBytes(token, conv, close), from), [])
  }
  assert.equal(bench.core.dropped.forged, 3)
  assert.equal(conversation!.state, 'open')
  bench.packet(closeBytes(up, conv, close), from)
  assert.equal(conversation!.state, 'over')
})

// Proves: docs/kcp.md#move
test('nothing goes to another address before that is proven there', () => {
  const bench = new Bench()
  const [from, other] = [addressOf(1), addressOf(2)]
  const { conv, up } = bench.enter(from)
  const [conversation] = bench.entered
  const ping = pingBytes(up, conv)
  bench.sent.length = 0
  bench.core.packet(ping, other, bench.now)
  const [prove, pong] = bench.sent
  assert.equal(prove!.to, other)
  assert.equal(prove!.packet[0], PACKET_KIND.prove)
  assert.ok(prove!.packet.length <= ping.length)
  assert.equal(pong!.to, from)
  assert.equal(conversation!.route.address, from)
  // The next one that comes from there within a while asks for nothing.
  bench.sent.length = 0
  bench.core.packet(ping, other, bench.now)
  assert.deepEqual(
    bench.sent.map(({ to }) => to),
    [from],
  )
  const proof = Buffer.from(prove!.packet)
  proof[0] = PACKET_KIND.proof
  bench.core.packet(proof, other, bench.now)
  assert.equal(bench.core.dropped.forged, 1, 'its token is of the other direction')
  pingBytes(up, conv).copy(proof, 1, 1, 13)
  bench.core.packet(proof, addressOf(3), bench.now)
  assert.equal(conversation!.route.address, from, 'it is no proof of a third address')
  bench.core.packet(proof, other, bench.now)
  assert.equal(conversation!.route.address, other)
})

// Proves: docs/kcp.md#refused
// Proves: docs/limits.md#kcp-connections, #kcp-greetings
test('who is one too many is refused, and so is everybody once it closes', () => {
  const full = new Bench({ ...SETTINGS, maxConnections: 2 })
  full.opened(addressOf(1))
  full.opened(addressOf(2))
  assert.equal(full.open(addressOf(3)), 1)
  full.pass(5000)
  assert.equal(full.left, 2)
  full.opened(addressOf(3), nonceOf(3))

  const bench = new Bench()
  for (let i = 0; i < KCP_GREETINGS_MAX; i++) bench.opened(addressOf(1000 + i))
  assert.equal(bench.open(addressOf(3)), 1)
  bench.isShut = true
  bench.pass(6000)
  assert.equal(bench.left, KCP_GREETINGS_MAX)
  assert.equal(bench.open(addressOf(4)), 2)
  bench.core.isClosed = true
  assert.equal(bench.open(addressOf(5)), 3)
  const hello = kcpHelloBytes(NONCE)
  hello[5] = 9
  assert.deepEqual(readServerAnswer(bench.packet(hello, addressOf(6))[0]!, NONCE), {
    kind: 'refuse',
    why: 4,
  })
})

test('10,000 opens and closes leave nothing', () => {
  const bench = new Bench()
  for (let i = 0; i < 10_000; i++) {
    const from = addressOf(i % 50_000)
    const { conv, up } = bench.enter(from, nonceOf(i))
    bench.packet(closeBytes(up, conv, { sentUpTo: 0, code: 0, reason: '' }), from)
    if (i % 10 === 0) bench.pass(15)
  }
  assert.equal(bench.entered.length, 10_000)
  assert.equal(bench.core.size, 0)
  bench.pass(60_000)
  assert.ok(bench.core.isEmpty)
  assert.equal(bench.core.deadlines.size, 0)
})

test('of those that have ended a few answer, and the oldest are forgotten', () => {
  const bench = new Bench()
  const [one, two] = [addressOf(1), addressOf(2)]
  const first = bench.enter(one)
  const close = { sentUpTo: 0, code: 0, reason: '' }
  const closeOf = ({ conv, up }: Agreement): Buffer => closeBytes(up, conv, close)
  assert.equal(bench.packet(closeOf(first), one)[0]![0], PACKET_KIND.closed)
  assert.equal(bench.packet(closeOf(first), one)[0]![0], PACKET_KIND.closed)
  for (let i = 0; i < KCP_CLOSED_MAX; i++) {
    bench.packet(closeOf(bench.enter(two, nonceOf(i))), two)
  }
  assert.equal([...bench.core.conversations].length, KCP_CLOSED_MAX)
  assert.equal(bench.core.deadlines.size, KCP_CLOSED_MAX)
  assert.deepEqual(bench.packet(closeOf(first), one), [])
})

test('of opens so many are remembered, for as long as cookies are good', () => {
  const opens = new RecentOpens()
  for (let i = 0; i < KCP_OPENS_MAX; i++) opens.set(`${i}`, i, 1000)
  assert.equal(opens.isFull(1000), true)
  assert.equal(opens.isFull(12_000), false)
  assert.equal(opens.get('7', 12_000), 7)
  opens.get('7', 23_000)
  assert.equal(opens.get('7', 23_000), undefined)
})

test('random segments with the token are counted, and take no more than two windows', () => {
  const bench = new Bench()
  const random = new Random(9)
  const from = addressOf(1)
  const { conv, up } = bench.enter(from)
  const front = pingBytes(up, conv).subarray(0, DATA_HEAD_BYTES)
  for (let i = 0; i < 20_000; i++) {
    const segment = random.bytes(24 + random.below(60))
    segment.writeUInt32LE(conv, 0)
    segment[4] = 81 + random.below(4)
    if (random.oneIn(2)) segment.writeUInt32LE(random.below(300), 12)
    if (random.oneIn(2)) segment.writeUInt32LE(segment.length - 24, 20)
    const packet = Buffer.concat([Buffer.of(PACKET_KIND.data), front.subarray(1), segment])
    bench.core.packet(packet, from, bench.now)
    bench.pass(1)
  }
  assert.ok(bench.core.dropped.malformed > 0)
})
