import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Region } from './memory.ts'
import { MANY_RING_HEADER_BYTES, ManyRing, RECORD_HEADER_BYTES, StreamRing } from './ring.ts'

const CAPACITY = 512
const TAIL = 0
const HEAD = 16
/** Positions at which a ring may be met: fresh, before the sign flips, before the wrap to 0. */
const STARTS = [0, 0x7fffffff - 9, -10]

type Record = { type: number; a: number; b: number; session: number; payload: string }

function newRegion(capacity: number, at = 0, start = 0): Region {
  const buffer = new SharedArrayBuffer(at + ManyRing.bytes(capacity))
  const header = new Int32Array(buffer, at)
  header[TAIL] = start
  header[HEAD] = start
  return { buffer, bytes: Buffer.from(buffer), address: 0 }
}

function newMany(capacity = CAPACITY, at = 0, start = 0) {
  const region = newRegion(capacity, at, start)
  const ring = new ManyRing(region, at, capacity)
  const words = new Int32Array(1024)
  const bytes = new Uint8Array(words.buffer)
  const write = (payload: string, type = 1, a = 2, b = 3, session = 4): boolean => {
    const { written } = new TextEncoder().encodeInto(payload, bytes)
    return ring.write(type, a, b, session, bytes, words, written)
  }
  const read = (limit = 1000): Record[] => {
    const records: Record[] = []
    const count = ring.read(limit, (type, a, b, session, offset, length) => {
      const payload = region.bytes.toString('latin1', offset, offset + length)
      records.push({ type, a, b, session, payload })
    })
    assert.equal(count, records.length)
    return records
  }
  const payloads = (limit?: number): string[] => read(limit).map((record) => record.payload)
  return { region, ring, bytes, words, write, read, payloads }
}

function newStream(capacity = CAPACITY, at = 0, start = 0) {
  const region = newRegion(capacity, at, start)
  const writer = new StreamRing(region, at, capacity)
  const reader = new StreamRing(region, at, capacity)
  /** Reserves `room`, writes `payload` and publishes as much. */
  const write = (payload: string, room = payload.length, c = 4): boolean => {
    const offset = writer.reserve(room)
    if (offset < 0) return false
    region.bytes.write(payload, offset, 'latin1')
    writer.publish(1, 2, 3, c, payload.length)
    return true
  }
  const payloads = (limit = 1000): string[] => {
    const found: string[] = []
    reader.read(limit, (type, a, b, c, offset, length) => {
      assert.deepEqual([type, a, b, c], [1, 2, 3, 4])
      found.push(region.bytes.toString('latin1', offset, offset + length))
    })
    return found
  }
  return { region, writer, reader, write, payloads }
}

/** 24 + 40 bytes: eight of them fill 512 exactly. */
const EXACT = 'x'.repeat(40)

