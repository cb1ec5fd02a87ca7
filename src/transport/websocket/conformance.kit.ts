/**
 * What RFC 6455 and 7692 say of frames, as a table: bytes that a client sends, and what a server
 * has of them. Sections are named as in the RFC. Made with an encoder of its own.
 */
import { deflateRawSync, constants as zlib } from 'node:zlib'

/** A message is a string or bytes; control frames are told by name. */
export type Given = string | Buffer | { readonly ping: string } | { readonly pong: string }

/** How it ends: it goes on; in the middle of a message; the peer has closed; it is closed by us. */
export type Ending =
  | 'open'
  | 'cut'
  | { readonly closed: number; readonly reason: string }
  | { readonly violation: number }

export interface Case {
  readonly name: string
  readonly bytes: Buffer
  readonly gives: readonly Given[]
  readonly ending: Ending
  /** Absent: a server that wants masks, and the limit below. */
  readonly messageBytesMax?: number
  readonly reads?: 'server' | 'client' | 'any'
  readonly deflates?: true
}

/** Longest message of most cases. */
export const MESSAGE_BYTES_MAX = 70_000

const MASK = Buffer.of(0x37, 0xfa, 0x21, 0x3d)
const FIN = 0x80

interface Shape {
  /** FIN and reserved bits. Default: FIN alone. */
  readonly bits?: number
  readonly isMasked?: boolean
  /** Bytes that tell the length: 0, 2, 8. Default: as few as there may be. */
  readonly lengthBytes?: 0 | 2 | 8
  /** What the header says. Default: the length of the payload. */
  readonly length?: number | bigint
}

/** A frame, right or wrong. */
export function frame(opcode: number, payload: string | Buffer = '', shape: Shape = {}): Buffer {
  const body = Buffer.from(payload as string)
  const { bits = FIN, isMasked = true, length = body.length } = shape
  const fewest = length < 126 ? 0 : length < 65_536 ? 2 : 8
  const { lengthBytes = fewest } = shape
  const short = lengthBytes === 0 ? Number(length) : lengthBytes === 2 ? 126 : 127
  const head = Buffer.alloc(2 + lengthBytes)
  head[0] = bits | opcode
  head[1] = (isMasked ? 0x80 : 0) | short
  if (lengthBytes === 2) head.writeUInt16BE(Number(length), 2)
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2)
  if (!isMasked) return Buffer.concat([head, body])
  return Buffer.concat([head, MASK, body.map((byte, i) => byte ^ MASK[i & 3]!)])
}

const TEXT = 1
const BINARY = 2
const CLOSE = 8
const PING = 9
const PONG = 10

const text = (payload: string | Buffer, shape?: Shape): Buffer => frame(TEXT, payload, shape)
const begin = (payload: string | Buffer): Buffer => frame(TEXT, payload, { bits: 0 })
const more = (payload: string | Buffer): Buffer => frame(0, payload, { bits: 0 })
const last = (payload: string | Buffer): Buffer => frame(0, payload)
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

function close(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return frame(CLOSE)
  const head = Buffer.alloc(2)
  head.writeUInt16BE(code)
  return frame(CLOSE, Buffer.concat([head, Buffer.from(reason as string)]))
}

const violation = (code: number): Ending => ({ violation: code })
const BAD = violation(1002)
const NO_TEXT = violation(1007)
const TOO_LARGE = violation(1009)

type Extra = Omit<Case, 'name' | 'bytes' | 'gives' | 'ending'>

const row = (
  name: string,
  frames: Buffer | readonly Buffer[],
  gives: readonly Given[] = [],
  ending: Ending = 'open',
  extra: Extra = {},
): Case => ({
  name,
  bytes: Buffer.isBuffer(frames) ? frames : Buffer.concat(frames as readonly Buffer[]),
  gives,
  ending,
  ...extra,
})

// --- lengths (5.2) -------------------------------------------------------------------------------

const LENGTHS = [0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 128, 4095, 65_535, 65_536, 65_537]

const noise = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 151) & 0xff))

const lengths: readonly Case[] = LENGTHS.flatMap((length) => [
  row(`a text of ${length} bytes`, text('*'.repeat(length)), ['*'.repeat(length)]),
  row(`${length} bytes, binary`, frame(BINARY, noise(length)), [noise(length)]),
])

