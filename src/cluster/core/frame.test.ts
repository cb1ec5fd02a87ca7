import assert from 'node:assert/strict'
import { test } from 'node:test'
import { vectorsOf } from '../../testing/vectors.ts'
import {
  bareFrame,
  FRAME_FLAG,
  FRAME_KIND,
  FrameReader,
  helloFrame,
  MESSAGE_HEADER_BYTES,
  putHead,
  putMessageHead,
  resetFrame,
} from './frame.ts'
import { converse, type Recording } from './recorded.kit.ts'

const HEAD = {
  version: 1,
  epoch: 2 ** 33 + 1,
  session: 0x11121314,
  yours: 0x21222324,
  number: 7,
  consumed: 0x31323334,
  clock: 0x41424344,
}
const HEAD_HEX = '0100000002000000 14131211 24232221 07000000 34333231 44434241'
const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const HELLO = {
  versions: { min: 1, max: 3 },
  lanes: 16,
  windowBytes: 0x40000,
  assemblyBytes: 0x10000000,
  to: 2 ** 40,
  why: 'gap',
} as const

/** Each kind that has no messages, as it is made. */
const MADE = {
  [`534b 01 04 01000000 ${HEAD_HEX} 01031000 00000400 00000010 0000000000010000 01000000`]:
    helloFrame({ ...HEAD, version: 9 }, HELLO, true),
  [`534b 01 05 00000000 ${HEAD_HEX} 08010300`]: resetFrame(HEAD, 'epoch', HELLO.versions),
  [`534b 01 03 02000000 ${HEAD_HEX}`]: bareFrame(FRAME_KIND.CREDIT, HEAD, FRAME_FLAG.PROBE),
  [`534b 01 06 00000000 ${HEAD_HEX}`]: bareFrame(FRAME_KIND.BYE, HEAD),
}

test('frames without messages have the bytes of the table', () => {
  for (const [hex, made] of Object.entries(MADE)) assert.equal(hexOf(made), hexOf(bytesOf(hex)))
})

/** What a reader has of a frame, as an object. */
function readFrame(bytes: Uint8Array, at = 0, end = bytes.length) {
  const reader = new FrameReader()
  const fault = reader.read(bytes, at, end)
  const messages: object[] = []
  while (reader.next()) messages.push({ ...reader.message })
  return { fault, messages, reader }
}

test('read() finds what was put into a HELLO and a RESET', () => {
  const [hello, reset] = Object.values(MADE).map((each) => readFrame(each).reader)
  assert.deepEqual(hello!.hello, HELLO)
  assert.equal(hello!.flags, FRAME_FLAG.SETTLED)
  const { version, epoch, session, yours, number, consumed, clock } = hello!
  assert.deepEqual({ version, epoch, session, yours, number, consumed, clock }, HEAD)
  assert.deepEqual([reset!.why, reset!.versions], ['epoch', { min: 1, max: 3 }])
})

/** A frame of two messages: one with a payload, the other one with nothing but its head. */
function dataFrame(memory: ArrayBufferLike, at: number): Uint8Array {
  const frame = new Uint8Array(memory, at, 36 + 2 * MESSAGE_HEADER_BYTES + 3)
  const view = new DataView(memory, at, frame.length)
  putHead(view, FRAME_KIND.DATA, 0, HEAD)
  putMessageHead(view, 36, 0x800a, 3, 0xffffff, 0x010203, 2 ** 53 - 1, 0x51525354)
  frame.set([1, 2, 3], 36 + MESSAGE_HEADER_BYTES)
  putMessageHead(view, 39 + MESSAGE_HEADER_BYTES, 1, 0, 5, 6, 0, 0)
  return frame
}
const MESSAGES_HEX =
  '0a80 0300 ffffff00 03020100 54535251 ffffffffffff1f00 010203' +
  ' 0100 0000 05000000 06000000 00000000 0000000000000000'

test('DATA has the bytes of the table, and gives its messages wherever it lies', () => {
  for (const memory of [new ArrayBuffer(300), new SharedArrayBuffer(300)]) {
    const frame = dataFrame(memory, 100)
    assert.equal(hexOf(frame), hexOf(bytesOf(`534b 01 01 00000000 ${HEAD_HEX} ${MESSAGES_HEX}`)))
    const { fault, messages, reader } = readFrame(new Uint8Array(memory, 10), 90, 90 + frame.length)
    const part = { lane: 0, total: 0, offset: 0 }
    assert.deepEqual([fault, reader.isBroken], [undefined, false])
    assert.deepEqual(messages, [
      {
        ...{ type: 0x800a, to: 0xffffff, source: 0x010203, session: 2 ** 53 - 1 },
        ...{ deadline: 0x51525354, from: 150, length: 3, ...part },
      },
      { type: 1, to: 5, source: 6, session: 0, deadline: 0, from: 177, length: 0, ...part },
    ])
  }
})

test('read() and next() say of every cut that it is one', () => {
  const frame = dataFrame(new ArrayBuffer(200), 0)
  for (let end = 0; end < frame.length; end++) {
    const { fault, reader } = readFrame(frame, 0, end)
    // Behind a whole message nobody can tell.
    const isWhole = end === 36 || end === 36 + MESSAGE_HEADER_BYTES + 3
    assert.equal(fault !== undefined || reader.isBroken, !isWhole, `at ${end}`)
  }
})

test('read() refuses what is no frame of ours', () => {
  const frame = Buffer.from(dataFrame(new ArrayBuffer(200), 0))
  const faultWith = (at: number, byte: number) => {
    const changed = Buffer.from(frame)
    changed[at] = byte
    return readFrame(changed).fault
  }
  assert.equal(faultWith(0, 0x54), 'magic')
  assert.deepEqual([faultWith(2, 0), faultWith(2, 2)], ['version', 'version'])
  assert.deepEqual([faultWith(3, 0), faultWith(3, 7)], ['kind', 'kind'])
  // Of a CHUNK: nothing of the message, or more than there is of it.
  assert.equal(faultWith(3, FRAME_KIND.CHUNK), 'chunk')
  assert.equal(readFrame(Buffer.concat([frame, Buffer.alloc(32 * 1024)])).fault, 'long')
})

const recorded = vectorsOf<Recording>('link-frames-1')

test('a link of today sends what was recorded of version 1', () => {
  const { sent, received, delivered } = converse()
  assert.deepEqual(sent, recorded.sent)
  assert.deepEqual(received, recorded.received)
  assert.deepEqual(delivered, recorded.delivered)
})

test('a link of today understands what a node of version 1 has sent', () => {
  assert.deepEqual(converse(recorded.received).delivered, recorded.delivered)
})
