/** `Os.calls`: compared with a libc that counts by itself, call by call, and with known numbers. */
import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { unixAddress } from './address.ts'
import { ERRNO } from './errno.ts'
import type { Libc } from './libc.ts'
import type { Os } from './os.ts'
import { INTEREST } from './poll/poller.ts'
import type { PollerName } from './poll/pollers.ts'
import { PosixOs, posixOs } from './posix.ts'
import { boundDatagram, bytesOf, connectedPair, libc, linux } from './rig.kit.ts'

type Function = (...args: never[]) => unknown
const IS_LINUX = libc.linux !== undefined
/** Functions of libc that need no system call, and what is no function of libc. */
const NO_CALLS = ['malloc', 'free', 'memcpy', 'errno', 'addressOf', 'view']
/** Each of them is interrupted every second time. */
const REPEATED = ['accept', 'accept4', 'read', 'write', 'send', 'sendto', 'recvfrom', 'recvmmsg']
const POLLERS: readonly PollerName[] = IS_LINUX ? ['epoll', 'poll'] : ['kqueue', 'poll']

/** `real` with every system call counted in `made`. */
function counting(real: Libc) {
  const made = { calls: 0 }
  let isInterrupted = false
  const counted = <T extends object>(table: T): T =>
    Object.fromEntries(
      Object.entries(table).map(([name, call]: [string, Function]) => {
        if (typeof call !== 'function' || NO_CALLS.includes(name)) return [name, call]
        let turn = 0
        const run = (...args: never[]): unknown => {
          made.calls++
          isInterrupted = REPEATED.includes(name) && ++turn % 2 === 1
          return isInterrupted ? -1 : call(...args)
        }
        return [name, run]
      }),
    ) as T
  const errno = (): number => (isInterrupted ? ERRNO.EINTR : real.errno())
  const own = { errno, tally: { calls: 0 } }
  const tables = { linux: real.linux && counted(real.linux), bsd: real.bsd && counted(real.bsd) }
  return { made, libc: { ...counted(real), ...own, ...tables } }
}

/** `target` whose methods each end with both counts equal; likewise the pollers that it makes. */
function checked<T extends object>(target: T, os: Os, made: { readonly calls: number }): T {
  return new Proxy(target, {
    get(_, name): unknown {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        const result: unknown = Reflect.apply(value, target, args)
        assert.equal(os.calls, made.calls, `the count after ${String(name)}()`)
        return name === 'createPoller' ? checked(result as object, os, made) : result
      }
    },
  })
}

const systems: readonly (readonly [string, Libc])[] = IS_LINUX
  ? [
      ['linux', libc],
      ['plain', { ...libc, linux: undefined }],
    ]
  : [['plain', libc]]

for (const [name, real] of systems) {
  const open = (poller: PollerName = 'poll'): Os => {
    const { made, libc } = counting(real)
    const os = new PosixOs(libc, poller)
    return checked<Os>(os, os, made)
  }

  test(`calls on ${name} counts what streams and options need, repeated calls too`, (t) => {
    const os = open()
    const { listener, client, server } = connectedPair(t, os)
    const region = os.region(new SharedArrayBuffer(64))
    assert.equal(os.write(client, bytesOf('hello'), 0, 5), 5)
    os.read(server, region, 0, 64)
    os.read(server, region, 0, 64)
    assert.ok(os.listen(listener.address, 1) < 0, 'the address is in use')
    for (const fd of [listener.fd, client, 0x7fff_ffff]) {
      os.accept(fd)
      os.peerAddress(fd)
      os.localAddress(fd)
      os.socketError(fd)
      os.carriesBytes(fd)
      os.setNonBlocking(fd, true)
      os.noDelay(fd, true)
      os.keepAlive(fd, true)
      os.getOption(fd, 'lingerSeconds')
      os.shutdown(fd, 'both')
    }
    os.setNonBlocking(client, false)
    os.close(0x7fff_ffff)
    os.close(os.reserveFd())
    os.yield()
    os.setAffinity([-1])
    os.unlink(join(tmpdir(), 'no-such-file'))
    os.unlink('with\0nul')
    os.lockFile(0x7fff_ffff)
    os.duplicate(0x7fff_ffff, 0x7fff_ffff)
    os.connect(client, unixAddress('/no/such/socket')!)
    assert.ok(os.calls > 50)
  })

  test(`calls on ${name} counts pipes, and writing to them`, (t) => {
    const os = open()
    const { readFd, writeFd } = os.createWakeup()
    t.after(() => [readFd, writeFd].map((fd) => os.close(fd)))
    os.signalWakeup(writeFd)
    os.clearWakeup(readFd)
    // Not a socket: send(2) says so, then write(2).
    os.write(writeFd, new Uint8Array(8), 0, 8)
  })

  test(`calls on ${name} counts datagrams, one by one and in batches`, (t) => {
    const os = open()
    const [near, far] = [boundDatagram(t, os), boundDatagram(t, os)]
    const region = os.region(new SharedArrayBuffer(128))
    os.connectDatagram(near.fd, far.address)
    os.sendTo(near.fd, bytesOf('one'), 0, 3, new Uint8Array(0))
    os.sendTo(near.fd, bytesOf('bad'), 0, 3, Uint8Array.of(99))
    os.receiveFrom(far.fd, region, 0, 64)
    os.receiveFrom(far.fd, region, 0, 64)
    const batch = os.createBatch(4, 16)
    os.receiveBatch(far.fd, batch)
    batch.lengths.fill(3)
    batch.region.bytes.fill(0)
    assert.equal(os.sendBatch(near.fd, batch, 0, 4), 4)
    os.receiveBatch(far.fd, batch)
  })
}