const wrongLengths: readonly Case[] = [
  row('125 bytes whose length takes 2', text('*'.repeat(125), { lengthBytes: 2 }), [], BAD),
  row('0 bytes whose length takes 2', text('', { lengthBytes: 2 }), [], BAD),
  row('65,535 bytes whose length takes 8', text('*', { lengthBytes: 8, length: 65_535 }), [], BAD),
  row('1 byte whose length takes 8', text('*', { lengthBytes: 8 }), [], BAD),
  row('a length of 64 bits', text('*', { lengthBytes: 8, length: 1n << 63n }), [], BAD),
  row(
    'a length of 63 bits',
    text('*', { lengthBytes: 8, length: (1n << 63n) - 1n }),
    [],
    TOO_LARGE,
  ),
  row('a length of 2^53', text('*', { lengthBytes: 8, length: 1n << 53n }), [], TOO_LARGE),
  row('a length of 2^32', text('*', { lengthBytes: 8, length: 1n << 32n }), [], TOO_LARGE),
]

// --- masks (5.1) ---------------------------------------------------------------------------------

const bare = { isMasked: false }
const masks: readonly Case[] = [
  row('an unmasked text', text('abc', bare), [], BAD),
  row('an unmasked empty binary', frame(BINARY, '', bare), [], BAD),
  row('an unmasked ping', frame(PING, 'x', bare), [], BAD),
  row('an unmasked close', frame(CLOSE, '', bare), [], BAD),
  row('an unmasked fragment behind a masked one', [begin('a'), frame(0, 'b', bare)], [], BAD),
  row('an unmasked text, where it is allowed', text('aé', bare), ['aé'], 'open', { reads: 'any' }),
  row('a masked text, where it need not be', text('aé'), ['aé'], 'open', { reads: 'any' }),
  row('a text of a server', text('aé', bare), ['aé'], 'open', { reads: 'client' }),
  row('a masked text of a server', text('aé'), [], BAD, { reads: 'client' }),
  row('a masked ping of a server', frame(PING), [], BAD, { reads: 'client' }),
  row(
    'a close of a server',
    frame(CLOSE, hex('03e8'), bare),
    [],
    { closed: 1000, reason: '' },
    {
      reads: 'client',
    },
  ),
]

// --- reserved bits (5.2) -------------------------------------------------------------------------

const reserved: readonly Case[] = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) => {
  const bits = FIN | (rsv << 4)
  return [
    row(`reserved bits ${rsv} of a text`, text('x', { bits }), [], BAD),
    row(`reserved bits ${rsv} of a ping`, frame(PING, 'x', { bits }), [], BAD),
    row(`reserved bits ${rsv} of a close`, frame(CLOSE, '', { bits }), [], BAD),
    row(
      `reserved bits ${rsv} behind a text`,
      [text('a'), frame(BINARY, 'b', { bits })],
      ['a'],
      BAD,
    ),
    row(`reserved bits ${rsv} of a fragment`, [begin('a'), frame(0, 'b', { bits })], [], BAD),
  ]
})

// --- opcodes (5.2) -------------------------------------------------------------------------------

const opcodes: readonly Case[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
  row(`opcode ${opcode}`, frame(opcode), [], BAD),
  row(`opcode ${opcode} with a payload`, frame(opcode, 'x'), [], BAD),
  row(`opcode ${opcode} behind a text`, [text('a'), frame(opcode), text('b')], ['a'], BAD),
  row(`opcode ${opcode} between fragments`, [begin('a'), frame(opcode), last('b')], [], BAD),
])

// --- fragments (5.4) -----------------------------------------------------------------------------

