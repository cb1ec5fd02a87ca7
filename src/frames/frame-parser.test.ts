import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { FRAME_HEADER_BYTES_MAX } from '../base/limits.ts'
import { frameEncoder } from './frame-encoder.ts'
import { FrameFormat } from './frame-format.ts'
import { FrameParser } from './frame-parser.ts'
import { cutAt, HEADERS, inLarge, oneByOne, parse, wide } from './frames.kit.ts'
import { type FrameHeader, type Framing, fixedHeader } from './framing.ts'

/** A little more than `Buffer.poolSize`, in some versions of Node.js. */
const POOL_BYTES = Buffer.allocUnsafe(1).buffer.byteLength

const none = (frame: Buffer): void => assert.fail(`a frame: ${frame}`)

/** Frames of these texts, byte by byte as they are on the wire. */
const GOLDEN: readonly (readonly [FrameHeader, readonly string[], string])[] = [
  ['u16be', ['hi', '', 'x'], '000268690000000178'],
  ['u16le', ['hi', '', 'x'], '020068690000010078'],
  ['u32be', ['hi', ''], '00000002686900000000'],
  ['u32le', ['hi', ''], '02000000686900000000'],
  ['varint', ['hi', '', 'x'.repeat(300)], `02686900ac02${'78'.repeat(300)}`],
  ['line', ['hi', '', 'x'], '68690a0a780a'],
]

// Proves: docs/frames.md#headers, #empty
test('FrameParser reads each header as it is on the wire, also byte by byte', () => {
  for (const [header, frames, hex] of GOLDEN) {
    const bytes = Buffer.from(hex, 'hex')
    const encode = frameEncoder({ header })
    assert.deepEqual(Buffer.concat(frames.map(encode)).toString('hex'), hex, `${header}`)
    for (const chunks of [[bytes], oneByOne(bytes)]) {
      assert.deepEqual(parse({ header }, chunks), { frames, error: undefined }, `${header}`)
    }
  }
})

// Proves: docs/frames.md#line
test('FrameParser drops one \\r before the \\n of a line, wherever it is cut', () => {
  const bytes = Buffer.from('a\r\n\r\n\r\r\nb\rc\n')
  const frames = ['a', '', '\r', 'b\rc']
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(parse({ header: 'line' }, cutAt(bytes, [cut])), { frames, error: undefined })
  }
  assert.deepEqual(parse({ header: 'line' }, oneByOne(bytes)).frames, frames)
})

// Proves: docs/frames.md#headers
test('FrameParser reads varints of up to 5 bytes, also with zeros that need not be', () => {
  const long = Buffer.from('82808080006869', 'hex')
  assert.deepEqual(parse({ header: 'varint' }, oneByOne(long)).frames, ['hi'])
  const endless = Buffer.from('8080808080', 'hex')
  for (const chunks of [[endless], oneByOne(endless), [Buffer.concat([endless, long])]]) {
    assert.equal(parse({ header: 'varint' }, chunks).error, 'ERR_FRAME_MALFORMED')
  }
  const most = Buffer.from('ffffffff7f', 'hex')
  assert.equal(parse({ header: 'varint' }, [most]).error, 'ERR_FRAME_TOO_LARGE')
})

/** Bodies of all lengths that matter, of bytes that any header takes. */
const BODY = fc
  .oneof(fc.nat(4), fc.nat(40), fc.constantFrom(124, 125, 126, 127, 128, 300, 5000))
  .map((length) => Buffer.alloc(length, 'abcdefg'))
const CUTS = fc.array(fc.nat(20_000), { maxLength: 30 })

