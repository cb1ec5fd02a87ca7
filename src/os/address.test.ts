import assert from 'node:assert/strict'
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatAddress,
  hostOf,
  portOf,
  readSockaddr,
  SOCKADDR_BYTES,
  SOCKADDR_BYTES_MAX,
  socketAddress,
  UNIX_PATH_BYTES_MAX,
  unixAddress,
  writeSockaddr,
} from './address.ts'
import type { AnyAddress } from './os.ts'

const anyPort = fc.integer({ min: 0, max: 65_535 })

function throughBytes(address: AnyAddress): AnyAddress | undefined {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX).fill(0xff)
  writeSockaddr(bytes, address)
  return readSockaddr(bytes)
}

function canonical(text: string): string | undefined {
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
  for (const [text, host] of cases) assert.equal(canonical(text), host, text)
})

test('a zone is the number of an interface, by name or as it is', () => {
  assert.equal(canonical('fe80::0:1%7'), 'fe80::1%7')
  assert.equal(canonical('::1%0'), '::1')
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const each of addresses!) {
      if (each.family !== 'IPv6' || each.scopeid === 0) continue
      assert.equal(canonical(`fe80::1%${name}`), `fe80::1%${each.scopeid}`)
    }
  }
})

test('a zone survives the sockaddr', () => {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX).fill(255)
  const address = { family: 6, host: 'fe80::1:2%4000000', port: 80 } as const
  assert.equal(writeSockaddr(bytes, address), SOCKADDR_BYTES.ipv6)
  assert.deepEqual(readSockaddr(bytes), address)
})

test('socketAddress() is undefined for a name and for a zone without an interface', () => {
  for (const text of ['', 'localhost', '1.2.3', '1.2.3.256', '::1::', 'fe80::1%no', '[::1]']) {
    assert.equal(canonical(text), undefined, text)
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

test('unixAddress() refuses a path that the kernel would cut', () => {
  for (const path of ['', 'a\0b', '\0a\0', 'x'.repeat(UNIX_PATH_BYTES_MAX + 1), 'ä'.repeat(60)]) {
    assert.throws(() => unixAddress(path), RangeError)
    assert.equal(writeSockaddr(new Uint8Array(SOCKADDR_BYTES_MAX), { family: 'unix', path }), 0)
  }
  const longest = 'x'.repeat(UNIX_PATH_BYTES_MAX)
  assert.deepEqual(unixAddress(longest), { family: 'unix', path: longest })
})

test('formatAddress(), hostOf() and portOf() of a Unix address', () => {
  const file = unixAddress('/run/a.sock')
  assert.equal(formatAddress(file), 'unix:/run/a.sock')
  assert.equal(formatAddress(unixAddress('\0name')), 'unix:@name')
  assert.equal(formatAddress({ family: 'unix', path: '' }), 'unix:')
  assert.equal(hostOf(file), 'unix:/run/a.sock')
  assert.equal(portOf(file), 0)
  assert.equal(hostOf({ family: 6, host: '::1', port: 80 }), '::1')
  assert.equal(portOf({ family: 6, host: '::1', port: 80 }), 80)
  assert.equal(hostOf(undefined), '')
  assert.equal(portOf(undefined), 0)
})

test('writeSockaddr() of a Unix address has the layout of Linux', {
  skip: process.platform !== 'linux',
}, () => {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX).fill(0xff)
  assert.equal(writeSockaddr(bytes, unixAddress('/a')), 5)
  assert.deepEqual([...bytes.subarray(2, 6)], [0x2f, 0x61, 0, 0])
  assert.equal(new Uint16Array(bytes.buffer, 0, 1)[0], 1)
  assert.equal(writeSockaddr(bytes, unixAddress('\0a')), 4)
})

test('readSockaddr() gives back what writeSockaddr() got, for every Unix address', () => {
  const text = fc
    .string({ unit: 'grapheme', maxLength: 50 })
    .map((each) => each.replaceAll('\0', ''))
  fc.assert(
    fc.property(text, fc.boolean(), (name, isAbstract) => {
      const path = isAbstract ? `\0${name}` : `/${name}`
      fc.pre(Buffer.byteLength(path) <= UNIX_PATH_BYTES_MAX)
      const bytes = new Uint8Array(SOCKADDR_BYTES_MAX).fill(0xff)
      const length = writeSockaddr(bytes, unixAddress(path))
      assert.deepEqual(readSockaddr(bytes, length), { family: 'unix', path })
    }),
  )
})

test('readSockaddr() of a Unix socket without a name has no path', () => {
  const bytes = new Uint8Array(SOCKADDR_BYTES_MAX)
  writeSockaddr(bytes, unixAddress('/a'))
  assert.deepEqual(readSockaddr(bytes, 2), { family: 'unix', path: '' })
})
