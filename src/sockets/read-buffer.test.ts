import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ReadBuffer } from './read-buffer.ts'

/** A text of lines, and places where it is cut into chunks. */
const TEXT = fc
  .array(fc.constantFrom('a', 'bc', '€', '\n', '\r\n', '\r', ' '), { maxLength: 60 })
  .map((parts) => Buffer.from(parts.join('')))
const CUTS = fc.array(fc.nat(100), { maxLength: 20 })

function chunksOf(text: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)), text.length]
  places.sort((a, b) => a - b)
  return places.slice(1).map((end, i) => text.subarray(places[i], end))
}

test('takeLine gives the lines of a text, however it is cut', () => {
  fc.assert(
    fc.property(TEXT, CUTS, (text, cuts) => {
      const buffer = new ReadBuffer()
      const lines: string[] = []
      for (const chunk of chunksOf(text, cuts)) {
        buffer.push(chunk)
        for (let line = buffer.takeLine(); line !== undefined; line = buffer.takeLine()) {
          lines.push(line)
        }
      }
      const expected = text.toString().split('\n')
      const rest = expected.pop()
      assert.deepEqual(
        lines,
        expected.map((line) => line.replace(/\r$/, '')),
      )
      assert.equal(buffer.takeAll().toString(), rest)
      assert.equal(buffer.length, 0)
    }),
  )
})

test('take gives exactly so many bytes, or nothing, however they came', () => {
  fc.assert(
    fc.property(TEXT, CUTS, fc.array(fc.nat(30), { maxLength: 30 }), (text, cuts, counts) => {
      const buffer = new ReadBuffer()
      for (const chunk of chunksOf(text, cuts)) buffer.push(chunk)
      let at = 0
      for (const count of counts) {
        const bytes = buffer.take(count)
        if (count > text.length - at) assert.equal(bytes, undefined)
        else {
          assert.deepEqual(Buffer.from(bytes!), Buffer.from(text.subarray(at, at + count)))
          at += count
        }
        assert.equal(buffer.length, text.length - at)
      }
    }),
  )
})

test('lines, counts and chunks may be mixed', () => {
  const take = fc.constantFrom('line', 'chunk', 'three', 'push')
  fc.assert(
    fc.property(TEXT, CUTS, fc.array(take, { maxLength: 60 }), (text, cuts, steps) => {
      const buffer = new ReadBuffer()
      const chunks = chunksOf(text, cuts)
      let rest = ''
      for (const step of steps) {
        if (step === 'push') {
          const chunk = chunks.shift() ?? Buffer.alloc(0)
          rest += chunk.toString('latin1')
          buffer.push(chunk)
        } else if (step === 'line') {
          const end = rest.indexOf('\n')
          const line = end < 0 ? undefined : Buffer.from(rest.slice(0, end), 'latin1').toString()
          assert.equal(buffer.takeLine(), line?.replace(/\r$/, ''))
          rest = rest.slice(end + 1)
        } else {
          const bytes = step === 'chunk' ? buffer.takeChunk() : buffer.take(3)
          const length = bytes?.length ?? 0
          assert.equal(bytes?.toString('latin1') ?? '', rest.slice(0, length))
          rest = rest.slice(length)
        }
        assert.equal(buffer.length, rest.length)
        assert.equal(buffer.lineExceeds(2), rest.split('\n')[0]!.replace(/\r$/, '').length > 2)
      }
    }),
  )
})

test('lineExceeds is known before the line is complete, and its end does not count', () => {
  fc.assert(
    fc.property(TEXT, CUTS, fc.nat(12), (text, cuts, max) => {
      const buffer = new ReadBuffer()
      for (const chunk of chunksOf(text, cuts)) {
        buffer.push(chunk)
        const all = Buffer.concat([buffer.takeAll()])
        buffer.push(all)
        const end = all.indexOf('\n')
        const line = all.subarray(0, end < 0 ? all.length : end).toString('latin1')
        // A `\r` at its end may be the first half of `\r\n`.
        assert.equal(buffer.lineExceeds(max), line.replace(/\r$/, '').length > max)
      }
    }),
  )
})

test('takeChunk hands over what came without a copy', () => {
  const buffer = new ReadBuffer()
  const chunk = Buffer.from('abc')
  buffer.push(chunk)
  buffer.push(Buffer.alloc(0))
  assert.equal(buffer.takeChunk(), chunk)
  assert.equal(buffer.takeChunk(), undefined)
  assert.deepEqual(buffer.take(0), Buffer.alloc(0))
})

test('bytes that come one by one and wait are kept together, in order', () => {
  const buffer = new ReadBuffer()
  const text = Buffer.from(Array.from({ length: 100_000 }, (_, i) => 97 + (i % 26)))
  for (let at = 0; at < text.length; at++) {
    buffer.push(text.subarray(at, at + 1))
    assert.equal(buffer.takeLine(), undefined)
  }
  const chunks: Buffer[] = []
  for (let next = buffer.takeChunk(); next; next = buffer.takeChunk()) chunks.push(next)
  assert.equal(Buffer.concat(chunks).equals(text), true)
  assert.ok(chunks.length < 20, `${chunks.length} chunks`)
})

test('ReadBuffer keeps the order of small and large chunks, while some are taken', () => {
  const sizes = fc.array(fc.tuple(fc.constantFrom(1, 200, 9000, 20_000), fc.nat(12_000)))
  fc.assert(
    fc.property(sizes, (steps) => {
      const buffer = new ReadBuffer()
      const pushed: Buffer[] = []
      const taken: Buffer[] = []
      for (const [i, [size, wanted]] of steps.entries()) {
        const chunk = Buffer.alloc(size, `${i} `)
        pushed.push(Buffer.from(chunk))
        buffer.push(chunk)
        const bytes = wanted % 3 === 0 ? buffer.takeChunk() : buffer.take(wanted)
        if (bytes !== undefined) taken.push(bytes)
      }
      taken.push(buffer.takeAll())
      assert.equal(Buffer.concat(taken).equals(Buffer.concat(pushed)), true)
      assert.equal(buffer.length, 0)
    }),
  )
})
