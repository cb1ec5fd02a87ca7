/** What a node of the cluster sends to another one, as rows of `PARSERS`. */
import { FRAME_KIND, FrameReader } from '../../src/cluster/core/frame.ts'
import { LinkPair } from '../../src/testing/link-pair.ts'
import type { Parser } from './parsers.ts'
import { below, type Random } from './seed.ts'

const REQUEST = 10
const ANSWER = 1
const LONG = 33_000

/** Numbers by which the same session is open on both sides of each pair. */
const sameNumbers = (): number => 0.5

/** Frames of an open session: short messages, long ones, whatever `random` says. */
function framesOf(random: Random): Buffer[] {
  const { a, pair } = opened()
  for (let left = below(random, 5); left > 0; left--) {
    const type = random() < 0.8 ? REQUEST : ANSWER
    const session = random() < 0.5 ? 0 : left
    const length = random() < 0.02 ? LONG : below(random, 40)
    const isRequest = type === REQUEST && session > 0
    const bytes = Buffer.alloc(length, left)
    a.link.post(type, 2, 1, session, isRequest ? 1000 : 0, bytes, 0, length)
    if (random() < 0.5) a.flush()
  }
  pair.now += 50
  pair.tick()
  a.flush()
  if (random() < 0.2) a.link.close()
  return a.frames.splice(0).map(({ bytes }) => bytes)
}

function opened() {
  const pair = new LinkPair(sameNumbers)
  pair.a.link.post(REQUEST, 2, 1, 0, 0, Buffer.of(1), 0, 1)
  pair.settle()
  return { a: pair.a, b: pair.b, pair }
}

/** Each behind its length, so that what is spoiled may be anything but where a frame ends. */
function joined(frames: readonly Buffer[]): Buffer {
  const parts = frames.flatMap((frame) => [
    Buffer.of(frame.length & 0xff, frame.length >> 8),
    frame,
  ])
  return Buffer.concat(parts)
}

function split(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = Math.min(bytes.length, at + 2 + bytes.readUInt16LE(at))
    frames.push(bytes.subarray(at + 2, end))
    at = end
  }
  return frames
}

function readAll(bytes: Buffer): unknown {
  const reader = new FrameReader()
  return split(bytes).map((frame) => {
    const fault = reader.read(frame, 0, frame.length)
    if (fault !== undefined) return fault
    const found: unknown[] = [reader.kind, reader.number]
    const { message } = reader
    while (reader.next()) found.push(message.session, message.length)
    if (reader.kind === FRAME_KIND.DATA) found.push(reader.isBroken)
    return found
  })
}

/** The link goes on, whatever comes; what it says of itself stays in its bounds. */
function receiveAll(bytes: Buffer): unknown {
  const { b, pair } = opened()
  for (const frame of split(bytes)) {
    b.link.receive(frame, 0, frame.length)
    b.flush()
  }
  pair.now += 1000
  pair.tick()
  b.flush()
  return [b.link.state, b.delivered.length, b.link.counts, b.link.assemblies]
}

export const LINK_PARSERS: readonly Parser[] = [
  {
    name: 'link: frames',
    bytesOf: (random) => joined(framesOf(random)),
    parse: ([bytes]) => readAll(bytes!),
  },
  {
    name: 'link: a session',
    bytesOf: (random) => joined(framesOf(random)),
    parse: ([bytes]) => receiveAll(bytes!),
    // What a peer may have under way in chunks; memory that was never touched is counted as well.
    fixedBytes: 300 * 1024 * 1024,
  },
]
