/** KCP against what the C program `ikcp` has said, and against itself over a lossy wire. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vectorsOf } from '../../testing/vectors.ts'
import { KcpCore, type KcpSettings } from './core.ts'

type Step =
  | readonly ['update', number, ...string[]]
  | readonly ['input', string, number]
  | readonly ['send', number, number]
  | readonly ['receive', number, number]

interface Case extends KcpSettings {
  readonly name: string
  readonly conv: number
  readonly steps: readonly Step[]
}

const { cases } = vectorsOf<{ readonly cases: readonly Case[] }>('kcp')

/** What a message of the vectors is. */
const content = (length: number, seed: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (seed * 31 + i * 7) & 255))

const BEGIN = 9

class Recorder {
  readonly bytes = new Uint8Array(2000)
  readonly begin = BEGIN
  packets: string[] = []

  send(end: number): void {
    this.packets.push(Buffer.from(this.bytes.subarray(BEGIN, end)).toString('base64'))
  }
}

/** The time of the first update: C begins with it. */
const startOf = ({ steps }: Case): number =>
  steps.find((step): step is readonly ['update', number] => step[0] === 'update')![1]

for (const each of cases) {
  // Proves: docs/kcp.md#ikcp
  test(`what ikcp says is said, byte for byte: ${each.name}`, () => {
    const out = new Recorder()
    let now = startOf(each)
    const core = new KcpCore(each.conv, { ...each, messageBytesMax: 100_000 }, out, now)
    each.steps.forEach((step, i) => {
      const at = `step ${i}: ${step[0]} ${step[1]}`
      if (step[0] === 'input') {
        assert.equal(core.input(Buffer.from(step[1], 'base64'), now), true, at)
      } else if (step[0] === 'send') {
        core.send(content(step[1], step[2]))
      } else if (step[0] === 'receive') {
        assert.deepEqual(core.receive(), content(step[1], step[2]), at)
      } else {
        now = step[1]
        core.update(now)
        assert.deepEqual(out.packets, step.slice(2), at)
        out.packets = []
      }
    })
    assert.equal(core.receive(), undefined)
  })
}

const SETTINGS: KcpSettings = {
  mtu: 100,
  sendWindow: 1000,
  receiveWindow: 128,
  intervalMs: 10,
  noDelay: 1,
  fastResend: 2,
  isPolite: false,
  messageBytesMax: 2000,
}
/** Bytes of data in a packet. */
const SEGMENT_BYTES = 100 - 24

/** One core whose packets are kept as they are. */
class Side {
  readonly bytes = new Uint8Array(2000)
  readonly begin = 0
  readonly core: KcpCore
  packets: Buffer[] = []

  constructor(settings: Partial<KcpSettings> = {}) {
    this.core = new KcpCore(1, { ...SETTINGS, ...settings }, this, 0)
  }

  send(end: number): void {
    this.packets.push(Buffer.from(this.bytes.subarray(0, end)))
  }

  /** What it says now goes to `peer`. */
  flushTo(peer: Side, now: number): void {
    this.core.flush(now)
    for (const packet of this.packets.splice(0)) peer.core.input(packet, now)
  }
}

// Proves: docs/limits.md#kcp-message
test('a message that is too long is refused, those before it are there', () => {
  const [near, far] = [new Side(), new Side({ messageBytesMax: 5000 })]
  far.core.send(Buffer.alloc(2000, 1))
  far.core.send(Buffer.alloc(2001, 2))
  far.core.send(Buffer.alloc(10, 3))
  far.flushTo(near, 10)
  assert.equal(near.core.incoming.refused, 'large')
  assert.deepEqual(near.core.receive(), Buffer.alloc(2000, 1))
  assert.equal(near.core.receive(), undefined)
})

test('segments of a message that count wrong are refused', () => {
  const [near, far] = [new Side(), new Side()]
  far.core.send(Buffer.alloc(3 * SEGMENT_BYTES))
  far.core.flush(10)
  const [first, second] = far.packets
  second![5] = 0
  near.core.input(first!, 10)
  near.core.input(second!, 10)
  assert.equal(near.core.incoming.refused, 'malformed')
})

