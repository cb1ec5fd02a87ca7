import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ManyRing } from '../../src/shm/ring.ts'
import { checksum, type RingWriterJob, random, sizeOf } from '../fixtures/ring-writer.ts'

const WRITERS = 3
const RECORDS = 200_000
const CAPACITY = 64 * 1024

/** The fixture, compiled or not as this file is. */
const FIXTURE = new URL(
  import.meta.url.replace(/ring\.stress\.test(\.\w+)$/, '../fixtures/ring-writer$1'),
)

test('three threads write, one reads: no record lost, doubled, torn or out of order', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  t.diagnostic(`SEED=${seed}`)
  const buffer = new SharedArrayBuffer(ManyRing.bytes(CAPACITY))
  // Positions wrap modulo 2^32 while the threads are at it.
  const header = new Int32Array(buffer)
  header[0] = -4096
  header[16] = -4096
  const bytes = Buffer.from(buffer)
  const ring = new ManyRing({ buffer, bytes, address: 0 }, 0, CAPACITY)
  const payloadMax = ring.payloadBytesMax
  const seeds = Array.from({ length: WRITERS }, (_, writer) => seed * 8 + writer * 2 + 1)
  const exits = seeds.map((own, writer) => {
    const job = { buffer, capacity: CAPACITY, writer, seed: own, records: RECORDS, payloadMax }
    return once(new Worker(FIXTURE, { workerData: job satisfies RingWriterJob }), 'exit')
  })

  const nexts = seeds.map(random)
  const expected = new Array<number>(WRITERS).fill(0)
  let total = 0
  const check = (w: number, sequence: number, sum: number, s: number, at: number, n: number) => {
    // Plain comparisons: a failure throws out of read(), with the facts.
    const length = sizeOf(nexts[w], payloadMax)
    const fill = nexts[w]() & 0xff
    const isRight =
      sequence === expected[w]++ &&
      s === sequence + 0.5 &&
      n === length &&
      (n === 0 || bytes[at] === fill) &&
      checksum(bytes, at, n) === sum
    assert.ok(isRight, `writer ${w}: record ${sequence} of ${n} bytes at ${at}, sum ${sum}`)
    total++
  }
  while (total < WRITERS * RECORDS) {
    if (ring.read(256, check) === 0) await new Promise(setImmediate)
  }

  assert.deepEqual((await Promise.all(exits)).flat(), new Array(WRITERS).fill(0))
  assert.deepEqual(expected, new Array(WRITERS).fill(RECORDS))
  assert.equal(ring.usedBytes, 0)
  assert.equal(
    bytes.subarray(ManyRing.bytes(0)).every((byte) => byte === 0),
    true,
  )
})
