import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { COMPACT_BYTES_MAX, compactAddress, compactLength, expandAddress } from './compact.ts'
import { ERRNO } from './errno.ts'
import { C } from './libc.ts'
import type { Os, SocketAddress } from './os.ts'
import { INTEREST } from './poll/poller.ts'
import { PosixOs } from './posix.ts'
import {
  boundDatagram,
  bytesOf,
  connectedPair,
  eventually,
  HAS_IPV6,
  inThread,
  LOOPBACK,
  LOOPBACK_6,
  libc,
  linux,
  systems,
} from './rig.kit.ts'

const LINUX = process.platform === 'linux'
const NOWHERE = new Uint8Array(0)

function regionOf(os: Os, length: number) {
  return os.region(new SharedArrayBuffer(length))
}

/** One datagram as text, and who sent it. */
function receive(os: Os, fd: number, length = 100): [string, SocketAddress | undefined] {
  const region = regionOf(os, length + COMPACT_BYTES_MAX)
  const count = eventually(() => os.receiveFrom(fd, region, 0, length))
  assert.ok(count >= 0, os.errorText(count))
  return [region.bytes.toString('latin1', 0, count), expandAddress(region.bytes.subarray(count))]
}

function send(os: Os, fd: number, text: string, to?: SocketAddress): number {
  const bytes = bytesOf(text)
  return os.sendTo(fd, bytes, 0, bytes.length, to === undefined ? NOWHERE : compactAddress(to))
}

for (const [name, os] of systems) {
  for (const [family, loopback] of [[4, LOOPBACK] as const, [6, LOOPBACK_6] as const]) {
    test(`sendTo() and receiveFrom() on ${name} over IPv${family} say who sent`, {
      skip: family === 6 && !HAS_IPV6,
    }, (t) => {
      const server = boundDatagram(t, os, loopback)
      const client = boundDatagram(t, os, loopback)
      assert.equal(send(os, client.fd, 'ping', server.address), 4)
      assert.deepEqual(receive(os, server.fd), ['ping', client.address])
      assert.equal(send(os, server.fd, 'pong', client.address), 4)
      assert.deepEqual(receive(os, client.fd), ['pong', server.address])
    })
  }

  test(`datagram() on ${name} is non-blocking and close-on-exec`, (t) => {
    const fd = os.datagram(4)
    t.after(() => os.close(fd))
    assert.ok(libc.fcntl(fd, C.F_GETFL) & C.O_NONBLOCK)
    assert.ok(libc.fcntl(fd, C.F_GETFD) & C.FD_CLOEXEC)
    assert.equal(os.receiveFrom(fd, regionOf(os, 64), 0, 8), -ERRNO.EAGAIN)
  })
}

test('sendTo() from a socket that is not bound binds it', (t) => {
  const server = boundDatagram(t, linux)
  const fd = linux.datagram(4)
  t.after(() => linux.close(fd))
  send(linux, fd, 'x', server.address)
  const [, from] = receive(linux, server.fd)
  assert.equal(from?.host, '127.0.0.1')
  const local = linux.localAddress(fd)
  assert.ok(local?.family === 4 && local.port === from?.port && local.port > 0)
})

test('receiveFrom() writes at its place: datagram, address, nothing else', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  const region = regionOf(linux, 64)
  region.bytes.fill(0xee)
  send(linux, client.fd, 'abc', server.address)
  assert.equal(
    eventually(() => linux.receiveFrom(server.fd, region, 5, 10)),
    3,
  )
  const expected = Buffer.alloc(64, 0xee)
  expected.write('abc', 5)
  expected.set(compactAddress(client.address), 8)
  assert.deepEqual(region.bytes, expected)
})

