import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatAddress,
  readSockaddr,
  SOCKADDR_BYTES_MAX,
  socketAddress,
  writeSockaddr,
} from './address.ts'
import type { SocketAddress } from './os.ts'

const anyPort = fc.integer({ min: 0, max: 65_535 })

function throughBytes(address: SocketAddress): SocketAddress | undefined {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX).fill(0xff)
  writeSockaddr(bytes, address)
  return readSockaddr(bytes)
}

function hostOf(text: string): string | undefined {
  return socketAddress(text, 1)?.host
}

test('socketAddress() makes IPv6 text canonical', () => {
  const cases = [
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::0001', '2001:db8::1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::ffff:ff00:1', '255.0.0.1'],
    ['1::ffff:1.2.3.4', '1::ffff:102:304'],
    ['1.2.3.4', '1.2.3.4'],
  ] as const
  for (const [text, host] of cases) assert.equal(hostOf(text), host, text)
})

test('socketAddress() is undefined for a name and for a zone', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.256', '::1::', 'fe80::1%eth0', '[::1]']) {
    assert.equal(hostOf(text), undefined, text)
  }
})

test('socketAddress() refuses a port that is none', () => {
  for (const port of [-1, 65_536, 1.5, Number.NaN]) {
    assert.throws(() => socketAddress('::1', port), RangeError)
  }
})

test('formatAddress() puts brackets around IPv6', () => {
  assert.equal(formatAddress({ family: 4, host: '1.2.3.4', port: 80 }), '1.2.3.4:80')
  assert.equal(formatAddress({ family: 6, host: '::1', port: 80 }), '[::1]:80')
})

test('writeSockaddr() has the layout of Linux', { skip: process.platform !== 'linux' }, () => {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX)
  assert.equal(writeSockaddr(bytes, { family: 4, host: '1.2.3.4', port: 0x1234 }), 16)
  assert.equal(new Uint16Array(bytes.buffer, 0, 1)[0], 2)
  assert.deepEqual([...bytes.subarray(2, 16)], [0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])

  assert.equal(writeSockaddr(bytes, { family: 6, host: '1::ff', port: 1 }), 28)
  assert.equal(new Uint16Array(bytes.buffer, 0, 1)[0], 10)
  assert.deepEqual([...bytes.subarray(2, 10)], [0, 1, 0, 0, 0, 0, 0, 1])
  assert.equal(bytes[23], 0xff)
})

test('readSockaddr() is undefined for another family', () => {
  assert.equal(readSockaddr(new Uint8Array(SOCKADDR_BYTES_MAX)), undefined)
})

test('readSockaddr() gives back what writeSockaddr() got, for every IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV4(), anyPort, (host, port) => {
      assert.deepEqual(throughBytes({ family: 4, host, port }), { family: 4, host, port })
    }),
  )
})

test('readSockaddr() gives back what writeSockaddr() got, for every way to write IPv6', () => {
  fc.assert(
    fc.property(fc.ipV6().filter(isIPv6), anyPort, (text, port) => {
      const address = socketAddress(text, port)!
      assert.deepEqual(throughBytes(address), address)
      assert.deepEqual(socketAddress(address.host, port), address)
    }),
  )
})

test('socketAddress() agrees with the URL parser on canonical IPv6', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((value) => value.toString(16)).join(':')
      const address = socketAddress(text, 1)!
      fc.pre(address.family === 6) // the URL parser keeps mapped addresses as they are
      assert.equal(`[${address.host}]`, new URL(`http://[${text}]`).hostname)
    }),
  )
})
