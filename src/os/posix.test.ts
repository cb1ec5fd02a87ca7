import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { openSync } from 'node:fs'
import { test } from 'node:test'
import { hostOf, portOf } from './address.ts'
import { ERRNO } from './errno.ts'
import { C } from './libc.ts'
import type { AnyAddress, Os } from './os.ts'
import { INTEREST } from './poll/poller.ts'
import { PosixOs, posixOs } from './posix.ts'
import {
  bytesOf,
  connectedPair,
  eventually,
  HAS_IPV6,
  inThread,
  LOOPBACK,
  libc,
  linux,
  listenOn,
  PATIENCE_MS,
  POSIX_URL,
  plain,
  systems,
} from './rig.kit.ts'

function assertFlags(fd: number): void {
  assert.ok(fd >= 0)
  assert.ok(libc.fcntl(fd, C.F_GETFL) & C.O_NONBLOCK, 'non-blocking')
  assert.ok(libc.fcntl(fd, C.F_GETFD) & C.FD_CLOEXEC, 'close-on-exec')
}

function optionOf(fd: number, level: number, name: number): number {
  const value = new Int32Array(1)
  const length = new Uint8Array(new Int32Array([4]).buffer)
  assert.equal(libc.getsockopt(fd, level, name, new Uint8Array(value.buffer), length), 0)
  return value[0]!
}

for (const [name, os] of systems) {
  test(`accept() on ${name} gives a connection that both ends name alike`, (t) => {
    const { listener, client, server } = connectedPair(t, os)
    assert.ok(portOf(listener.address) > 0)
    assert.deepEqual(os.peerAddress(client), listener.address)
    assert.deepEqual(os.localAddress(server), listener.address)
    assert.deepEqual(os.peerAddress(server), os.localAddress(client))
    assert.equal(os.socketError(client), 0)
    assert.equal(os.accept(listener.fd), -ERRNO.EAGAIN)
  })

  test(`descriptors of ${name} are non-blocking and close-on-exec`, (t) => {
    const { listener, client, server } = connectedPair(t, os)
    const reserve = os.reserveFd()
    t.after(() => os.close(reserve))
    for (const fd of [listener.fd, client, server, reserve]) assertFlags(fd)
  })
}

test('write() then read() moves the bytes to the place asked for', (t) => {
  const { client, server } = connectedPair(t, linux)
  const region = linux.region(new SharedArrayBuffer(64))
  assert.equal(linux.write(client, bytesOf('-hello-'), 1, 5), 5)
  assert.equal(
    eventually(() => linux.read(server, region, 10, 54)),
    5,
  )
  assert.equal(region.bytes.toString('latin1', 9, 16), '\0hello\0')
  assert.equal(linux.read(server, region, 0, 64), -ERRNO.EAGAIN)

  assert.equal(linux.write(server, region.bytes, 10, 4), 4) // shared memory
  assert.equal(
    eventually(() => linux.read(client, region, 0, 64)),
    4,
  )
  assert.equal(region.bytes.toString('latin1', 0, 4), 'hell')
})

test('read() and write() refuse a range beyond the memory', (t) => {
  const { client } = connectedPair(t, linux)
  const region = linux.region(new SharedArrayBuffer(8))
  const ranges = [
    [0, 9],
    [8, 1],
    [-1, 1],
    [0, -1],
    [Number.NaN, 1],
  ] as const
  for (const [offset, length] of ranges) {
    assert.throws(() => linux.read(client, region, offset, length), RangeError)
    assert.throws(() => linux.write(client, region.bytes, offset, length), RangeError)
  }
})

test('write() is -EAGAIN when the peer does not read', (t) => {
  const { client } = connectedPair(t, linux)
  const chunk = new Uint8Array(65_536)
  let total = 0
  let count = 0
  while (total < 1 << 28) {
    count = linux.write(client, chunk, 0, chunk.length)
    if (count < 0) break
    total += count
  }
  assert.equal(count, -ERRNO.EAGAIN)
  assert.ok(total > 0)
})

test('read() is 0 at the end of the stream, after all bytes', (t) => {
  const { client, server } = connectedPair(t, linux)
  const region = linux.region(new SharedArrayBuffer(8))
  linux.write(client, bytesOf('ab'), 0, 2)
  assert.equal(linux.shutdown(client, 'write'), 0)
  assert.equal(
    eventually(() => linux.read(server, region, 0, 8)),
    2,
  )
  assert.equal(
    eventually(() => linux.read(server, region, 0, 8)),
    0,
  )
})