test('receiveFrom() and receiveBatch() know no sender where the kernel names none', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  const stream = connectedPair(t, linux)
  const batch = linux.createBatch(1, 8)
  for (const receiveOne of [
    (fd: number) => linux.receiveFrom(fd, batch.region, 0, 1),
    (fd: number) => (linux.receiveBatch(fd, batch) === 1 ? batch.lengths[0]! : -ERRNO.EAGAIN),
  ]) {
    // What the one before left behind must not be taken for the sender.
    send(linux, client.fd, 'x', server.address)
    assert.equal(
      eventually(() => receiveOne(server.fd)),
      1,
    )
    assert.equal(batch.region.bytes[1], 1)
    linux.write(stream.client, bytesOf('y'), 0, 1)
    assert.equal(
      eventually(() => receiveOne(stream.server)),
      1,
    )
    assert.equal(batch.region.bytes.toString('latin1', 0, 2), 'y\0')
  }
})

test('receiveFrom() takes an empty datagram as 0, and cuts one that is too long', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  send(linux, client.fd, '', server.address)
  assert.deepEqual(receive(linux, server.fd), ['', client.address])
  send(linux, client.fd, 'abcdef', server.address)
  send(linux, client.fd, 'next', server.address)
  assert.deepEqual(receive(linux, server.fd, 3), ['abc', client.address])
  assert.deepEqual(receive(linux, server.fd, 4), ['next', client.address])
})

test('receiveFrom() and sendTo() refuse a range beyond the memory', (t) => {
  const { fd, address } = boundDatagram(t, linux)
  const region = regionOf(linux, 64)
  const to = compactAddress(address)
  assert.throws(() => linux.receiveFrom(fd, region, 0, 64 - COMPACT_BYTES_MAX + 1), RangeError)
  assert.throws(() => linux.receiveFrom(fd, region, -1, 8), RangeError)
  assert.throws(() => linux.sendTo(fd, region.bytes, 60, 5, to), RangeError)
  assert.equal(linux.receiveFrom(fd, region, 0, 64 - COMPACT_BYTES_MAX), -ERRNO.EAGAIN)
})

test('sendTo() sends a part of the memory, as large as a datagram can be', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  const bytes = new Uint8Array(70_000).map((_, i) => i)
  const to = compactAddress(server.address)
  linux.setOption(server.fd, 'receiveBufferBytes', 1 << 20)
  linux.setOption(client.fd, 'sendBufferBytes', 1 << 20)
  assert.equal(linux.sendTo(client.fd, bytes, 7, 65_507, to), 65_507)
  const region = regionOf(linux, 65_535 + COMPACT_BYTES_MAX)
  assert.equal(
    eventually(() => linux.receiveFrom(server.fd, region, 0, 65_535)),
    65_507,
  )
  assert.ok(region.bytes.subarray(0, 65_507).equals(bytes.subarray(7, 7 + 65_507)))
  assert.equal(linux.sendTo(client.fd, bytes, 0, 65_508, to), -ERRNO.EMSGSIZE)
})

test('sendTo() returns why it cannot: no address, none given, another family', (t) => {
  const { fd } = boundDatagram(t, linux)
  const one = new Uint8Array(1)
  for (const bad of [[9], [1, 0, 80], [2, ...new Array(17).fill(0)]]) {
    assert.equal(linux.sendTo(fd, one, 0, 1, Uint8Array.from(bad)), -ERRNO.EINVAL)
  }
  assert.equal(linux.sendTo(fd, one, 0, 1, NOWHERE), -ERRNO.EDESTADDRREQ)
  assert.equal(linux.sendTo(fd, one, 0, 1, Uint8Array.of(0)), -ERRNO.EDESTADDRREQ)
  const six = compactAddress({ family: 6, host: '::1', port: 9 })
  assert.ok(linux.sendTo(fd, one, 0, 1, six) < 0)
  assert.equal(linux.sendTo(-1, one, 0, 1, compactAddress(LOOPBACK)), -ERRNO.EBADF)
  assert.equal(linux.receiveFrom(-1, regionOf(linux, 64), 0, 8), -ERRNO.EBADF)
})

