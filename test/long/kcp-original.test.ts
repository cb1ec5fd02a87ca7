/** Our KCP and that of the C program `ikcp`, over a wire that loses, doubles and mixes: by seed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KcpCore, type KcpSettings } from '../../src/transport/kcp/core.ts'
import { FAST as OURS } from '../../src/transport/kcp/fast.kit.ts'
import { IKCP_LEFT_OUT, Ikcp, isIkcpThere } from '../support/ikcp.ts'
import { below, type Random, seeded } from '../support/seed.ts'

const CONV = 0x11223344
const MESSAGES = 200
const TIME_MS_MAX = 600_000

const FAST: KcpSettings = { ...OURS, mtu: 1200 }
const SETTINGS: Readonly<Record<string, KcpSettings>> = {
  'as games have it': FAST,
  'as it is by default': { ...FAST, noDelay: 0, intervalMs: 100, fastResend: 0, isPolite: true },
}

/** One core of ours. What it sends is kept. */
class Ours {
  readonly bytes = new Uint8Array(2000)
  readonly begin = 0
  readonly core: KcpCore
  readonly messages: Buffer[] = []
  packets: Buffer[] = []

  constructor(settings: KcpSettings) {
    this.core = new KcpCore(CONV, settings, this, 0)
  }

  send(end: number): void {
    this.packets.push(Buffer.from(this.bytes.subarray(0, end)))
  }

  input(packet: Buffer, now: number): void {
    assert.equal(this.core.input(packet, now), true)
    for (let next = this.core.receive(); next !== undefined; next = this.core.receive()) {
      this.messages.push(next)
    }
  }
}

interface Flight {
  readonly at: number
  readonly toOurs: boolean
  readonly packet: Buffer
}

const messageOf = (random: Random, number: number): Buffer =>
  Buffer.alloc(1 + below(random, 9000), number)

async function exchange(settings: KcpSettings, lost: number, seed: number): Promise<void> {
  const random = seeded(seed)
  await using theirs = new Ikcp(CONV, settings)
  const ours = new Ours(settings)
  const sent = { ours: [] as Buffer[], theirs: [] as Buffer[] }
  let flights: Flight[] = []
  const isDone = (): boolean =>
    theirs.messages.length === MESSAGES && ours.messages.length === MESSAGES
  for (let now = 0; !isDone(); now += 5) {
    assert.ok(now < TIME_MS_MAX, `all has come within ${TIME_MS_MAX} ms`)
    const due = flights.filter(({ at }) => at <= now)
    flights = flights.filter(({ at }) => at > now)
    for (const { toOurs, packet } of due) {
      if (toOurs) ours.input(packet, now)
      else await theirs.input(packet)
    }
    if (sent.ours.length < MESSAGES) {
      sent.ours.push(messageOf(random, sent.ours.length))
      sent.theirs.push(messageOf(random, sent.theirs.length))
      ours.core.send(sent.ours.at(-1)!)
      await theirs.send(sent.theirs.at(-1)!)
    }
    ours.core.update(now)
    await theirs.update(now)
    for (const [toOurs, packets] of [
      [false, ours.packets.splice(0)],
      [true, theirs.packets.splice(0)],
    ] as const) {
      for (const packet of packets) {
        for (let copies = random() < 0.02 ? 2 : 1; copies > 0; copies--) {
          if (below(random, 100) < lost) continue
          flights.push({ at: now + 20 + below(random, 11), toOurs, packet })
        }
      }
    }
  }
  assert.deepEqual(theirs.messages, sent.ours)
  assert.deepEqual(ours.messages, sent.theirs)
}

if (!isIkcpThere()) test('KCP: a peer in C', (t) => t.diagnostic(IKCP_LEFT_OUT))
else {
  for (const [name, settings] of Object.entries(SETTINGS)) {
    for (const lost of [0, 10, 20]) {
      // Proves: docs/kcp.md#ikcp
      test(`a peer in C and ours, ${name}, ${lost} % lost: all arrives both ways`, async () => {
        for (let seed = 1; seed <= 3; seed++) await exchange(settings, lost, seed)
      })
    }
  }
}