const fragments: readonly Case[] = [
  row('a text in two fragments', [begin('Hel'), last('lo')], ['Hello']),
  row(
    'bytes in two fragments',
    [frame(BINARY, hex('00ff'), { bits: 0 }), last(hex('80'))],
    [hex('00ff80')],
  ),
  row('a text in three fragments', [begin('a'), more('b'), last('c')], ['abc']),
  row('two empty fragments', [begin(''), last('')], ['']),
  row('empty fragments around one', [begin(''), more('x'), last('')], ['x']),
  row('an empty fragment between', [begin('a'), more(''), more(''), last('b')], ['ab']),
  row(
    'an empty binary in fragments',
    [frame(BINARY, '', { bits: 0 }), last('')],
    [Buffer.alloc(0)],
  ),
  row(
    'a hundred fragments',
    [begin('*'), ...Array<Buffer>(98).fill(more('*')), last('*')],
    ['*'.repeat(100)],
  ),
  row('two messages in fragments', [begin('a'), last('b'), begin('c'), last('d')], ['ab', 'cd']),
  row('a ping between fragments', [begin('a'), frame(PING, 'p'), last('b')], [{ ping: 'p' }, 'ab']),
  row('a pong between fragments', [begin('a'), frame(PONG, 'p'), last('b')], [{ pong: 'p' }, 'ab']),
  row(
    'pings between all fragments',
    [...[frame(PING, '1'), begin('a'), frame(PING, '2'), more('b'), frame(PING), last('c')]],
    [{ ping: '1' }, { ping: '2' }, { ping: '' }, 'abc'],
  ),
  row('a close between fragments', [begin('a'), close(1000), last('b')], [], {
    closed: 1000,
    reason: '',
  }),
  row('a ping in two fragments', [frame(PING, 'a', { bits: 0 }), last('b')], [], BAD),
  row('a pong in two fragments', [frame(PONG, 'a', { bits: 0 }), last('b')], [], BAD),
  row('a close in two fragments', [frame(CLOSE, '', { bits: 0 }), last('')], [], BAD),
  row('a last fragment of nothing', last('x'), [], BAD),
  row('a fragment of nothing', more('x'), [], BAD),
  row('an empty last fragment of nothing', last(''), [], BAD),
  row('a last fragment behind a whole text', [text('a'), last('b')], ['a'], BAD),
  row('a fragment behind the last one', [begin('a'), last('b'), last('c')], ['ab'], BAD),
  row('a text within fragments', [begin('a'), text('b')], [], BAD),
  row('bytes within fragments', [begin('a'), frame(BINARY, 'b')], [], BAD),
  row('a message begins within fragments', [begin('a'), begin('b')], [], BAD),
]

// --- control frames (5.5) ------------------------------------------------------------------------

const long = '*'.repeat(125)
const control: readonly Case[] = [
  row('a ping', frame(PING), [{ ping: '' }]),
  row('a ping with a payload', frame(PING, 'Hello'), [{ ping: 'Hello' }]),
  row('a ping of bytes', frame(PING, hex('00ff fe fd')), [{ ping: '\0\xff\xfe\xfd' }]),
  row('a ping of 125 bytes', frame(PING, long), [{ ping: long }]),
  row('a ping of 126 bytes', frame(PING, `${long}*`), [], BAD),
  row('a ping of 65,536 bytes', frame(PING, '*'.repeat(65_536)), [], BAD),
  row('a pong that nobody has asked for', frame(PONG), [{ pong: '' }]),
  row('a pong with a payload', frame(PONG, 'x'), [{ pong: 'x' }]),
  row('a pong of 125 bytes', frame(PONG, long), [{ pong: long }]),
  row('a pong of 126 bytes', frame(PONG, `${long}*`), [], BAD),
  row('ten pings', Array<Buffer>(10).fill(frame(PING, 'x')), Array<Given>(10).fill({ ping: 'x' })),
  row(
    'a pong, a ping and a text',
    [frame(PONG, 'a'), frame(PING, 'b'), text('c')],
    [{ pong: 'a' }, { ping: 'b' }, 'c'],
  ),
  row(
    'a close of 126 bytes',
    frame(CLOSE, Buffer.concat([hex('03e8'), Buffer.alloc(124, 42)])),
    [],
    BAD,
  ),
]

// --- close (5.5.1, 7.4) --------------------------------------------------------------------------

const VALID = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014],
  ...[3000, 3001, 3999, 4000, 4001, 4999],
]
const INVALID = [
  ...[0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999],
  ...[5000, 9999, 65_535],
]

