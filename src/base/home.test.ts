import assert from 'node:assert/strict'
import { test } from 'node:test'
import { homeOf } from './home.ts'

test('homeOf() is the address without its port; of IPv6 the network of a home', () => {
  const homes = {
    '10.0.0.1:5000': '10.0.0.1',
    '10.0.0.1': '10.0.0.1',
    '[2001:db8:1:2:3:4:5:6]:80': '2001:db8:1:2::/64',
    '[2001:db8:1:2::9]:80': '2001:db8:1:2::/64',
    '2001:0db8:0001:0002:ffff::': '2001:db8:1:2::/64',
    '[2001:db8:1:3::9]:80': '2001:db8:1:3::/64',
    '[::1]:80': '0:0:0:0::/64',
    '[::ffff:10.0.0.1]:80': '10.0.0.1',
    '[fe80::1%eth0]:80': 'fe80:0:0:0::/64',
    '1::': '1:0:0:0::/64',
    '': '',
    'unix:': undefined,
    'unix:/run/x.sock': undefined,
  }
  for (const [address, home] of Object.entries(homes)) assert.equal(homeOf(address), home, address)
})
