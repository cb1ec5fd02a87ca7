import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROXY_HEADER_BYTES_MAX } from '../base/limits.ts'
import { crc32c } from './crc32c.ts'
import { binary, ipv4, ipv6, SIGNATURE, tlv } from './proxy-header.kit.ts'
import { type ProxyHeader, ProxyParser } from './proxy-header.ts'

const BEHIND = Buffer.from('bytes of the client')
const BAD = { code: 'ERR_PROXY_HEADER' }

/** As a listener reads it: never more than it wants, in pieces of at most `most`. */
function parsed(bytes: Uint8Array, most = Number.POSITIVE_INFINITY): ProxyHeader {
  const stream = Buffer.concat([bytes, BEHIND])
  const parser = new ProxyParser()
  for (let at = 0; ; ) {
    const end = at + Math.min(parser.wants, most)
    assert.ok(end > at && end <= stream.length, 'it wants what there is')
    const header = parser.push(stream.subarray(at, end))
    at = end
    if (header === undefined) continue
    assert.equal(parser.wants, 0)
    assert.equal(at, bytes.length, 'it takes the header, and no byte more')
    return header
  }
}

const line = (text: string): Buffer => Buffer.from(`${text}\r\n`)
const V4 = ipv4('198.51.100.7', 56_324, '192.0.2.1', 443)
const V6 = ipv6('2001:db8::7', 56_324, '::ffff:192.0.2.1', 443)
const UNIX = Buffer.alloc(216)
UNIX.write('/run/client.sock')
UNIX.write('\0name', 108)
const CLIENT = { source: '198.51.100.7:56324', destination: '192.0.2.1:443', tlvs: [] }
const NOBODY = { source: undefined, destination: undefined, tlvs: [] }

const HEADERS: Readonly<Record<string, readonly [Buffer, ProxyHeader]>> = {
  'version 1, IPv4': [
    line('PROXY TCP4 198.51.100.7 192.0.2.1 56324 443'),
    { version: 1, ...CLIENT },
  ],
  'version 1, IPv6': [
    line('PROXY TCP6 2001:DB8:0::7 ::1 0 65535'),
    { version: 1, source: '[2001:db8::7]:0', destination: '[::1]:65535', tlvs: [] },
  ],
  'version 1, the shortest': [line('PROXY UNKNOWN'), { version: 1, ...NOBODY }],
  'version 1, the longest': [
    line(`PROXY UNKNOWN ${'f'.repeat(39)} ${'f'.repeat(39)} 65535 65535`.padEnd(105, ' ')),
    { version: 1, ...NOBODY },
  ],
  'version 2, IPv4': [binary(0x11, V4), { version: 2, ...CLIENT }],
  'version 2, IPv4, datagrams': [binary(0x12, V4), { version: 2, ...CLIENT }],
  'version 2, IPv6': [
    binary(0x21, V6),
    { version: 2, source: '[2001:db8::7]:56324', destination: '192.0.2.1:443', tlvs: [] },
  ],
  'version 2, Unix': [
    binary(0x31, UNIX),
    { version: 2, source: 'unix:/run/client.sock', destination: 'unix:@name', tlvs: [] },
  ],
  'version 2, LOCAL': [binary(0, Buffer.alloc(0), 0x20), { version: 2, ...NOBODY }],
  'version 2, LOCAL with addresses': [binary(0x11, V4, 0x20), { version: 2, ...NOBODY }],
  'version 2, no family': [binary(0, Buffer.alloc(0)), { version: 2, ...NOBODY }],
  'version 2, TLVs': [
    binary(0x11, Buffer.concat([V4, tlv(2, 'game.test'), tlv(4, 'pad'), tlv(0xea, '')])),
    {
      version: 2,
      ...CLIENT,
      tlvs: [
        { type: 2, value: Buffer.from('game.test') },
        { type: 0xea, value: Buffer.alloc(0) },
      ],
    },
  ],
  'version 2, as long as it may be': [
    binary(0, tlv(1, Buffer.alloc(PROXY_HEADER_BYTES_MAX - 19))),
    {
      version: 2,
      ...NOBODY,
      tlvs: [{ type: 1, value: Buffer.alloc(PROXY_HEADER_BYTES_MAX - 19) }],
    },
  ],
}