const closes: readonly Case[] = [
  ...VALID.map((code) => row(`close code ${code}`, close(code), [], { closed: code, reason: '' })),
  ...VALID.map((code) =>
    row(`close code ${code}, a reason`, close(code, 'bye'), [], { closed: code, reason: 'bye' }),
  ),
  ...INVALID.map((code) => row(`close code ${code}`, close(code), [], BAD)),
  row('a close without a code', close(), [], { closed: 1005, reason: '' }),
  row('half a close code', frame(CLOSE, hex('03')), [], BAD),
  row('a reason of 123 bytes', close(1000, '*'.repeat(123)), [], {
    closed: 1000,
    reason: '*'.repeat(123),
  }),
  row('a reason of 124 bytes', close(1000, '*'.repeat(124)), [], BAD),
  row('a reason in UTF-8', close(1000, 'κόσμε 😀'), [], { closed: 1000, reason: 'κόσμε 😀' }),
  row('a reason that is no UTF-8', close(1000, hex('cebaff')), [], NO_TEXT),
  row('a reason with half a character', close(1000, hex('e282')), [], NO_TEXT),
  row('a reason with a surrogate', close(1000, hex('eda080')), [], NO_TEXT),
  row('a text behind a close', [close(1000), text('late')], [], { closed: 1000, reason: '' }),
  row('a ping behind a close', [close(1001), frame(PING)], [], { closed: 1001, reason: '' }),
  row('a second close', [close(4000), close(4001)], [], { closed: 4000, reason: '' }),
  row('nonsense behind a close', [close(1000), hex('ffffffff')], [], { closed: 1000, reason: '' }),
  row('a text before a close', [text('a'), close(1000)], ['a'], { closed: 1000, reason: '' }),
  row('256 KiB behind a close', [close(1000), Buffer.alloc(262_144)], [], {
    closed: 1000,
    reason: '',
  }),
]

// --- UTF-8 (8.1) ---------------------------------------------------------------------------------

/** First and last of each length, of what must not be, and what lies around. */
const UTF8: Readonly<Record<string, boolean>> = {
  '': true,
  '00': true,
  '7f': true,
  c280: true,
  dfbf: true,
  e0a080: true,
  ed9fbf: true,
  ee8080: true,
  efbfbd: true,
  efbfbe: true,
  efbfbf: true,
  f0908080: true,
  f09fbfbe: true,
  f48fbfbf: true,
  cebae1bdb9cf83cebcceb5: true,
  '48656c6c6fc2b540c39fc3b6c3a4c3bcc3a0c3a1': true,
  f09f9880f09f9881: true,
  // alone: what goes on with a character, and begins of one
  '80': false,
  bf: false,
  '80bf': false,
  '80bf80': false,
  c2: false,
  df: false,
  c320: false,
  e0a0: false,
  e0: false,
  e282: false,
  e28220: false,
  ef: false,
  f0: false,
  f09f: false,
  f09f98: false,
  f09f9820: false,
  f4: false,
  f48f: false,
  f48fbf: false,
  // longer than they need be
  c080: false,
  c0af: false,
  c1bf: false,
  e08080: false,
  e09fbf: false,
  e080af: false,
  f0808080: false,
  f08fbfbf: false,
  f08080af: false,
  f8808080af: false,
  fc80808080af: false,
  // beyond the last character
  f4908080: false,
  f5808080: false,
  f7bfbfbf: false,
  f888808080: false,
  fbbfbfbfbf: false,
  fc8480808080: false,
  fdbfbfbfbfbf: false,
  fe: false,
  ff: false,
  fefeffff: false,
  // surrogates
  eda080: false,
  edadbf: false,
  edae80: false,
  edafbf: false,
  edb080: false,
  edbe80: false,
  edbfbf: false,
  eda080edb080: false,
  edafbfedbfbf: false,
  // in a text
  cebae1bdb9cf83cebcceb5eda080656469746564: false,
  cebae1bdb9cf83cebcceb5f4908080656469746564: false,
}

const textOf = (bytes: Buffer, isText: boolean): [readonly Given[], Ending] =>
  isText ? [[bytes.toString()], 'open'] : [[], NO_TEXT]