for (const [name, header] of Object.entries(HEADERS)) {
  // Proves: docs/frames.md#headers, #own-header
  test(`FrameParser gives what was encoded, however it is cut: ${name}`, () => {
    const format = new FrameFormat({ header })
    fc.assert(
      fc.property(fc.array(BODY, { maxLength: 12 }), CUTS, (bodies, cuts) => {
        const bytes = Buffer.concat(bodies.map((body) => format.encode(body)))
        const frames = bodies.map((body) => body.toString('latin1'))
        const chunks = cutAt(bytes, cuts)
        for (const each of [chunks, chunks.map(inLarge)]) {
          assert.deepEqual(parse(format, each), { frames, error: undefined })
        }
      }),
    )
    const bytes = Buffer.concat(['', 'one', 'x'.repeat(130)].map((each) => format.encode(each)))
    assert.deepEqual(parse(format, oneByOne(bytes)).frames, ['', 'one', 'x'.repeat(130)])
  })

  // Proves: docs/frames.md#max
  // Proves: docs/limits.md#frame
  test(`FrameParser takes a message of max bytes, and refuses one more: ${name}`, () => {
    const wider = new FrameFormat({ header, max: 6 })
    const most = wider.encode('x'.repeat(5))
    const over = wider.encode('x'.repeat(6))
    for (const cut of [(bytes: Buffer) => [bytes], oneByOne]) {
      const fits = parse({ header, max: 5 }, cut(Buffer.concat([most, most])))
      assert.deepEqual(fits, { frames: ['xxxxx', 'xxxxx'], error: undefined })
      const breaks = parse({ header, max: 5 }, cut(Buffer.concat([most, over, most])))
      assert.deepEqual(breaks, { frames: ['xxxxx'], error: 'ERR_FRAME_TOO_LARGE' })
    }
  })

  // Proves: docs/frames.md#cut
  test(`FrameParser tells an end between two frames from one within: ${name}`, () => {
    const format = new FrameFormat({ header })
    const bytes = format.encode('abc')
    for (let length = 1; length < bytes.length; length++) {
      const parser = new FrameParser(format)
      parser.take(bytes, () => {})
      parser.end()
      parser.take(bytes.subarray(0, length), () => {})
      const cut = { code: 'ERR_FRAME_CUT', info: { received: length } }
      for (let again = 0; again < 2; again++) assert.throws(() => parser.end(), cut)
    }
  })

  // Proves: docs/frames.md#handover
  test(`FrameParser gives back what is in no frame, as it came: ${name}`, () => {
    const format = new FrameFormat({ header })
    const bytes = Buffer.concat(['one', '', 'three'].map((each) => format.encode(each)))
    for (let cut = 0; cut <= bytes.length; cut++) {
      for (const chunks of [[bytes.subarray(0, cut)], oneByOne(bytes.subarray(0, cut))]) {
        const frames: string[] = []
        const parser = new FrameParser(format)
        for (const chunk of chunks) parser.take(chunk, (frame) => frames.push(`${frame}`))
        const rest = Buffer.concat([parser.rest(), bytes.subarray(cut)])
        parser.end()
        assert.equal(parser.rest().length, 0)
        parser.take(rest, (frame) => frames.push(`${frame}`))
        assert.deepEqual(frames, ['one', '', 'three'])
      }
    }
  })
}

// Proves: docs/frames.md#max
test('FrameParser refuses a length once the header tells it, before a byte of the body', () => {
  for (const bytes of ['0006', '000678']) {
    const parser = new FrameParser({ header: 'u16be', max: 5 })
    const large = { code: 'ERR_FRAME_TOO_LARGE', info: { bytes: 6, limit: 5 } }
    assert.throws(() => parser.take(Buffer.from(bytes, 'hex'), none), large)
  }
  const parser = new FrameParser({ header: 'line', max: 5 })
  parser.take(Buffer.from('12345\r'), none)
  assert.throws(() => parser.take(Buffer.from('6'), none), { code: 'ERR_FRAME_TOO_LARGE' })
})

// Proves: docs/frames.md#broken
test('FrameParser reads nothing after an error, and throws it again', () => {
  const parser = new FrameParser({ header: 'u16be', max: 5 })
  const frames: string[] = []
  const take = (hex: string) => () =>
    parser.take(Buffer.from(hex, 'hex'), (frame) => frames.push(`${frame}`))
  const large = { code: 'ERR_FRAME_TOO_LARGE' }
  assert.throws(take('0001780009000179'), large)
  assert.throws(take('00017a'), large)
  assert.throws(() => parser.next(), large)
  assert.throws(() => parser.end(), large)
  assert.deepEqual(frames, ['x'])
  parser.clear()
  take('00017a')()
  assert.deepEqual(frames, ['x', 'z'])
})