describe('ManyRing', () => {
  // Proves: docs/semantics.md#sessions
  test('read hands over every field, payloads of all copy paths, in order', () => {
    const { write, read, ring } = newMany(4096, 64)
    const big = 'b'.repeat(129)
    write('', -1, -2, 0xffffffff | 0, 2 ** 53 - 1)
    write('abcde', 0x7fffffff, 5, 6, 0.5)
    write('c'.repeat(128))
    write(big)
    assert.equal(ring.isEmpty, false)
    const records = read()
    assert.deepEqual(records[0], { type: -1, a: -2, b: -1, session: 2 ** 53 - 1, payload: '' })
    assert.deepEqual(records[1], { type: 0x7fffffff, a: 5, b: 6, session: 0.5, payload: 'abcde' })
    assert.deepEqual(
      records.slice(2).map((record) => record.payload),
      ['c'.repeat(128), big],
    )
    assert.equal(ring.isEmpty, true)
    assert.equal(ring.usedBytes, 0)
  })

  test('read stops at its limit and goes on from there', () => {
    const { write, payloads } = newMany()
    for (const payload of ['a', 'b', 'c']) write(payload)
    assert.deepEqual(payloads(2), ['a', 'b'])
    assert.deepEqual(payloads(0), [])
    assert.deepEqual(payloads(2), ['c'])
    assert.deepEqual(payloads(2), [])
  })

  for (const start of STARTS) {
    test(`write of an exact fit fills the ring, and one lap is read once (from ${start})`, () => {
      const { write, payloads, ring } = newMany(CAPACITY, 0, start - (start % 8))
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 8; i++) assert.equal(write(EXACT), true)
        assert.equal(ring.usedBytes, CAPACITY)
        assert.equal(write(''), false)
        assert.deepEqual(payloads(), new Array(8).fill(EXACT))
        assert.equal(ring.usedBytes, 0)
        assert.equal(ring.isEmpty, true)
      }
    })

    test(`write pads to the end of the buffer where it is too near (from ${start})`, () => {
      const { write, payloads, ring } = newMany(CAPACITY, 0, start)
      for (let i = 0; i < 100; i++) {
        const payload = `${i}`.padStart(i % 60, '.')
        assert.equal(write(payload), true)
        assert.deepEqual(payloads(), [payload])
      }
      assert.equal(ring.usedBytes, 0)
    })
  }

  test('write refuses when only the padding would fit, and leaves the ring as it is', () => {
    const { write, payloads, ring } = newMany()
    for (let i = 0; i < 7; i++) write(EXACT)
    payloads(1)
    assert.equal(ring.usedBytes, 6 * 64)
    // 64 bytes to the end of the buffer, 64 at its start: 72 fit nowhere in one piece.
    assert.equal(write(`${EXACT}y`), false)
    assert.equal(ring.usedBytes, 6 * 64)
    assert.equal(write(EXACT), true)
    assert.equal(write(EXACT), true)
    assert.equal(ring.usedBytes, CAPACITY)
    assert.equal(payloads().length, 8)
  })

  test('read leaves nothing but zeros behind, padding included', () => {
    const { write, payloads, region } = newMany()
    for (let i = 0; i < 7; i++) write(EXACT)
    payloads()
    write(`${EXACT}y`)
    payloads()
    const data = region.bytes.subarray(MANY_RING_HEADER_BYTES)
    assert.equal(
      data.every((byte) => byte === 0),
      true,
    )
  })

  test('read stops at a reserved record that is not published, whatever lies behind it', () => {
    const { write, payloads, region, ring } = newMany()
    write('first')
    write('second')
    const cells = new Int32Array(region.buffer, MANY_RING_HEADER_BYTES)
    const length = Atomics.exchange(cells, 0, 0)
    assert.equal(ring.isEmpty, true)
    assert.deepEqual(payloads(), [])
    Atomics.store(cells, 0, length)
    assert.deepEqual(payloads(), ['first', 'second'])
  })

  test('read consumes the record whose callback throws, and rethrows', () => {
    const { write, payloads, ring } = newMany()
    for (const payload of ['a', 'b', 'c']) write(payload)
    let calls = 0
    const each = () => {
      if (++calls === 2) throw new Error('second')
    }
    assert.throws(() => ring.read(10, each), /second/)
    assert.equal(ring.usedBytes, 32)
    assert.deepEqual(payloads(), ['c'])
  })

  test('read asserts when its callback reads, and write from it works', () => {
    const { write, payloads, ring } = newMany()
    write('a')
    assert.throws(() => ring.read(1, () => ring.read(1, () => {})), assert.AssertionError)
    write('b')
    ring.read(1, () => write('c'))
    assert.deepEqual(payloads(), ['c'])
  })

  test('write takes an eighth of the ring and asserts beyond, or beyond its source', () => {
    const { write, ring, bytes, words } = newMany()
    assert.equal(ring.payloadBytesMax, CAPACITY / 8)
    assert.equal(write('x'.repeat(64)), true)
    assert.throws(() => write('x'.repeat(65)), /0..64/)
    assert.throws(() => ring.write(1, 2, 3, 4, bytes, words.subarray(0, 2), 9), /source/)
    assert.throws(() => ring.write(1, 2, 3, 4, bytes, words, Number.NaN), /NaN/)
    assert.equal(ring.usedBytes, RECORD_HEADER_BYTES + 64)
  })

  test('write of a header that is no number throws, and leaves the ring as it is', () => {
    const { ring, bytes, words, write, payloads } = newMany()
    const hostile = {
      valueOf() {
        throw new Error('no number')
      },
    }
    for (const odd of [5n, Symbol('x'), hostile] as unknown[] as number[]) {
      for (let field = 0; field < 5; field++) {
        const header = [1, 2, 3, 4, 8] as [number, number, number, number, number]
        header[field] = odd
        const [type, a, b, session, length] = header
        assert.throws(() => ring.write(type, a, b, session, bytes, words, length))
        assert.equal(ring.usedBytes, 0)
      }
    }
    assert.equal(write('after'), true)
    assert.deepEqual(payloads(), ['after'])
  })

  test('new asserts on a capacity, place or region that does not fit', () => {
    const region = newRegion(512)
    assert.throws(() => new ManyRing(region, 0, 500), assert.AssertionError)
    assert.throws(() => new ManyRing(region, 8, 256), assert.AssertionError)
    assert.throws(() => new ManyRing(region, 64, 512), assert.AssertionError)
  })

  test('a ring behaves as a bounded queue for any sizes, limits and start', () => {
    const sizes = fc.array(fc.oneof(fc.nat(64), fc.integer({ min: -6, max: -1 })), {
      maxLength: 300,
      size: 'max',
    })
    fc.assert(
      fc.property(sizes, fc.integer(), (steps, start) => {
        const { write, payloads, ring } = newMany(CAPACITY, 0, start)
        const model: string[] = []
        steps.forEach((step, i) => {
          const payload = `${i % 10}`.repeat(Math.max(step, 0))
          if (step < 0) assert.deepEqual(payloads(-step), model.splice(0, -step))
          else if (write(payload)) model.push(payload)
          else assert.ok(ring.usedBytes > CAPACITY - 2 * (RECORD_HEADER_BYTES + 64))
        })
        assert.deepEqual(payloads(), model)
      }),
    )
  })
})