test('a dual datagram socket answers IPv4 by the address it was given', {
  skip: !HAS_IPV6 || !LINUX,
}, (t) => {
  const fd = linux.datagram(6)
  t.after(() => linux.close(fd))
  linux.setOption(fd, 'ipv6Only', 0)
  linux.bindDatagram(fd, { ...LOOPBACK_6, host: '::' })
  const local = linux.localAddress(fd) as SocketAddress
  const client = boundDatagram(t, linux)
  send(linux, client.fd, 'four', { ...LOOPBACK, port: local.port })

  const region = regionOf(linux, 64)
  assert.equal(
    eventually(() => linux.receiveFrom(fd, region, 0, 8)),
    4,
  )
  const from = Uint8Array.from(region.bytes.subarray(4, 4 + compactLength(region.bytes, 4)))
  assert.deepEqual(from, compactAddress(client.address, 6))
  assert.equal(linux.sendTo(fd, region.bytes, 0, 4, from), 4)
  assert.equal(receive(linux, client.fd)[0], 'four')
})

test('connectDatagram() sends without an address, and hears that peer alone', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  const stranger = boundDatagram(t, linux)
  assert.equal(linux.connectDatagram(client.fd, server.address), 0)
  assert.deepEqual(linux.peerAddress(client.fd), server.address)
  send(linux, stranger.fd, 'noise', client.address)
  assert.equal(send(linux, client.fd, 'hello'), 5)
  assert.deepEqual(receive(linux, server.fd), ['hello', client.address])
  send(linux, server.fd, 'you', client.address)
  assert.deepEqual(receive(linux, client.fd), ['you', server.address])
})

test('a connected datagram socket learns that nobody is there', { skip: !LINUX }, (t) => {
  const gone = linux.datagram(4)
  linux.bindDatagram(gone, LOOPBACK)
  const address = linux.localAddress(gone) as SocketAddress
  linux.close(gone)
  const fd = linux.datagram(4)
  t.after(() => linux.close(fd))
  linux.connectDatagram(fd, address)
  send(linux, fd, 'x')
  const region = regionOf(linux, 64)
  assert.equal(
    eventually(() => linux.receiveFrom(fd, region, 0, 8)),
    -ERRNO.ECONNREFUSED,
  )
})

test('receiveFrom() and sendTo() repeat themselves on EINTR', (t) => {
  const server = boundDatagram(t, linux)
  const client = boundDatagram(t, linux)
  let interruptions = 0
  const once = <A extends unknown[]>(call: (...args: A) => number) => {
    let isFirst = true
    return (...args: A): number => {
      if (!isFirst) return call(...args)
      isFirst = false
      interruptions++
      return -1
    }
  }
  const { recvfrom, sendto } = libc
  const errno = () => ERRNO.EINTR
  const calls = { errno, recvfrom: once(recvfrom), sendto: once(sendto) }
  const shaky = new PosixOs({ ...libc, ...calls }, 'poll')
  assert.equal(send(shaky, client.fd, 'x', server.address), 1)
  assert.deepEqual(receive(shaky, server.fd), ['x', client.address])
  assert.equal(interruptions, 2)
})

test('datagrams work from a worker thread, and wake a poller', async (t: TestContext) => {
  const server = boundDatagram(t, linux)
  const task = (os: Os, to: Uint8Array) => {
    const fd = os.datagram(4)
    const sent = os.sendTo(fd, new Uint8Array([1, 2, 3]), 0, 3, to)
    os.close(fd)
    return sent
  }
  assert.equal(await inThread(task, compactAddress(server.address)), 3)
  const poller = linux.createPoller()
  t.after(() => poller.close())
  poller.add(server.fd, 1, INTEREST.read)
  assert.equal(poller.wait(new Uint32Array(1), new Uint8Array(1), 2000), 1)
  assert.equal(receive(linux, server.fd)[0], '\x01\x02\x03')
})