test('read() is -ECONNRESET when the peer closed with bytes unread', (t) => {
  const { client, closeServer } = connectedPair(t, linux)
  const region = linux.region(new SharedArrayBuffer(8))
  linux.write(client, bytesOf('x'), 0, 1)
  closeServer()
  assert.equal(
    eventually(() => linux.read(client, region, 0, 8)),
    -ERRNO.ECONNRESET,
  )
})

test('write() to a dead peer is -EPIPE, and no signal kills the process', () => {
  // A process that once listened to SIGPIPE has its default action back, which is to die.
  const script = `
    import assert from 'node:assert/strict'
    import { posixOs } from ${JSON.stringify(POSIX_URL)}
    const ignore = () => {}
    process.on('SIGPIPE', ignore).off('SIGPIPE', ignore)
    const os = posixOs()
    const listener = os.listen(${JSON.stringify(LOOPBACK)}, 1)
    const client = os.socket(4)
    os.connect(client, os.localAddress(listener))
    os.shutdown(client, 'write')
    console.log(os.write(client, new Uint8Array(1), 0, 1))`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script])
  assert.equal(child.signal, null)
  assert.equal(child.stdout.toString().trim(), String(-ERRNO.EPIPE), child.stderr.toString())
})

test('write() falls back to write(2) where the descriptor is no socket', (t) => {
  const { readFd, writeFd } = plain.createWakeup()
  t.after(() => plain.close(readFd))
  t.after(() => plain.close(writeFd))
  const region = plain.region(new SharedArrayBuffer(8))
  assert.equal(plain.write(writeFd, bytesOf('-pipe'), 1, 4), 4)
  assert.equal(plain.read(readFd, region, 0, 8), 4)
  assert.equal(region.bytes.toString('latin1', 0, 4), 'pipe')
})

test('socketError() is -ECONNREFUSED once, after connect() to a closed port', (t) => {
  const listener = linux.listen(LOOPBACK, 1)
  const address = linux.localAddress(listener)!
  linux.close(listener)
  const poller = linux.createPoller()
  const client = linux.socket(4)
  t.after(() => linux.close(client))
  t.after(() => poller.close())

  const result = linux.connect(client, address)
  if (result === -ERRNO.ECONNREFUSED) return // known at once: also right
  assert.equal(result, -ERRNO.EINPROGRESS)
  poller.add(client, 1, INTEREST.write)
  assert.equal(poller.wait(new Uint32Array(1), new Uint8Array(1), PATIENCE_MS), 1)
  assert.equal(linux.socketError(client), -ERRNO.ECONNREFUSED)
  assert.equal(linux.socketError(client), 0)
})

test('listen() on a port in use is -EADDRINUSE, and leaks no descriptor', (t) => {
  const { address } = listenOn(t, linux)
  const free = linux.reserveFd()
  linux.close(free)
  assert.equal(linux.listen(address, 1), -ERRNO.EADDRINUSE)
  const next = linux.reserveFd()
  linux.close(next)
  assert.equal(next, free)
})

test('listen() on :: takes IPv4 too, on any other IPv6 address not', { skip: !HAS_IPV6 }, (t) => {
  const both = listenOn(t, linux, { family: 6, host: '::', port: 0 })
  const client = linux.socket(4)
  t.after(() => linux.close(client))
  linux.connect(client, { ...LOOPBACK, port: portOf(both.address) })
  const server = eventually(() => linux.accept(both.fd))
  t.after(() => linux.close(server))
  assert.deepEqual(linux.peerAddress(server), linux.localAddress(client))
  assert.equal(linux.peerAddress(server)?.family, 4)

  const one = listenOn(t, linux, { family: 6, host: '::1', port: 0 })
  assert.equal(optionOf(one.fd, C.IPPROTO_IPV6, C.IPV6_V6ONLY), 1)
})

test('connect() reaches an IPv6 listener', { skip: !HAS_IPV6 }, (t) => {
  const { client, server } = connectedPair(t, linux, { family: 6, host: '::1', port: 0 })
  assert.equal(hostOf(linux.peerAddress(server)), '::1')
  assert.deepEqual(linux.peerAddress(server), linux.localAddress(client))
})

test('noDelay() and keepAlive() turn the options on and off', (t) => {
  const { client } = connectedPair(t, linux)
  for (const on of [true, false]) {
    assert.equal(linux.noDelay(client, on), 0)
    assert.equal(linux.keepAlive(client, on), 0)
    assert.equal(optionOf(client, C.IPPROTO_TCP, C.TCP_NODELAY) !== 0, on)
    assert.equal(optionOf(client, C.SOL_SOCKET, C.SO_KEEPALIVE) !== 0, on)
  }
})