const utf8: readonly Case[] = Object.entries(UTF8).flatMap(([digits, isText]) => {
  const bytes = hex(digits)
  const around = Buffer.concat([Buffer.from('κ'), bytes, Buffer.from('ε')])
  const pieces = Array.from(around, (byte) => Buffer.of(byte))
  return [
    row(`UTF-8 ${digits}`, text(bytes), ...textOf(bytes, isText)),
    row(`UTF-8 ${digits} in a text`, text(around), ...textOf(around, isText)),
    row(
      `UTF-8 ${digits} in fragments of a byte`,
      [begin(''), ...pieces.map(more), last('')],
      ...textOf(around, isText),
    ),
  ]
})

const utf8Early: readonly Case[] = [
  row('half a character at the end of fragments', [begin('a'), last(hex('e282'))], [], NO_TEXT),
  row('a character across fragments', [begin(hex('e2')), more(hex('82')), last(hex('ac'))], ['€']),
  row(
    'a ping within a character',
    [begin(hex('e282')), frame(PING), last(hex('ac'))],
    [{ ping: '' }, '€'],
  ),
  row('no UTF-8 in the first fragment, and no last one', begin(hex('ff')), [], NO_TEXT),
  row('a surrogate that is not whole, and no last fragment', begin(hex('eda0')), [], NO_TEXT),
  row('beyond the last character, not whole', begin(hex('f490')), [], NO_TEXT),
  row('longer than it needs be, not whole', begin(hex('e080')), [], NO_TEXT),
  row('no UTF-8 at the end of a fragment', [begin(hex('cebaff')), last('a')], [], NO_TEXT),
  row('bytes need be no UTF-8', frame(BINARY, hex('ff')), [hex('ff')]),
]

// --- limits --------------------------------------------------------------------------------------

const ten = { messageBytesMax: 10 }
const limits: readonly Case[] = [
  row('a text as long as it may be', text('1234567890'), ['1234567890'], 'open', ten),
  row('a text a byte longer', text('1234567890-'), [], TOO_LARGE, ten),
  row('a text whose bytes are too many', text('éééééé'), [], TOO_LARGE, ten),
  row('the header of 1 GiB', text('', { lengthBytes: 8, length: 1 << 30 }), [], TOO_LARGE, ten),
  row(
    'fragments as long as they may be',
    [begin('12345'), last('67890')],
    ['1234567890'],
    'open',
    ten,
  ),
  row('fragments a byte longer', [begin('12345'), last('678901')], [], TOO_LARGE, ten),
  row('a fragment that is too long', begin('12345678901'), [], TOO_LARGE, ten),
  row(
    'an empty fragment at the limit',
    [begin('1234567890'), last('')],
    ['1234567890'],
    'open',
    ten,
  ),
  row('a ping longer than a message may be', frame(PING, long), [{ ping: long }], 'open', ten),
  row(
    'messages before one that is too long',
    [text('a'), text('b'), text('12345678901')],
    ['a', 'b'],
    TOO_LARGE,
    ten,
  ),
]

const cuts: readonly Case[] = [
  row('nothing', Buffer.alloc(0)),
  row('half a header', text('abc').subarray(0, 1), [], 'cut'),
  row('a header', text('abc').subarray(0, 6), [], 'cut'),
  row('half a mask', text('abc').subarray(0, 4), [], 'cut'),
  row('half a text', text('abc').subarray(0, 8), [], 'cut'),
  row('half a ping', frame(PING, 'abc').subarray(0, 8), [], 'cut'),
  row('half a close', close(1000, 'bye').subarray(0, 8), [], 'cut'),
  row('a fragment', begin('a'), [], 'cut'),
  row('an empty fragment', begin(''), [], 'cut'),
  row('a text, and half of one', [text('a'), text('b').subarray(0, 3)], ['a'], 'cut'),
]

// --- permessage-deflate (RFC 7692, 6 and 7) ------------------------------------------------------

const packed = (bytes: string | Buffer): Buffer =>
  deflateRawSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4)

const deflates = { deflates: true } as const
const RSV1 = FIN | 0x40
const zipped = (opcode: number, bytes: Buffer): Buffer => frame(opcode, bytes, { bits: RSV1 })
const hello = packed('Hello')
const zeros = Buffer.alloc(MESSAGE_BYTES_MAX)
const cutOwn = packed('the wolf and the lamb, '.repeat(9)).subarray(0, -3)