test('calls counts those that clean up after a failure', () => {
  for (const [, real] of systems) {
    // The second step of each: duplicating an eventfd, setting the flags of a pipe.
    const { made, libc } = counting({ ...real, fcntl: () => -1 })
    const os = new PosixOs(libc, 'poll')
    assert.throws(() => os.createWakeup(), { code: 'ERR_SYSCALL' })
    assert.equal(os.calls, made.calls)
  }
})

for (const name of POLLERS) {
  test(`calls counts what the poller ${name} does`, (t) => {
    const { made, libc: own } = counting(libc)
    const real = new PosixOs(own, name)
    const os = checked<Os>(real, real, made)
    const poller = os.createPoller()
    const { readFd, writeFd } = os.createWakeup()
    t.after(() => [readFd, writeFd].map((fd) => os.close(fd)))
    const [tags, ready] = [new Uint32Array(4), new Uint8Array(4)]
    for (const fd of [readFd, readFd, -1]) poller.add(fd, 7, INTEREST.read)
    poller.wait(tags, ready, 0)
    os.signalWakeup(writeFd)
    assert.equal(poller.wait(tags, ready, 2000), 1)
    for (const fd of [readFd, writeFd, -1]) poller.change(fd, 7, INTEREST.none)
    for (const fd of [readFd, readFd, -1]) poller.remove(fd, 7)
    for (let time = 0; time < 2; time++) poller.close()
    poller.add(readFd, 7, INTEREST.read)
    poller.wait(tags, ready, 0)
  })
}

/** How many calls each step makes. */
function costs(os: Os, steps: Readonly<Record<string, () => unknown>>): Record<string, number> {
  const counts = Object.entries(steps).map(([name, step]) => {
    const before = os.calls
    step()
    return [name, os.calls - before]
  })
  return Object.fromEntries(counts) as Record<string, number>
}

test('calls of known steps have known numbers', { skip: !IS_LINUX }, (t) => {
  const { listener, client, server } = connectedPair(t, linux)
  const region = linux.region(new SharedArrayBuffer(64))
  const poller = linux.createPoller()
  const [tags, ready] = [new Uint32Array(4), new Uint8Array(4)]
  const steps = {
    'no call': () => linux.errorText(-1),
    write: () => linux.write(client, bytesOf('x'), 0, 1),
    add: () => poller.add(server, 1, INTEREST.read),
    wait: () => assert.equal(poller.wait(tags, ready, 2000), 1),
    read: () => assert.equal(linux.read(server, region, 0, 64), 1),
    'nothing to accept': () => linux.accept(listener.fd),
    'listen: socket, SO_REUSEADDR, bind, listen; close': () =>
      linux.close(linux.listen({ family: 4, host: '127.0.0.1', port: 0 }, 1)),
  }
  assert.deepEqual(costs(linux, steps), {
    'no call': 0,
    write: 1,
    add: 1,
    wait: 1,
    read: 1,
    'nothing to accept': 1,
    'listen: socket, SO_REUSEADDR, bind, listen; close': 5,
  })
  poller.close()
})

test('calls of one instance are not those of another', () => {
  const [first, second] = [posixOs(), posixOs()]
  const before = second.calls
  first.close(first.reserveFd())
  assert.equal(second.calls, before)
  assert.ok(first.calls >= 2)
})
