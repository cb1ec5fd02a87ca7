/**
 * Links under schedules by chance: frames are late, lost, refused and held back, ways are cut and
 * nodes restarted; clocks have nothing in common. Then variants that are broken, each of which
 * some schedule must show: what the link checks, it has to check.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_KIND, HEADER_BYTES, MESSAGE_HEADER_BYTES } from './frame.ts'
import { type Broken, LinkWorld, type Tamper } from './link-world.kit.ts'

const SCHEDULES = 1000
/** Of a broken variant so many are tried. */
const TRIES = 2000

/** @returns What does not hold, by its first word, or undefined. */
function faultOf(seed: number, broken?: Broken): { kind: string; text: string } | undefined {
  const world = new LinkWorld(seed, broken)
  try {
    world.run()
    return undefined
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error
    const kind = error.message.split(':')[0]!
    return { kind, text: `seed ${seed}: ${error.message}\n${world.trace.slice(-40).join('\n')}` }
  }
}

test('a link holds what it promises in every schedule', () => {
  const first = Number(process.env.SKYNET_SEED ?? 1)
  const count = process.env.SKYNET_SEED === undefined ? SCHEDULES : 1
  for (let seed = first; seed < first + count; seed++) {
    const fault = faultOf(seed)
    assert.ok(fault === undefined, fault?.text ?? '')
  }
})

const AT = { kind: 3, session: 16, yours: 20, number: 24, consumed: 28, clock: 32 } as const
const HELLO_WINDOW_AT = HEADER_BYTES + 4
const isHello = (frame: Buffer): boolean => frame[AT.kind] === FRAME_KIND.HELLO
const isNumbered = (frame: Buffer): boolean =>
  frame[AT.kind] === FRAME_KIND.DATA || frame[AT.kind] === FRAME_KIND.CHUNK

/** As if nobody looked whether one is missing. */
const renumber: Tamper = (frame, { way }) => {
  if (isHello(frame)) return
  const session = frame.readUInt32LE(AT.session)
  if (session !== way.session) way.count = 0
  way.session = session
  if (isNumbered(frame)) way.count++
  frame.writeUInt32LE(isNumbered(frame) ? way.count : way.count + 1, AT.number)
}

/** As if a frame of an earlier session were as good. */
const revive: Tamper = (frame, side) => {
  if (isHello(frame)) return
  frame.writeUInt32LE(side.link.session, AT.session)
  frame.writeUInt32LE(side.other.link.session, AT.yours)
  renumber(frame, side)
}

/** As if requests past their deadlines had a millisecond left. */
const prolong: Tamper = (frame) => {
  if (frame[AT.kind] !== FRAME_KIND.DATA) return
  const clock = frame.readUInt32LE(AT.clock)
  for (let at = HEADER_BYTES; at < frame.length; ) {
    const deadline = frame.readUInt32LE(at + 12)
    if (deadline !== 0 && ((deadline - clock) | 0) <= 0) {
      frame.writeUInt32LE((clock + 1) >>> 0, at + 12)
    }
    at += MESSAGE_HEADER_BYTES + frame.readUInt16LE(at + 2)
  }
}

const put =
  (at: number, value: (frame: Buffer) => number, isFor = (_: Buffer) => true): Tamper =>
  (frame) => {
    if (isFor(frame)) frame.writeUInt32LE(value(frame) >>> 0, at)
  }

/** What is broken, and what must come of it. */
const BREAKS: Readonly<Record<string, Broken & { readonly shows: readonly string[] }>> = {
  'nobody looks whether a frame is missing': { tamper: renumber, shows: ['gap', 'rest'] },
  'frames of sessions that are over count': { tamper: revive, shows: ['session'] },
  'credit does not come back': {
    tamper: put(AT.consumed, () => 0),
    shows: ['rest'],
  },
  'there is no window': {
    tamper: put(HELLO_WINDOW_AT, () => 2 ** 31, isHello),
    shows: ['window'],
  },
  'a goodbye says that less was consumed than was': {
    tamper: put(
      AT.consumed,
      () => 0,
      (frame) => frame[AT.kind] === FRAME_KIND.BYE,
    ),
    shows: ['untrue'],
  },
  'who gets a request does not look at its deadline': { tamper: prolong, shows: ['untrue'] },
  'a frame that has left counts as one that has not': { isLiar: true, shows: ['untrue'] },
  'what finds no room is dropped': { isDropping: true, shows: ['gap'] },
  'what was refused is more than nobody got': { isHasty: true, shows: ['untrue'] },
}

for (const [what, { shows, ...broken }] of Object.entries(BREAKS)) {
  test(`a schedule shows it when ${what}`, (t) => {
    const found = new Map<string, number>()
    for (let seed = 1; seed <= TRIES && !shows.every((kind) => found.has(kind)); seed++) {
      const fault = faultOf(seed, broken)
      if (fault !== undefined && !found.has(fault.kind)) found.set(fault.kind, seed)
    }
    t.diagnostic(JSON.stringify([...found]))
    for (const kind of shows) assert.ok(found.has(kind), `${kind} is not found`)
  })
}
