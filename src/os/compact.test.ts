import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { socketAddress, writeSockaddr } from './address.ts'
import {
  COMPACT_TYPE,
  compactAddress,
  compactLength,
  expandAddress,
  readCompact,
  writeCompact,
} from './compact.ts'
import type { SocketAddress } from './os.ts'

const anyPort = fc.integer({ min: 0, max: 65_535 })
const anyAddress: fc.Arbitrary<SocketAddress> = fc.oneof(
  fc.tuple(fc.ipV4(), anyPort).map(([host, port]) => socketAddress(host, port)!),
  fc.tuple(fc.ipV6().filter(isIPv6), anyPort).map(([text, port]) => socketAddress(text, port)!),
)

test('compactAddress() has the bytes of Skynet', () => {
  const four = compactAddress({ family: 4, host: '1.2.3.4', port: 0x1234 })
  assert.deepEqual([...four], [1, 0x12, 0x34, 1, 2, 3, 4])
  const six = compactAddress({ family: 6, host: '1::ff', port: 1 })
  assert.deepEqual([...six], [2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff])
})

test('compactAddress() for a socket of IPv6 maps IPv4, and expandAddress() undoes it', () => {
  const address: SocketAddress = { family: 4, host: '1.2.3.4', port: 80 }
  const mapped = compactAddress(address, 6)
  assert.deepEqual([...mapped], [2, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4])
  assert.deepEqual(expandAddress(mapped), address)
  assert.deepEqual(compactAddress(address, 4), compactAddress(address))
})

// Proves: docs/semantics.md#datagram-from
test('a zone has a type of its own, with the number of the interface behind the address', () => {
  for (const zone of [1, 2, 300, 0x7fffffff]) {
    const address = { family: 6, host: `fe80::1%${zone}`, port: 5 } as const
    const bytes = compactAddress(address)
    assert.deepEqual([bytes.length, bytes[0]], [23, COMPACT_TYPE.zone])
    assert.equal(Buffer.from(bytes).readUInt32BE(19), zone)
    assert.deepEqual(expandAddress(bytes), address)
    assert.equal(expandAddress(bytes.subarray(0, 22)), undefined)
    const sockaddr = Buffer.alloc(40, 0xee)
    assert.equal(readCompact(bytes, 0, sockaddr, 5), 28)
    assert.equal(sockaddr[33], 0xee)
    const back = new Uint8Array(30)
    assert.equal(writeCompact(sockaddr, 5, back, 2), 23)
    assert.deepEqual(back.slice(2, 25), bytes)
  }
})

test('expandAddress() gives back what compactAddress() got', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      const bytes = compactAddress(address)
      assert.equal(bytes.length, compactLength(bytes, 0))
      assert.deepEqual(expandAddress(bytes), address)
    }),
  )
})

test('expandAddress() and compactLength() know what is no address', () => {
  for (const bytes of [[], [0], [3], [1, 0, 80, 1, 2, 3], [2, ...new Array(17).fill(0)]]) {
    assert.equal(expandAddress(Uint8Array.from(bytes)), undefined, String(bytes))
  }
  assert.equal(compactLength(Uint8Array.of(9, 0), 0), 0)
  assert.equal(compactLength(Uint8Array.of(9, 0), 1), 1)
})

test('readCompact() and writeCompact() work anywhere in memory and stay in their place', () => {
  fc.assert(
    fc.property(anyAddress, fc.nat(40), fc.nat(40), (address, from, to) => {
      const compact = new Uint8Array(64).fill(0xee)
      compact.set(compactAddress(address), from)
      const sockaddr = new Uint8Array(80).fill(0xee)
      const length = readCompact(compact, from, sockaddr, to)
      const expected = new Uint8Array(80).fill(0xee)
      const alone = new Uint8Array(28)
      assert.equal(length, writeSockaddr(alone, address))
      expected.set(alone.subarray(0, length), to)
      assert.deepEqual(sockaddr, expected)

      const back = new Uint8Array(64).fill(0xee)
      assert.equal(writeCompact(sockaddr, to, back, from), compactLength(compact, from))
      assert.deepEqual(back, compact)
    }),
  )
})

test('readCompact() is 0 for type none and -1 for no address, and writes nothing', () => {
  const sockaddr = new Uint8Array(28).fill(0xee)
  assert.equal(readCompact(Uint8Array.of(0), 0, sockaddr, 0), 0)
  assert.equal(readCompact(Uint8Array.of(7, 0, 0, 0, 0, 0, 0), 0, sockaddr, 0), -1)
  assert.equal(readCompact(Uint8Array.of(1, 0, 0), 0, sockaddr, 0), -1)
  assert.equal(readCompact(Uint8Array.of(), 0, sockaddr, 0), -1)
  assert.deepEqual(sockaddr, new Uint8Array(28).fill(0xee))
})
