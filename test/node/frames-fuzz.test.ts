/** Anything may come from a peer: it is frames, or an error with a code, however it is cut. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FrameFormat } from '../../src/frames/frame-format.ts'
import { cutAt, HEADERS, oneByOne, parse } from '../../src/frames/frames.kit.ts'
import { seeded } from '../support/seed.ts'

const INPUTS = 20_000
const MAX = 300
const KNOWN = ['ERR_FRAME_CUT', 'ERR_FRAME_TOO_LARGE', 'ERR_FRAME_MALFORMED']
/** What a header of the tests throws by itself. */
const OWN = 'this is no game'

type Random = () => number
const below = (random: Random, end: number): number => Math.floor(random() * end)

function frames(random: Random, format: FrameFormat): Buffer {
  const count = below(random, 6)
  const bodies = Array.from({ length: count }, () => 'x'.repeat(below(random, 20) ** 2 % MAX))
  return Buffer.concat(bodies.map((body) => format.encode(body)))
}

/** Frames of which some bytes are others, or zeros, cut off somewhere. */
function input(random: Random, format: FrameFormat): Buffer {
  const bytes = random() < 0.7 ? frames(random, format) : Buffer.alloc(below(random, 60))
  const changes = below(random, 4)
  for (let i = 0; i < changes; i++) {
    const at = below(random, bytes.length)
    bytes.subarray(at, at + (random() < 0.9 ? 1 : 6)).fill(below(random, 256))
  }
  return random() < 0.3 ? bytes.subarray(0, below(random, bytes.length + 1)) : bytes
}

// Proves: docs/frames.md#broken
test('20,000 inputs by chance are frames, or end with an error with a code, however cut', () => {
  const random = seeded(12)
  const formats = Object.values(HEADERS).map((header) => new FrameFormat({ header, max: MAX }))
  const seen = new Map<string | undefined, number>()
  for (let i = 0; i < INPUTS; i++) {
    const format = formats[i % formats.length]!
    const bytes = input(random, format)
    const whole = parse(format, [bytes])
    const cuts = Array.from({ length: below(random, 8) }, () => below(random, 1000))
    assert.deepEqual(parse(format, cutAt(bytes, cuts)), whole, `input ${i}`)
    if (i % 10 === 0) assert.deepEqual(parse(format, oneByOne(bytes)), whole, `input ${i}`)
    assert.ok(whole.frames.every((frame) => frame.length <= MAX))
    seen.set(whole.error, (seen.get(whole.error) ?? 0) + 1)
  }
  assert.deepEqual([...seen.keys()].sort(), [...KNOWN, OWN, undefined].sort())
})
