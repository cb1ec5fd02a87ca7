import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TRUSTED_MAX } from '../base/limits.ts'
import { TrustedProxies } from './trust.ts'

/** Row: a range. Then: addresses in it; addresses that are not. */
const RANGES: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  '10.0.0.0/8': [
    ['10.0.0.0', '10.255.255.255:80', '::ffff:10.1.2.3', '[::ffff:10.1.2.3]:80'],
    ['11.0.0.0', '9.255.255.255:80', '::a00:1', '[1::ffff:10.1.2.3]:80', 'unix:/10.0.0.1'],
  ],
  '10.1.2.3/8': [['10.9.9.9'], ['11.1.2.3']],
  '192.0.2.1': [['192.0.2.1:1'], ['192.0.2.0', '192.0.2.2']],
  '192.0.2.130/25': [
    ['192.0.2.128', '192.0.2.255'],
    ['192.0.2.127', '192.0.3.128'],
  ],
  '0.0.0.0/0': [
    ['255.255.255.255', '0.0.0.0'],
    ['::1', '[fd00::1]:7'],
  ],
  '::ffff:10.0.0.0/104': [
    ['10.9.9.9', '::ffff:10.9.9.9'],
    ['11.0.0.0', '::1'],
  ],
  'fd00::/8': [
    ['fd00::1', '[fdff::1]:80', 'fd12::1%eth0'],
    ['fc00::1', 'fe00::1', '1.2.3.4'],
  ],
  '2001:db8::/33': [['2001:db8:7fff::1'], ['2001:db8:8000::1', '2001:db9::1']],
  '::1': [
    ['::1', '[::1]:80'],
    ['::2', '127.0.0.1'],
  ],
  '::/0': [
    ['::1', 'ffff::'],
    ['1.2.3.4', '[::ffff:1.2.3.4]:80'],
  ],
  unix: [
    ['unix:', 'unix:/run/x.sock', 'unix:@name'],
    ['127.0.0.1', '::1', 'unix', ''],
  ],
}

for (const [range, [within, without]] of Object.entries(RANGES)) {
  test(`has() for ${range}`, () => {
    const trust = new TrustedProxies(['198.51.100.7', range])
    for (const address of within) assert.equal(trust.has(address), true, address)
    for (const address of without) assert.equal(trust.has(address), false, address)
    assert.equal(trust.has('198.51.100.7:1'), true)
  })
}

test('has() of an empty list is false for everybody', () => {
  const nobody = new TrustedProxies([])
  for (const address of ['127.0.0.1', '[::1]:80', 'unix:']) assert.equal(nobody.has(address), false)
})

test('new TrustedProxies() refuses what is no range, and shows it', () => {
  const wrong = (ranges: unknown, kind: typeof TypeError | typeof RangeError): void =>
    assert.throws(() => new TrustedProxies(ranges as string[]), kind)
  for (const range of ['', 'localhost', '10.0.0', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1']) {
    wrong([range], TypeError)
  }
  for (const range of ['::1%eth0', '[::1]', '10.0.0.0/8 ', '10.0.0.0/1e1'])
    wrong([range], TypeError)
  for (const range of ['10.0.0.0/33', '::/129']) wrong([range], RangeError)
  for (const ranges of [undefined, '10.0.0.0/8', [7], [null]]) wrong(ranges, TypeError)
  assert.throws(() => new TrustedProxies(['10.0.0.0/8', 'ten']), /'trust' must be .*"ten"/)
})

test('new TrustedProxies() takes so many ranges, and no more', () => {
  const ranges = Array.from({ length: TRUSTED_MAX }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
  assert.equal(new TrustedProxies(ranges).has('10.0.3.255'), true)
  assert.throws(() => new TrustedProxies([...ranges, '::1']), RangeError)
})