const deflate: readonly Case[] = [
  row('a compressed text', zipped(TEXT, hello), ['Hello'], 'open', deflates),
  row(
    'a compressed text, of the RFC',
    zipped(TEXT, hex('f248cdc9c90700')),
    ['Hello'],
    'open',
    deflates,
  ),
  row(
    'a block that is not compressed',
    zipped(TEXT, hex('000500faff48656c6c6f00')),
    ['Hello'],
    'open',
    deflates,
  ),
  row('a last block', zipped(TEXT, hex('f348cdc9c9070000')), ['Hello'], 'open', deflates),
  row('two blocks', zipped(TEXT, hex('f248050000 00ffffcac9c90700')), ['Hello'], 'open', deflates),
  row('compressed bytes', zipped(BINARY, packed(hex('00ff80'))), [hex('00ff80')], 'open', deflates),
  row('an empty text, compressed', zipped(TEXT, hex('00')), [''], 'open', deflates),
  row('a compressed text of no bytes', zipped(TEXT, hex('')), [''], 'open', deflates),
  row('a compressed text that is cut', zipped(TEXT, hello.subarray(0, -1)), [], NO_TEXT, deflates),
  row('one that is cut, with its own codes', zipped(TEXT, cutOwn), [], NO_TEXT, deflates),
  row('a text that is not compressed', text('plain'), ['plain'], 'open', deflates),
  row(
    'one after the other',
    [zipped(TEXT, hello), text('a'), zipped(TEXT, hello)],
    ['Hello', 'a', 'Hello'],
    'open',
    deflates,
  ),
  row(
    'compressed in fragments',
    [frame(TEXT, hello.subarray(0, 3), { bits: 0x40 }), last(hello.subarray(3))],
    ['Hello'],
    'open',
    deflates,
  ),
  row(
    'a ping between compressed fragments',
    [frame(TEXT, hello.subarray(0, 3), { bits: 0x40 }), frame(PING), last(hello.subarray(3))],
    [{ ping: '' }, 'Hello'],
    'open',
    deflates,
  ),
  row(
    'the bit at the second fragment',
    [begin('a'), frame(0, 'b', { bits: RSV1 })],
    [],
    BAD,
    deflates,
  ),
  row(
    'the bit at all fragments',
    [
      frame(TEXT, hello.subarray(0, 3), { bits: 0x40 }),
      frame(0, hello.subarray(3), { bits: RSV1 }),
    ],
    [],
    BAD,
    deflates,
  ),
  row('the bit at a ping', frame(PING, 'x', { bits: RSV1 }), [], BAD, deflates),
  row('the bit at a close', frame(CLOSE, '', { bits: RSV1 }), [], BAD, deflates),
  row('two other bits', text('x', { bits: FIN | 0x30 }), [], BAD, deflates),
  row('all three bits', text('x', { bits: FIN | 0x70 }), [], BAD, deflates),
  row('nothing that can be inflated', zipped(TEXT, hex('ffffff')), [], NO_TEXT, deflates),
  row(
    'a text that is no UTF-8, compressed',
    zipped(TEXT, packed(hex('ff'))),
    [],
    NO_TEXT,
    deflates,
  ),
  row('half a character, compressed', zipped(TEXT, packed(hex('e282'))), [], NO_TEXT, deflates),
  row('compressed as long as it may be', zipped(BINARY, packed(zeros)), [zeros], 'open', deflates),
  row(
    'compressed a byte longer',
    zipped(BINARY, packed(Buffer.alloc(MESSAGE_BYTES_MAX + 1))),
    [],
    TOO_LARGE,
    deflates,
  ),
  row('a bomb', zipped(BINARY, packed(Buffer.alloc(20_000_000))), [], TOO_LARGE, deflates),
  row(
    'a bomb in fragments',
    [frame(TEXT, packed(Buffer.alloc(20_000_000, 42)), { bits: 0x40 }), last('')],
    [],
    TOO_LARGE,
    deflates,
  ),
]

export const CASES: readonly Case[] = [
  ...lengths,
  ...wrongLengths,
  ...masks,
  ...reserved,
  ...opcodes,
  ...fragments,
  ...control,
  ...closes,
  ...utf8,
  ...utf8Early,
  ...limits,
  ...cuts,
  ...deflate,
]