test('FrameParser goes on behind the frame for which each() threw', () => {
  const parser = new FrameParser({ header: 'u16be' })
  const bytes = Buffer.from('000161000162000163', 'hex')
  const fail = () => {
    throw new Error('mine')
  }
  assert.throws(() => parser.take(bytes, fail), { message: 'mine' })
  const frames: string[] = []
  parser.take(Buffer.from('000164', 'hex'), (frame) => frames.push(`${frame}`))
  assert.deepEqual(frames, ['b', 'c', 'd'])
})

/** Sizes of the buffers that `work` makes. */
function allocations(work: () => void): number[] {
  const { mock: calls } = mock.method(Buffer, 'allocUnsafe')
  try {
    work()
    return calls.calls.map((call) => call.arguments[0] as number)
  } finally {
    calls.restore()
  }
}
const sum = (sizes: readonly number[]): number => sizes.reduce((all, size) => all + size, 0)

// Proves: docs/frames.md#memory
test('FrameParser takes memory for what has come, not for what a header promises', () => {
  const parser = new FrameParser({ header: 'u32be', max: 256 * 1024 * 1024 })
  const promise = Buffer.from('0fffffff', 'hex')
  const sizes = allocations(() => {
    parser.take(promise, none)
    parser.take(Buffer.alloc(1000), none)
  })
  assert.ok(sum(sizes) <= 2000, `${sizes}`)
})

// Proves: docs/frames.md#memory
test('FrameParser copies a frame that comes in small pieces a few times, not once a piece', () => {
  const bytes = 1024 * 1024
  for (const header of ['u32be', 'line'] as const) {
    const frame = frameEncoder({ header })(Buffer.alloc(bytes, 'x'))
    const parser = new FrameParser({ header })
    let length = 0
    const sizes = allocations(() => {
      for (let at = 0; at < frame.length; at += 64) {
        parser.take(frame.subarray(at, at + 64), (whole) => (length = whole.length))
      }
    })
    assert.equal(length, bytes)
    assert.ok(sum(sizes) <= 3 * bytes, `${sum(sizes)}`)
  }
})

// Proves: docs/frames.md#owner
test('FrameParser does not copy a frame that lies whole in a chunk', () => {
  const chunk = frameEncoder({ header: 'u16be' })('abcdef')
  new FrameParser({ header: 'u16be' }).take(chunk, (frame) => {
    assert.ok(frame.buffer === chunk.buffer)
    assert.equal(frame.byteOffset, chunk.byteOffset + 2)
  })
})

// Proves: docs/frames.md#owner
test('a frame that is kept holds back at most 16 times its size, or a pool of Node.js', () => {
  const length = fc.oneof(fc.nat(20), fc.nat(20), fc.nat(2000), fc.nat(70_000))
  const places = fc.array(fc.nat(200_000), { maxLength: 6 })
  fc.assert(
    fc.property(fc.array(length, { maxLength: 60 }), places, (lengths, cuts) => {
      const encode = frameEncoder({ header: 'u32be' })
      const bodies = lengths.map((each, i) => Buffer.alloc(each, `${i}`))
      const bytes = Buffer.concat(bodies.map((body) => encode(body)))
      const parser = new FrameParser({ header: 'u32be' })
      const frames: Buffer[] = []
      for (const part of cutAt(bytes, cuts)) {
        // Memory of its own, as what the kernel has given.
        parser.take(Buffer.from(new Uint8Array(part).buffer), (frame) => frames.push(frame))
      }
      for (const frame of frames) {
        assert.ok(frame.buffer.byteLength <= Math.max(POOL_BYTES, 16 * frame.length))
      }
      assert.ok(frames.length === bodies.length)
      assert.ok(frames.every((frame, i) => frame.equals(bodies[i]!)))
    }),
  )
})

const own = (framing: Partial<Framing>): Framing => ({ ...wide, ...framing })

