import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CLUSTER_PACKET_BYTES_MAX } from '../../base/limits.ts'
import { PACKET, PacketReader, writePacket } from './packets.ts'

function bytesOf(packets: readonly (readonly [kind: number, body: string])[]): Buffer {
  const written: Buffer[] = []
  const sink = { write: (data: Uint8Array) => written.push(Buffer.from(data)) }
  for (const [kind, body] of packets) writePacket(sink, kind as 5, Buffer.from(body))
  return Buffer.concat(written)
}

function reader(limit = CLUSTER_PACKET_BYTES_MAX) {
  const packets: [number, string][] = []
  const parser = new PacketReader(limit, (kind, bytes, at, end) => {
    packets.push([kind, bytes.toString('latin1', at, end)])
  })
  return { parser, packets }
}

test('a packet is its length, its kind and its body', () => {
  assert.equal(bytesOf([[PACKET.frame, 'abc']]).toString('hex'), '0400000005616263')
  assert.equal(bytesOf([[PACKET.beat, '']]).toString('hex'), '0100000006')
})

test('packets are the same however their bytes were cut', () => {
  const body = fc.string({ maxLength: 600, unit: 'binary-ascii' })
  const packet = fc.tuple(fc.integer({ min: 0, max: 255 }), body)
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 6 }), fc.array(fc.nat(700)), (packets, cuts) => {
      const { parser, packets: read } = reader()
      const bytes = bytesOf(packets)
      let at = 0
      for (const cut of [...cuts, bytes.length]) {
        // Each in memory of its own: a body may lie anywhere, and is gone afterwards.
        const chunk = Buffer.from(bytes.subarray(at, at + cut))
        parser.push(chunk)
        chunk.fill(0xff)
        at += cut
      }
      parser.end()
      assert.deepEqual(read, packets)
    }),
  )
})

test('packets are the same one byte at a time', () => {
  const packets: [number, string][] = [
    [5, 'x'.repeat(300)],
    [6, ''],
    [5, 'y'.repeat(9000)],
  ]
  const { parser, packets: read } = reader()
  for (const byte of bytesOf(packets)) parser.push(Buffer.of(byte))
  assert.deepEqual(read, packets)
})

test('a packet of the limit is taken, one byte more is refused by its length alone', () => {
  const { parser, packets } = reader(4)
  parser.push(bytesOf([[5, 'abc']]))
  assert.deepEqual(packets, [[5, 'abc']])
  for (const cut of [1, 4]) {
    const { parser: other } = reader(4)
    const bytes = bytesOf([[5, 'abcd']])
    assert.throws(
      () => {
        other.push(bytes.subarray(0, cut))
        other.push(bytes.subarray(cut, 4))
      },
      { code: 'ERR_FRAME_TOO_LARGE' },
    )
  }
})

test('a packet without a kind is refused, and an end in the middle of one', () => {
  assert.throws(() => reader().parser.push(Buffer.alloc(4)), { code: 'ERR_FRAME_MALFORMED' })
  const { parser } = reader()
  parser.push(bytesOf([[5, 'abc']]).subarray(0, 6))
  assert.throws(() => parser.end(), { code: 'ERR_FRAME_CUT' })
})

test('close() in the middle of a chunk hands out nothing that is behind', () => {
  let count = 0
  const parser: PacketReader = new PacketReader(100, () => {
    count++
    parser.close()
  })
  parser.push(
    bytesOf([
      [5, 'a'],
      [5, 'b'],
    ]),
  )
  parser.push(bytesOf([[5, 'c']]))
  assert.equal(count, 1)
})

test('writePacket() hands a long body on with its header, in one write', () => {
  const sizes: number[] = []
  writePacket({ write: (data) => sizes.push(data.length) }, PACKET.frame, Buffer.alloc(32 * 1024))
  assert.deepEqual(sizes, [32 * 1024 + 5])
  const tooLong = Buffer.alloc(CLUSTER_PACKET_BYTES_MAX)
  const sink = { write: () => assert.fail('nothing is written') }
  assert.throws(() => writePacket(sink, PACKET.frame, tooLong), { code: 'ERR_FRAME_TOO_LARGE' })
})