describe('StreamRing', () => {
  test('publish shows what came of what was reserved, and gives back the rest', () => {
    const { write, payloads, writer, reader } = newStream(CAPACITY, 64)
    assert.equal(reader.isEmpty, true)
    assert.equal(write('abc', 60), true)
    assert.equal(reader.isEmpty, false)
    assert.equal(writer.freeBytes, CAPACITY - 32)
    assert.equal(write('', 64), true)
    assert.deepEqual(payloads(), ['abc', ''])
    assert.equal(writer.freeBytes, CAPACITY)
  })

  test('reserve shows nothing, and a second one forgets the first', () => {
    const { writer, reader, write, payloads } = newStream()
    const first = writer.reserve(64)
    assert.equal(writer.reserve(8), first)
    assert.equal(reader.isEmpty, true)
    assert.throws(() => writer.publish(1, 2, 3, 4, 9), assert.AssertionError)
    assert.equal(write('now'), true)
    assert.throws(() => writer.publish(1, 2, 3, 4, 0), assert.AssertionError)
    assert.deepEqual(payloads(), ['now'])
  })

  for (const start of STARTS) {
    test(`reserve of an exact fit fills the ring, then answers -1 (from ${start})`, () => {
      const { write, payloads, writer } = newStream(CAPACITY, 0, start - (start % 8))
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < 8; i++) assert.equal(write(EXACT), true)
        assert.equal(writer.freeBytes, 0)
        assert.equal(writer.reserve(0), -1)
        assert.deepEqual(payloads(), new Array(8).fill(EXACT))
        assert.equal(writer.freeBytes, CAPACITY)
      }
    })

    test(`reserve pads to the end of the buffer where it is too near (from ${start})`, () => {
      const { write, payloads, region } = newStream(CAPACITY, 0, start)
      for (let i = 0; i < 100; i++) {
        const payload = `${i}`.padStart(i % 60, '.')
        assert.equal(write(payload, 64), true)
        assert.deepEqual(payloads(), [payload])
      }
      assert.equal(region.bytes.length, StreamRing.bytes(CAPACITY))
    })
  }

  test('reserve needs one piece, and finds it once the reader has moved on', () => {
    const { write, payloads, writer } = newStream()
    for (let i = 0; i < 7; i++) write(EXACT)
    payloads(1)
    assert.equal(writer.reserve(41), -1)
    assert.equal(writer.freeBytes, 128)
    payloads(1)
    assert.equal(write(`${EXACT}y`), true)
    assert.deepEqual(payloads(), [...new Array(5).fill(EXACT), `${EXACT}y`])
  })

  test('read consumes the record whose callback throws, and rethrows', () => {
    const { write, payloads, reader } = newStream()
    for (const payload of ['a', 'b', 'c']) write(payload)
    const each = () => {
      throw new Error('first')
    }
    assert.throws(() => reader.read(10, each), /first/)
    assert.deepEqual(payloads(1), ['b'])
    assert.deepEqual(payloads(1), ['c'])
  })

  test('reserve takes an eighth of the ring and asserts beyond', () => {
    const { writer } = newStream()
    assert.notEqual(writer.reserve(writer.payloadBytesMax), -1)
    assert.throws(() => writer.reserve(writer.payloadBytesMax + 1), /0..64/)
    assert.throws(() => writer.reserve(-1), /-1/)
  })

  test('a ring behaves as a bounded queue for any sizes, limits and start', () => {
    const step = fc.record({ read: fc.nat(4), room: fc.nat(64), part: fc.nat(64) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), fc.integer(), (steps, start) => {
        const { write, payloads, writer } = newStream(CAPACITY, 0, start)
        const model: string[] = []
        steps.forEach(({ read, room, part }, i) => {
          const payload = `${i % 10}`.repeat(Math.min(room, part))
          if (write(payload, room)) model.push(payload)
          else assert.ok(writer.freeBytes < 2 * (RECORD_HEADER_BYTES + 64))
          assert.deepEqual(payloads(read), model.splice(0, read))
        })
        assert.deepEqual(payloads(), model)
      }),
    )
  })
})