test('calls on a closed descriptor return -EBADF or undefined, never throw', () => {
  const region = linux.region(new SharedArrayBuffer(8))
  assert.equal(linux.close(-1), -ERRNO.EBADF)
  assert.equal(linux.accept(-1), -ERRNO.EBADF)
  assert.equal(linux.read(-1, region, 0, 8), -ERRNO.EBADF)
  assert.equal(linux.write(-1, region.bytes, 0, 8), -ERRNO.EBADF)
  assert.equal(linux.connect(-1, LOOPBACK), -ERRNO.EBADF)
  assert.equal(linux.socketError(-1), -ERRNO.EBADF)
  assert.equal(linux.shutdown(-1, 'both'), -ERRNO.EBADF)
  assert.equal(linux.noDelay(-1, true), -ERRNO.EBADF)
  assert.equal(linux.localAddress(-1), undefined)
  assert.equal(linux.peerAddress(-1), undefined)
})

test('calls repeat themselves on EINTR, close() and connect() do not', (t) => {
  const { client, server } = connectedPair(t, linux)
  let interruptions = 0
  const twice = <A extends unknown[]>(call: (...args: A) => number) => {
    let left = 2
    return (...args: A): number => {
      if (left-- <= 0) return call(...args)
      interruptions++
      return -1
    }
  }
  const { read, send } = libc
  const errno = () => ERRNO.EINTR
  const shaky = new PosixOs({ ...libc, errno, read: twice(read), send: twice(send) }, 'epoll')
  assert.equal(shaky.write(client, bytesOf('ab'), 0, 2), 2)
  assert.equal(shaky.read(server, shaky.region(new SharedArrayBuffer(8)), 0, 8), 2)
  assert.equal(interruptions, 4)

  const failing = new PosixOs({ ...libc, errno, close: () => -1, connect: () => -1 }, 'epoll')
  assert.equal(failing.close(client), 0)
  assert.equal(failing.connect(client, LOOPBACK), -ERRNO.EINPROGRESS)
})

test('blocks change hands between worker threads', async () => {
  const fill = (os: Os, length: number) =>
    os.blocks.put(new Uint8Array(length).map((_, i) => i & 0x7f))
  const addresses = await Promise.all([
    inThread(fill, 100_000),
    inThread(fill, 3),
    inThread(fill, 0),
  ])
  const [large, small, empty] = addresses as [number, number, number]
  const sum = (os: Os, block: [number, number]) =>
    os.blocks.take(...block).reduce((total, byte) => total + byte, 0)
  const wanted = Array.from({ length: 100_000 }, (_, i) => i & 0x7f).reduce((a, b) => a + b)
  assert.equal(await inThread(sum, [large, 100_000]), wanted)
  assert.deepEqual([...linux.blocks.take(small, 3)], [0, 1, 2])
  await inThread((os: Os, block: number) => os.blocks.drop(block), empty)
})

test('signalWakeup() from another thread ends a wait', async (t) => {
  for (const [name, os] of systems) {
    const { readFd, writeFd } = os.createWakeup()
    t.after(() => os.close(readFd))
    t.after(() => os.close(writeFd))
    const sleep = (own: Os, fd: number) => {
      const poller = own.createPoller()
      poller.add(fd, 7, 1)
      const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
      const count = poller.wait(tags, ready, 2000)
      own.clearWakeup(fd)
      const rest = poller.wait(new Uint32Array(1), new Uint8Array(1), 0)
      poller.close()
      return [count, tags[0], rest]
    }
    const woken = inThread(sleep, readFd)
    os.signalWakeup(writeFd)
    assert.deepEqual(await woken, [1, 7, 0], name)
  }
})

test('sockets work inside a worker thread, and across threads', async (t) => {
  const listener = listenOn(t, linux)
  const task = (os: Os, address: AnyAddress) => {
    const fd = os.socket(4)
    const poller = os.createPoller()
    os.connect(fd, address)
    poller.add(fd, 1, 2)
    poller.wait(new Uint32Array(1), new Uint8Array(1), 2000)
    const sent = os.write(fd, new Uint8Array([1, 2, 3]), 0, 3)
    os.close(fd)
    poller.close()
    return sent
  }
  assert.equal(await inThread(task, listener.address), 3)
  const server = eventually(() => linux.accept(listener.fd))
  t.after(() => linux.close(server))
  const region = linux.region(new SharedArrayBuffer(8))
  assert.equal(
    eventually(() => linux.read(server, region, 0, 8)),
    3,
  )
})

