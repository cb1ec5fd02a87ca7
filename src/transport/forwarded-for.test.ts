import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forwardedFor } from './forwarded-for.ts'
import { TrustedProxies } from './trust.ts'

const trust = new TrustedProxies(['10.0.0.0/8', 'fd00::/8', 'unix'])
const PROXY = '10.0.0.1:4711'

/** Row: the header. Then: who it is, when the peer is a proxy. */
const LISTS: Readonly<Record<string, string>> = {
  '198.51.100.7': '198.51.100.7:0',
  '198.51.100.7:80': '198.51.100.7:80',
  ' 198.51.100.7 ': '198.51.100.7:0',
  '2001:DB8::1': '[2001:db8::1]:0',
  '[2001:db8::1]': '[2001:db8::1]:0',
  '[2001:db8::1]:80': '[2001:db8::1]:80',
  '::ffff:198.51.100.7': '198.51.100.7:0',
  '1.1.1.1, 198.51.100.7': '198.51.100.7:0',
  '1.1.1.1,198.51.100.7, 10.0.0.2,fd00::2': '198.51.100.7:0',
  '10.0.0.3, 10.0.0.2': '10.0.0.3:0',
  'nonsense, 198.51.100.7': '198.51.100.7:0',
  '1.1.1.1, nonsense': PROXY,
  '1.1.1.1, nonsense, 10.0.0.2': '10.0.0.2:0',
  '1.1.1.1,, 10.0.0.2': '10.0.0.2:0',
  ',10.0.0.2': '10.0.0.2:0',
  '1.1.1.1,': PROXY,
  '': PROXY,
  ',': PROXY,
  '1.1.1.1:99999': PROXY,
  '[1.1.1.1': PROXY,
  'unix:/x': PROXY,
}

for (const [list, client] of Object.entries(LISTS)) {
  test(`forwardedFor() of '${list}'`, () => {
    assert.equal(forwardedFor({ 'x-forwarded-for': list }, PROXY, trust), client)
    // Headers that came more than once.
    const lists = list.split(',')
    assert.equal(forwardedFor({ 'x-forwarded-for': lists }, PROXY, trust), client)
  })
}

// Proves: docs/proxy.md#forwarded-for
test('forwardedFor() refuses what is no list of proxies, no headers or no address', () => {
  const wrong = (args: readonly unknown[], name: RegExp): void =>
    assert.throws(() => Reflect.apply(forwardedFor, undefined, args), name)
  wrong([{}, PROXY, ['10.0.0.0/8']], /'trust' must be a TrustedProxies: current value is/)
  wrong([{}, PROXY], /'trust' must be a TrustedProxies: current value is undefined/)
  wrong([undefined, PROXY, trust], /'headers' must be an object/)
  wrong([{}, undefined, trust], /'peer' must be a string/)
})

test('forwardedFor() believes nobody who is not trusted', () => {
  const headers = { 'x-forwarded-for': '10.0.0.9' }
  assert.equal(forwardedFor(headers, '198.51.100.7:80', trust), '198.51.100.7:80')
  assert.equal(forwardedFor(headers, PROXY, new TrustedProxies([])), PROXY)
})

test('forwardedFor() without the header is the peer', () => {
  assert.equal(forwardedFor({}, PROXY, trust), PROXY)
})

test('forwardedFor() looks at no more of a long list than it has to', () => {
  const headers = { 'x-forwarded-for': `${'1.1.1.1,'.repeat(1_000_000)}198.51.100.7,10.0.0.2` }
  assert.equal(forwardedFor(headers, 'unix:', trust), '198.51.100.7:0')
})