// Proves: docs/frames.md#own-header
test('FrameParser refuses what a header of one’s own tells and cannot be', () => {
  const rows: readonly (readonly [Partial<Framing>, RegExp])[] = [
    [{ headerBytes: () => -1 }, /its header has -1 bytes/],
    [{ headerBytes: () => 4 }, /its header has 4 bytes/],
    [{ headerBytes: () => 0 }, /no header ends within 3 bytes/],
    [{ headerBytes: () => Number.NaN }, /its header has NaN bytes/],
    [{ bodyBytes: () => -2 }, /its header tells -2 bytes/],
    [{ bodyBytes: () => 1.5 }, /its header tells 1.5 bytes/],
    [{ bodyBytes: () => '1' as never }, /its header tells "1" bytes/],
  ]
  for (const [framing, message] of rows) {
    const parser = new FrameParser({ header: own(framing) })
    const refused = { code: 'ERR_FRAME_MALFORMED', message }
    assert.throws(() => parser.take(Buffer.alloc(8), none), refused)
  }
  const mine = new Error('mine')
  const throws = own({
    bodyBytes() {
      throw mine
    },
  })
  const parser = new FrameParser({ header: throws })
  for (let i = 0; i < 2; i++) assert.throws(() => parser.take(Buffer.alloc(4), none), mine)
})

test('new FrameParser() refuses options that make no sense, by name', () => {
  const make = (options: object) => () => new FrameParser(options as never)
  for (const header of ['u8', undefined, null, 5, []]) {
    assert.throws(make({ header }), { name: 'TypeError', message: /'header/ }, String(header))
  }
  assert.throws(make({ header: own({ writeHeader: 1 as never }) }), /'header.writeHeader'/)
  for (const headerBytesMax of [0, FRAME_HEADER_BYTES_MAX + 1, 1.5]) {
    assert.throws(make({ header: own({ headerBytesMax }) }), RangeError)
  }
  assert.throws(make(undefined as never), TypeError)
  assert.throws(make({ header: 'u16be', maxx: 1 }), /did you mean 'max'/)
  assert.throws(make({ header: 'u16be', max: 65_536 }), /1\.\.65535/)
  for (const max of [0, -1, 1.5, 2 ** 40]) assert.throws(make({ header: 'line', max }), RangeError)
  assert.throws(make({ header: 'line', max: '5' }), TypeError)
  const fixed = fixedHeader({ bytes: 1, read: () => 0, write: () => {} })
  assert.equal(new FrameFormat({ header: fixed }).max, 1024 * 1024)
  assert.equal(new FrameFormat({ header: 'u16le' }).max, 65_535)
})

// Proves: docs/frames.md#cut
test('end() tells what was not handed out, as each() has thrown', () => {
  const parser = new FrameParser({ header: 'u16be' })
  const mine = new Error('mine')
  const throwing = () => {
    throw mine
  }
  assert.throws(() => parser.take(Buffer.from('\0\u0001a\0\u0001b\0\u0005cc'), throwing), mine)
  const cut = (received: number) => ({ code: 'ERR_FRAME_CUT', info: { received } })
  assert.throws(() => parser.end(), cut(7))
  assert.equal(parser.next()?.toString(), 'b')
  assert.equal(parser.next(), undefined)
  assert.throws(() => parser.end(), cut(4))
})

// Proves: docs/frames.md#own-header
test('fixedHeader() refuses what is no header, by the name that its user has written', () => {
  const good = { bytes: 2, read: () => 0, write: () => {} }
  const wrong: [unknown, RegExp][] = [
    [undefined, /'bytes' must be a whole number in 1\.\.64/],
    [null, /'header' must be/],
    [{}, /'bytes' must be a whole number/],
    [{ ...good, bytes: Number.NaN }, /'bytes' must be .* current value is NaN/],
    [{ ...good, bytes: 0 }, /'bytes' must be/],
    [{ ...good, bytes: 65 }, /'bytes' must be/],
    [{ ...good, bytes: 'x' }, /'bytes' must be/],
    [{ ...good, bodyBytesMax: -1 }, /'bodyBytesMax' must be/],
    [{ ...good, read: 5 }, /'read' must be a function/],
    [{ ...good, write: undefined }, /'write' must be a function/],
    [{ ...good, max: 5 }, /'max'/],
  ]
  for (const [header, message] of wrong) {
    assert.throws(() => fixedHeader(header as never), { code: /^ERR_(INVALID|OUT)/, message })
  }
  assert.equal(fixedHeader({ ...good, bytes: 64 }).headerBytesMax, 64)
})