for (const [name, [bytes, header]] of Object.entries(HEADERS)) {
  test(`ProxyParser takes ${name}, and no byte behind it, in any pieces`, () => {
    for (const most of [Number.POSITIVE_INFINITY, 1, 2, 3, 7, 16]) {
      assert.deepEqual(parsed(bytes, most), header)
    }
  })
}

const WRONG: Readonly<Record<string, Buffer | string>> = {
  'another protocol': 'GET / HTTP/1.1\r\n',
  'a begin alone': 'PROXIES TCP4 1.1\r\n',
  'another family': 'PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n',
  'a family in small letters': 'PROXY tcp4 1.1.1.1 1.1.1.1 1 1\r\n',
  'a family of every object': 'PROXY constructor 1.1.1.1 1.1.1.1 1 1\r\n',
  'IPv6 that says it is IPv4': 'PROXY TCP4 ::1 ::1 1 1\r\n',
  'IPv4 that says it is IPv6': 'PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n',
  'a name': 'PROXY TCP4 localhost 1.1.1.1 1 1\r\n',
  'a zone': 'PROXY TCP6 fe80::1%1 ::1 1 1\r\n',
  'a port too high': 'PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n',
  'a port below none': 'PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n',
  'a port with a zero in front': 'PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n',
  'a word too few': 'PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n',
  'a word too many': 'PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n',
  'two blanks': 'PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n',
  'an end without CR': 'PROXY TCP4 1.1.1.1 1.1.1.1 1 1\nxx\r\n',
  'no end': `PROXY UNKNOWN ${'x'.repeat(200)}`,
  'an end one byte late': `${'PROXY UNKNOWN'.padEnd(106)}\r\n`,
  'the same behind a CR alone': `${'PROXY UNKNOWN 12\r'.padEnd(106)}\r\n`,
  'a broken signature': Buffer.from([...SIGNATURE.subarray(0, 11), 11, 0x21, 0, 0, 0]),
  'version 3': binary(0x11, V4, 0x31),
  'another command': binary(0x11, V4, 0x22),
  'another binary family': binary(0x41, V4),
  'another transport': binary(0x13, V4),
  'addresses that are cut': binary(0x11, V4.subarray(1)),
  'addresses of IPv6 that are cut': binary(0x21, V4),
  'a TLV without a length': binary(0x11, Buffer.concat([V4, Buffer.from([1, 0])])),
  'a TLV that is cut': binary(0x11, Buffer.concat([V4, Buffer.from([1, 0, 2, 7])])),
  'one byte too many': binary(0, Buffer.alloc(PROXY_HEADER_BYTES_MAX - 15)),
  'a checksum of three bytes': binary(0x11, Buffer.concat([V4, tlv(3, 'abc')])),
}

for (const [name, bytes] of Object.entries(WRONG)) {
  test(`ProxyParser refuses ${name}`, () => {
    for (const most of [Number.POSITIVE_INFINITY, 1]) {
      assert.throws(() => parsed(Buffer.from(bytes as string), most), BAD)
    }
  })
}

// Proves: docs/limits.md#proxy-header
test('ProxyParser refuses a length that is too much before it has come', () => {
  const parser = new ProxyParser()
  parser.push(Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 2])]))
  assert.throws(() => parser.push(Buffer.from([9])), BAD)
})

test('ProxyParser checks the checksum that is there', () => {
  const plain = binary(0x11, Buffer.concat([V4, tlv(3, Buffer.alloc(4)), tlv(2, 'x')]))
  const summed = Buffer.from(plain)
  summed.writeUInt32BE(crc32c(plain), 16 + 12 + 3)
  assert.deepEqual(parsed(summed).tlvs, [{ type: 2, value: Buffer.from('x') }])
  for (const at of [17, 16 + 12 + 3, summed.length - 1]) {
    const spoiled = Buffer.from(summed)
    spoiled[at]! ^= 1
    assert.throws(() => parsed(spoiled), BAD)
  }
})