test('posixOs() takes the poller that SKYNET_POLLER names, unless one is asked for', (t) => {
  const before = process.env.SKYNET_POLLER
  t.after(() => {
    if (before === undefined) delete process.env.SKYNET_POLLER
    else process.env.SKYNET_POLLER = before
  })
  const nameOf = (os: Os) => {
    const poller = os.createPoller()
    poller.close()
    return poller.name
  }
  process.env.SKYNET_POLLER = 'poll'
  assert.equal(nameOf(posixOs()), 'poll')
  delete process.env.SKYNET_POLLER
  const best = process.platform === 'linux' ? 'epoll' : 'kqueue'
  assert.equal(nameOf(posixOs()), best)
  process.env.SKYNET_POLLER = ''
  assert.equal(nameOf(posixOs()), best)
  assert.equal(nameOf(posixOs({ poller: 'poll' })), 'poll')
  process.env.SKYNET_POLLER = 'select'
  assert.throws(() => posixOs(), {
    code: 'ERR_CONFIG_VALUE',
    message:
      "Cannot use config 'SKYNET_POLLER' as it must be epoll, epoll-edge, kqueue, poll: " +
      'current value is select',
  })
})

test('listen() with reusePort shares a port, without it the port is taken', (t) => {
  const open = (port: number, reusePort: boolean) => {
    const fd = linux.listen({ ...LOOPBACK, port }, { backlog: 8, reusePort })
    if (fd >= 0) t.after(() => linux.close(fd))
    return fd
  }
  const first = open(0, true)
  const port = portOf(linux.localAddress(first))
  assert.ok(open(port, true) >= 0)
  assert.equal(open(port, false), -ERRNO.EADDRINUSE)
})

test('listen() with ipv6Only decides who gets in, whatever the address', {
  skip: !HAS_IPV6,
}, (t) => {
  for (const ipv6Only of [true, false]) {
    const fd = linux.listen({ family: 6, host: '::', port: 0 }, { backlog: 8, ipv6Only })
    t.after(() => linux.close(fd))
    assert.equal(linux.getOption(fd, 'ipv6Only'), Number(ipv6Only))
    const client = linux.socket(4)
    t.after(() => linux.close(client))
    const result = linux.connect(client, { ...LOOPBACK, port: portOf(linux.localAddress(fd)) })
    if (ipv6Only) assert.equal(result === 0 ? 0 : refusal(client, result), -ERRNO.ECONNREFUSED)
    else {
      const server = eventually(() => linux.accept(fd))
      t.after(() => linux.close(server))
      assert.ok(server >= 0)
    }
  }
})

/** Why a connect failed that said so at once, or later. */
function refusal(fd: number, result: number): number {
  return result === -ERRNO.EINPROGRESS
    ? eventually(() => linux.socketError(fd) || -ERRNO.EAGAIN)
    : result
}

test('setNonBlocking() sets and clears the flag, also of a pipe', (t) => {
  const { readFd, writeFd } = plain.createWakeup()
  t.after(() => plain.close(readFd))
  t.after(() => plain.close(writeFd))
  for (const on of [false, true]) {
    assert.equal(linux.setNonBlocking(readFd, on), 1)
    assert.equal(linux.setNonBlocking(readFd, on), 0, 'it was so already')
    assert.equal((libc.fcntl(readFd, C.F_GETFL) & C.O_NONBLOCK) !== 0, on)
  }
  assert.equal(linux.setNonBlocking(-1, true), -ERRNO.EBADF)
})

test('carriesBytes() tells sockets, pipes and devices from files and from nothing', (t) => {
  const { client } = connectedPair(t, linux)
  const ends = new Int32Array(2)
  assert.equal(libc.pipe(new Uint8Array(ends.buffer)), 0)
  const [readFd, writeFd] = ends as unknown as [number, number]
  const [device, file] = ['/dev/null', '/etc/hosts'].map((path) => openSync(path, 'r'))
  const fds = [client, readFd, writeFd, device!, file!]
  t.after(() => fds.slice(1).map((fd) => plain.close(fd)))
  assert.deepEqual(
    [...fds, -1].map((fd) => linux.carriesBytes(fd)),
    [1, 1, 1, 1, 0, -ERRNO.EBADF],
  )
})

test('carriesBytes() says no of what Linux wakes threads by', {
  skip: process.platform !== 'linux',
}, (t) => {
  const epoll = libc.linux!.epoll_create1(0)
  const fds = [
    epoll,
    ...Object.values(linux.createWakeup()),
    ...Object.values(plain.createWakeup()),
  ]
  t.after(() => fds.map((fd) => plain.close(fd)))
  assert.deepEqual(
    fds.map((fd) => linux.carriesBytes(fd)),
    fds.map(() => 0),
  )
})
