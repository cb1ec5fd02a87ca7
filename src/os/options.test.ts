import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ERRNO } from './errno.ts'
import { NO_OPTION } from './libc.ts'
import { OPTIONS } from './options.ts'
import type { SocketOption } from './os.ts'
import { INTEREST } from './poll/poller.ts'
import {
  boundDatagram,
  bytesOf,
  connectedPair,
  eventually,
  HAS_IPV6,
  LOOPBACK_6,
  linux,
} from './rig.kit.ts'

const LINUX = process.platform === 'linux'
/** The socket that each option is tried on, and values that come back as they were set. */
const CASES: Readonly<Record<SocketOption, readonly [on: 'tcp' | 'udp' | 'udp6', ...number[]]>> = {
  noDelay: ['tcp', 1, 0],
  keepAlive: ['tcp', 1, 0],
  keepIdleSeconds: ['tcp', 1, 300],
  keepIntervalSeconds: ['tcp', 1, 30],
  keepCount: ['tcp', 1, 9],
  userTimeoutMs: ['tcp', 1500, 0],
  sendBufferBytes: ['tcp'],
  receiveBufferBytes: ['tcp'],
  receiveLowWaterBytes: ['tcp', 100, 1],
  lingerSeconds: ['tcp', 0, 3, -1],
  reuseAddress: ['udp', 1, 0],
  reusePort: ['udp', 1, 0],
  ipv6Only: ['udp6', 1, 0],
  broadcast: ['udp', 1, 0],
}

function socketFor(t: TestContext, kind: 'tcp' | 'udp' | 'udp6'): number {
  const fd = kind === 'tcp' ? linux.socket(4) : linux.datagram(kind === 'udp' ? 4 : 6)
  assert.ok(fd >= 0)
  t.after(() => linux.close(fd))
  return fd
}

for (const [name, [kind, ...values]] of Object.entries(CASES) as [
  SocketOption,
  (typeof CASES)[SocketOption],
][]) {
  const isThere = OPTIONS[name].name !== NO_OPTION && (kind !== 'udp6' || HAS_IPV6)
  test(`getOption() of ${name} is what setOption() set`, { skip: !isThere }, (t) => {
    const fd = socketFor(t, kind)
    for (const value of values) {
      assert.equal(linux.setOption(fd, name, value), 0)
      assert.equal(linux.getOption(fd, name), value)
    }
  })
}

test('getOption() of an option that is off is 0, and of lingerSeconds -1', (t) => {
  const fd = socketFor(t, 'tcp')
  assert.equal(linux.getOption(fd, 'noDelay'), 0)
  assert.equal(linux.getOption(fd, 'reuseAddress'), 0)
  assert.equal(linux.getOption(fd, 'lingerSeconds'), -1)
})

test('setOption() of a buffer makes it at least as large', (t) => {
  const fd = socketFor(t, 'tcp')
  for (const name of ['sendBufferBytes', 'receiveBufferBytes'] as const) {
    assert.equal(linux.setOption(fd, name, 20_000), 0)
    const small = linux.getOption(fd, name)
    assert.ok(small >= 20_000, `${small} bytes`)
    linux.setOption(fd, name, 60_000)
    assert.ok(linux.getOption(fd, name) > small)
  }
})

test('setOption() and getOption() return why the kernel refused', (t) => {
  const udp = socketFor(t, 'udp')
  const unknown = linux.setOption(udp, 'noDelay', 1)
  assert.ok(unknown === -ERRNO.EOPNOTSUPP || unknown === -ERRNO.ENOPROTOOPT)
  for (const name of Object.keys(OPTIONS) as SocketOption[]) {
    const expected = OPTIONS[name].name === NO_OPTION ? -ERRNO.ENOPROTOOPT : -ERRNO.EBADF
    assert.equal(linux.setOption(-1, name, 1), expected)
    assert.equal(linux.getOption(-1, name), expected)
  }
})

test('lingerSeconds 0 makes close() a reset', (t) => {
  const { client, server, closeServer } = connectedPair(t, linux)
  linux.setOption(server, 'lingerSeconds', 0)
  closeServer()
  const region = linux.region(new SharedArrayBuffer(8))
  assert.equal(
    eventually(() => linux.read(client, region, 0, 8)),
    -ERRNO.ECONNRESET,
  )
})

test('receiveLowWaterBytes keeps a socket unreadable until enough is there', {
  skip: !LINUX,
}, (t) => {
  const { client, server } = connectedPair(t, linux)
  const poller = linux.createPoller()
  t.after(() => poller.close())
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  assert.equal(linux.setOption(server, 'receiveLowWaterBytes', 4), 0)
  poller.add(server, 1, INTEREST.read)
  linux.write(client, bytesOf('abc'), 0, 3)
  assert.equal(poller.wait(tags, ready, 20), 0)
  linux.write(client, bytesOf('d'), 0, 1)
  assert.equal(poller.wait(tags, ready, 2000), 1)
})

test('reuseAddress lets two datagram sockets have one port', { skip: !LINUX }, (t) => {
  const first = socketFor(t, 'udp')
  const second = socketFor(t, 'udp')
  for (const fd of [first, second]) linux.setOption(fd, 'reuseAddress', 1)
  linux.bindDatagram(first, { family: 4, host: '127.0.0.1', port: 0 })
  const address = linux.localAddress(first)!
  assert.ok(address.family === 4)
  assert.equal(linux.bindDatagram(second, address), 0)

  const { address: taken } = boundDatagram(t, linux)
  const third = socketFor(t, 'udp')
  assert.equal(linux.bindDatagram(third, taken), -ERRNO.EADDRINUSE)
})

test('ipv6Only off gives a datagram socket IPv4 as well', { skip: !HAS_IPV6 || !LINUX }, (t) => {
  const fd = socketFor(t, 'udp6')
  assert.equal(linux.setOption(fd, 'ipv6Only', 0), 0)
  assert.equal(linux.bindDatagram(fd, { ...LOOPBACK_6, host: '::' }), 0)
  assert.equal(linux.getOption(fd, 'ipv6Only'), 0)
})