test('a message of more segments than there is room for is refused as such, however short', () => {
  const [near, far] = [new Side(), new Side()]
  far.core.send(Buffer.alloc(1))
  far.core.flush(10)
  far.packets[0]![5] = 255
  near.core.input(far.packets[0]!, 10)
  assert.equal(near.core.incoming.refused, 'segments')
})

// Proves: docs/limits.md#kcp-window
test('nobody receives: two windows are kept, whatever comes', () => {
  const [near, far] = [new Side(), new Side()]
  for (let i = 0; i < 1000; i++) far.core.send(Buffer.alloc(SEGMENT_BYTES, i))
  for (let now = 10; now < 2000; now += 10) {
    far.flushTo(near, now)
    near.flushTo(far, now)
  }
  // The peer knows that there is no room; here it goes on all the same.
  assert.equal(near.core.incoming.whole, 128)
  assert.equal(near.core.incoming.isFull, true)
  const stubborn = new Side()
  for (let i = 0; i < 1000; i++) stubborn.core.send(Buffer.alloc(SEGMENT_BYTES, i))
  let kept = 0
  for (let number = 0; number < 1000; number++) {
    if (near.core.incoming.put(128 + (number % 128), 0, Buffer.alloc(SEGMENT_BYTES))) kept++
  }
  assert.ok(kept <= 128)
  assert.equal(near.core.incoming.whole, 128)
})

test('acknowledgements that wait are bounded: what comes beyond comes again', () => {
  const [near, far] = [new Side(), new Side()]
  far.core.send(Buffer.from('x'))
  far.core.flush(10)
  const [packet] = far.packets
  for (let i = 0; i < 10_000; i++) near.core.input(packet!, 10)
  near.core.flush(20)
  const bytes = near.packets.reduce((sum, { length }) => sum + length, 0)
  assert.equal(bytes, 2 * 128 * 24)
})

test('what is no segment is refused, at any length, and what stands before it is taken', () => {
  const far = new Side()
  far.core.send(Buffer.from('abc'))
  far.core.flush(10)
  const packet = far.packets[0]!
  for (let length = 0; length < packet.length; length++) {
    const near = new Side()
    assert.equal(near.core.input(packet.subarray(0, length), 10), false, `${length} bytes`)
    assert.equal(near.core.receive(), undefined)
  }
  const wrong: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
    'another conversation': (bytes) => bytes.writeUInt32LE(2, 0),
    'a command below': (bytes) => bytes.writeUInt8(80, 4),
    'a command above': (bytes) => bytes.writeUInt8(85, 4),
    'longer than it is': (bytes) => bytes.writeUInt32LE(4, 20),
    'a length of 2^32-1': (bytes) => bytes.writeUInt32LE(0xffff_ffff, 20),
  }
  for (const [what, spoil] of Object.entries(wrong)) {
    const near = new Side()
    const spoiled = Buffer.from(packet)
    spoil(spoiled)
    assert.equal(near.core.input(Buffer.concat([packet, spoiled]), 10), false, what)
    assert.deepEqual(near.core.receive(), Buffer.from('abc'))
  }
})

test('an idle core is not due, and gives its memory back', () => {
  const [near, far] = [new Side(), new Side()]
  assert.equal(near.core.dueAt, undefined)
  far.core.send(Buffer.alloc(2000, 1))
  for (let now = 10; now < 200; now += 10) {
    far.flushTo(near, now)
    near.flushTo(far, now)
    near.core.receive()
  }
  assert.deepEqual([near.core.dueAt, far.core.dueAt], [undefined, undefined])
  far.core.compact()
  assert.equal(far.core.outgoing.cells.length, 0)
  far.core.send(Buffer.from('again'))
  far.flushTo(near, 300)
  assert.deepEqual(near.core.receive(), Buffer.from('again'))
})
