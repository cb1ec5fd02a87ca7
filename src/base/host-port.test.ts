import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostPortText, isLoopbackHost, readHostPort } from './host-port.ts'

test('readHostPort() reads what hostPortText() writes, and nothing else', () => {
  for (const text of ['127.0.0.1:0', 'game.example:65535', '[::1]:7001', '[fe80::1%eth0]:1']) {
    assert.equal(hostPortText(readHostPort(text)!), text)
  }
  assert.deepEqual(readHostPort('[::1]:7001'), { host: '::1', port: 7001 })
  const none = ['', 'host', ':1', 'host:', 'host:65536', 'host:-1', 'host:1 ', ' host:1', 'a b:1']
  const more = ['::1:7001', '[not ipv6]:5', '[1.2.3.4]:5', '[]:5', 'x\0y:1', 'host:1\n', '[::1]']
  for (const text of [...none, ...more]) assert.equal(readHostPort(text), undefined, text)
  assert.equal(readHostPort('host:0', 1), undefined)
  assert.deepEqual(readHostPort('host:1', 1), { host: 'host', port: 1 })
})

test('isLoopbackHost() is true of this machine alone', () => {
  const own = ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST']
  for (const host of own) assert.equal(isLoopbackHost(host), true, host)
  const others = ['127.1.evil.org', '127.0.0.1.example.com', '127.0.0.256', '127.0', '0.0.0.0']
  for (const host of [...others, '::', '10.0.0.1', 'localhost.evil.org', '']) {
    assert.equal(isLoopbackHost(host), false, host)
  }
})
