import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UdpAddress } from './udp-address.ts'

test('T24 UdpAddress has the 7 or 19 bytes that Skynet has: type, port, address', () => {
  const four = UdpAddress.of('127.0.0.1', 0x1234)
  assert.deepEqual([...four.bytes], [1, 0x12, 0x34, 127, 0, 0, 1])
  assert.deepEqual([four.host, four.port, four.family], ['127.0.0.1', 0x1234, 4])
  const six = UdpAddress.of('::1', 65_535)
  assert.deepEqual([...six.bytes], [2, 0xff, 0xff, ...new Array<number>(15).fill(0), 1])
  assert.deepEqual([six.host, six.port, six.family], ['::1', 65_535, 6])
})

test('UdpAddress as text is good as a key', () => {
  assert.equal(`${UdpAddress.of('127.0.0.1', 53)}`, '127.0.0.1:53')
  assert.equal(`${UdpAddress.of('0:0::1', 53)}`, '[::1]:53')
})

test('UdpAddress.fromBytes takes what bytes gave, and a copy of it', () => {
  for (const host of ['10.1.2.3', 'fe80::1']) {
    const address = UdpAddress.of(host, 7)
    const bytes = Uint8Array.from(address.bytes)
    const copy = UdpAddress.fromBytes(bytes)
    assert.equal(copy.equals(address), true)
    bytes.fill(0)
    assert.equal(`${copy}`, `${address}`)
    assert.equal(copy.equals(UdpAddress.of(host, 8)), false)
  }
})

test('UdpAddress shows an IPv4 peer of an IPv6 socket as IPv4', () => {
  const mapped = UdpAddress.received(
    Uint8Array.of(2, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1),
  )
  assert.deepEqual([mapped.host, mapped.port, mapped.family], ['10.0.0.1', 9, 4])
  assert.equal(`${mapped}`, '10.0.0.1:9')
})

test('UdpAddress refuses what is none, by name', () => {
  const bad = (value: unknown) => value as never
  for (const host of ['', 5, null, undefined]) {
    const refused = { name: 'TypeError', message: /'host' must be a string/ }
    assert.throws(() => UdpAddress.of(bad(host), 1), refused)
  }
  for (const host of ['localhost', '1.2.3', '1.2.3.4.5', '::g', '[::1]']) {
    assert.throws(() => UdpAddress.of(host, 1), {
      name: 'TypeError',
      message: /'host' must be an IP/,
    })
  }
  for (const port of [0, -1, 65_536, 1.5, '53', undefined]) {
    const name = typeof port === 'number' ? 'RangeError' : 'TypeError'
    assert.throws(() => UdpAddress.of('::1', bad(port)), { name, message: /'port'/ })
  }
  const { bytes } = UdpAddress.of('127.0.0.1', 1)
  const lists = [
    [],
    [...bytes, 0],
    [0],
    [1],
    [3, ...bytes.subarray(1)],
    [...bytes.subarray(0, 6)],
    [2, ...bytes],
  ]
  for (const list of lists) {
    assert.throws(() => UdpAddress.fromBytes(Uint8Array.from(list)), { name: 'TypeError' })
  }
  for (const value of [null, 'x', 5, undefined]) {
    const refused = { name: 'TypeError', message: /'bytes' must be/ }
    assert.throws(() => UdpAddress.fromBytes(bad(value)), refused, String(value))
  }
})
