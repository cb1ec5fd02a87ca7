import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ipGroups, ipRead, ipText, isMapped } from './ip.ts'

const CASES: Readonly<Record<string, string | undefined>> = {
  '1.2.3.4': '1.2.3.4',
  '::ffff:1.2.3.4': '1.2.3.4',
  '::ffff:102:304': '1.2.3.4',
  '::': '::',
  '2001:DB8::0:1': '2001:db8::1',
  '1:0:0:2:0:0:0:3': '1:0:0:2::3',
  'fe80::1%eth0': 'fe80::1',
  '1.2.3': undefined,
  '1.2.3.256': undefined,
  '01.2.3.4': undefined,
  localhost: undefined,
  '[::1]': undefined,
  '': undefined,
}

test('ipGroups() and ipText() make one text of every address', () => {
  for (const [text, canonical] of Object.entries(CASES)) {
    const groups = ipGroups(text)
    assert.equal(groups && ipText(groups), canonical, text)
    if (groups === undefined) continue
    const bytes = Buffer.alloc(17)
    for (const [i, group] of groups.entries()) bytes.writeUInt16BE(group, 1 + 2 * i)
    assert.deepEqual(ipRead(bytes, 1), groups)
  }
})

test('isMapped() is for IPv4 alone', () => {
  assert.equal(isMapped(ipGroups('10.0.0.1')!), true)
  assert.equal(isMapped(ipGroups('::ffff:10.0.0.1')!), true)
  assert.equal(isMapped(ipGroups('1::ffff:10.0.0.1')!), false)
  assert.equal(isMapped(ipGroups('::10.0.0.1')!), false)
})
