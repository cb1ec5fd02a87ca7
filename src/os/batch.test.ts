import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MMSGHDR } from './batch.ts'
import { COMPACT_BYTES_MAX, compactAddress, expandAddress } from './compact.ts'
import { ERRNO } from './errno.ts'
import type { DatagramBatch, Os, SocketAddress } from './os.ts'
import { PosixOs } from './posix.ts'
import {
  boundDatagram,
  bytesOf,
  eventually,
  HAS_IPV6,
  inThread,
  LOOPBACK,
  LOOPBACK_6,
  libc,
  linux,
  systems,
} from './rig.kit.ts'

const NO_ADDRESS = Uint8Array.of(0)

/** Fill a slot as `sendBatch` wants it. */
function fill(batch: DatagramBatch, i: number, text: string, to: Uint8Array): void {
  const bytes = bytesOf(text)
  batch.region.bytes.set(bytes, i * batch.stride)
  batch.region.bytes.set(to, i * batch.stride + bytes.length)
  batch.lengths[i] = bytes.length
}

/** The slots that `receiveBatch` filled: text and sender of each. */
function slots(batch: DatagramBatch, count: number): [string, SocketAddress | undefined][] {
  return Array.from({ length: count }, (_, i) => {
    const at = i * batch.stride
    const end = at + batch.lengths[i]!
    const { bytes } = batch.region
    const from = expandAddress(bytes.subarray(end, at + batch.stride))
    return [bytes.toString('latin1', at, end), from]
  })
}

function receive(os: Os, fd: number, batch: DatagramBatch): [string, SocketAddress | undefined][] {
  const count = eventually(() => os.receiveBatch(fd, batch))
  assert.ok(count > 0, os.errorText(count))
  return slots(batch, count)
}

for (const [name, os] of systems) {
  for (const [family, loopback] of [[4, LOOPBACK] as const, [6, LOOPBACK_6] as const]) {
    const skip = family === 6 && !HAS_IPV6
    test(`sendBatch() and receiveBatch() on ${name} over IPv${family} keep order and sender`, {
      skip,
    }, (t) => {
      const [server, client] = [boundDatagram(t, os, loopback), boundDatagram(t, os, loopback)]
      const batch = os.createBatch(8, 100)
      const to = compactAddress(server.address)
      const texts = ['first', '', 'x'.repeat(100), 'last']
      for (const [i, text] of texts.entries()) fill(batch, i, text, to)
      assert.equal(os.sendBatch(client.fd, batch, 0, 4), 4)
      const expected = texts.map((text) => [text, client.address])
      assert.deepEqual(receive(os, server.fd, batch), expected)
      assert.equal(os.receiveBatch(server.fd, batch), -ERRNO.EAGAIN)
    })
  }

  test(`sendBatch() on ${name} sends back what receiveBatch() filled`, (t) => {
    const server = boundDatagram(t, os)
    const [one, two] = [boundDatagram(t, os), boundDatagram(t, os)]
    const batch = os.createBatch(4, 10)
    for (const [{ fd }, text] of [[one, 'one'] as const, [two, 'two'] as const]) {
      os.sendTo(fd, bytesOf(text), 0, 3, compactAddress(server.address))
    }
    assert.equal(
      eventually(() => os.receiveBatch(server.fd, batch)),
      2,
    )
    assert.equal(os.sendBatch(server.fd, batch, 0, 2), 2)
    const answers = os.createBatch(4, 10)
    assert.deepEqual(receive(os, one.fd, answers), [['one', server.address]])
    assert.deepEqual(receive(os, two.fd, answers), [['two', server.address]])
  })

  test(`receiveBatch() on ${name} leaves for later what has no slot`, (t) => {
    const [server, client] = [boundDatagram(t, os), boundDatagram(t, os)]
    const to = compactAddress(server.address)
    for (const text of ['a', 'b', 'c']) os.sendTo(client.fd, bytesOf(text), 0, 1, to)
    const batch = os.createBatch(2, 10)
    const rounds = [receive(os, server.fd, batch), receive(os, server.fd, batch)]
    assert.deepEqual(
      rounds.map((round) => round.map(([text]) => text)),
      [['a', 'b'], ['c']],
    )
  })

  test(`receiveBatch() on ${name} says by the length that a datagram was cut`, (t) => {
    const [server, client] = [boundDatagram(t, os), boundDatagram(t, os)]
    const to = compactAddress(server.address)
    const batch = os.createBatch(3, 4)
    for (const text of ['four', 'five+', 'a lot more']) {
      os.sendTo(client.fd, bytesOf(text), 0, text.length, to)
    }
    const got = receive(os, server.fd, batch)
    assert.deepEqual([...batch.lengths], [4, 5, 5])
    assert.deepEqual(got[2], ['a lot', client.address])
  })

  test(`sendBatch() on ${name} stops at what cannot be sent, and then says why`, (t) => {
    const [server, client] = [boundDatagram(t, os), boundDatagram(t, os)]
    const to = compactAddress(server.address)
    const batch = os.createBatch(4, 10)
    fill(batch, 0, 'a', to)
    fill(batch, 1, 'b', Uint8Array.of(9))
    fill(batch, 2, 'c', NO_ADDRESS)
    fill(batch, 3, 'd', to)
    assert.equal(os.sendBatch(client.fd, batch, 0, 4), 1)
    assert.equal(os.sendBatch(client.fd, batch, 1, 3), -ERRNO.EINVAL)
    assert.equal(os.sendBatch(client.fd, batch, 2, 2), -ERRNO.EDESTADDRREQ)
    assert.equal(os.sendBatch(client.fd, batch, 3, 1), 1)
    const got = receive(os, server.fd, os.createBatch(4, 10))
    assert.deepEqual(
      got.map(([text]) => text),
      ['a', 'd'],
    )
    assert.equal(os.sendBatch(-1, batch, 0, 1), -ERRNO.EBADF)
    assert.equal(os.receiveBatch(-1, batch), -ERRNO.EBADF)
  })

  test(`sendBatch() on ${name} without addresses goes to the connected peer`, (t) => {
    const [server, client] = [boundDatagram(t, os), boundDatagram(t, os)]
    os.connectDatagram(client.fd, server.address)
    const batch = os.createBatch(2, 10)
    fill(batch, 0, 'a', NO_ADDRESS)
    fill(batch, 1, 'b', NO_ADDRESS)
    assert.equal(os.sendBatch(client.fd, batch, 0, 2), 2)
    const got = receive(os, server.fd, batch)
    assert.deepEqual(got, [
      ['a', client.address],
      ['b', client.address],
    ])
  })

  test(`a batch on ${name} holds as large a datagram as there is, in many slots`, (t) => {
    const [server, client] = [boundDatagram(t, os), boundDatagram(t, os)]
    os.setOption(server.fd, 'receiveBufferBytes', 1 << 20)
    os.setOption(client.fd, 'sendBufferBytes', 1 << 20)
    const batch = os.createBatch(3, 65_535)
    const to = compactAddress(server.address)
    for (const [i, letter] of ['a', 'b'].entries()) fill(batch, i, letter.repeat(65_507), to)
    assert.equal(os.sendBatch(client.fd, batch, 0, 2), 2)
    batch.region.bytes.fill(0)
    const got = receive(os, server.fd, batch)
    assert.deepEqual(
      got.map(([text]) => text),
      ['a'.repeat(65_507), 'b'.repeat(65_507)],
    )
  })
}

test('createBatch() and sendBatch() refuse numbers out of range', () => {
  for (const [size, bytesMax] of [
    [0, 1],
    [1025, 1],
    [1, 0],
    [1, 65_536],
    [1.5, 1],
  ] as const) {
    assert.throws(() => linux.createBatch(size, bytesMax), RangeError)
  }
  const batch = linux.createBatch(2, 10)
  for (const [first, count] of [
    [0, 0],
    [0, 3],
    [2, 1],
    [-1, 1],
    [Number.NaN, 1],
  ] as const) {
    assert.throws(() => linux.sendBatch(-1, batch, first, count), RangeError)
  }
  for (const length of [-1, 12]) {
    batch.lengths[1] = length
    assert.throws(() => linux.sendBatch(-1, batch, 0, 2), RangeError)
  }
  assert.ok(batch.stride >= 11 + COMPACT_BYTES_MAX)
})

test('MMSGHDR is the struct of 64-bit Linux', () => {
  const { CELLS, ...fields } = MMSGHDR
  const bytes = Object.values(fields).map((cell) => cell * 4)
  assert.deepEqual(bytes, [0, 8, 16, 24, 56])
  assert.equal(CELLS * 4, 64)
})

test('receiveBatch() and sendBatch() repeat themselves on EINTR', {
  skip: libc.linux === undefined,
}, (t) => {
  const [server, client] = [boundDatagram(t, linux), boundDatagram(t, linux)]
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
  const { recvmmsg, sendmmsg } = libc.linux!
  const calls = { ...libc.linux!, recvmmsg: once(recvmmsg), sendmmsg: once(sendmmsg) }
  const shaky = new PosixOs({ ...libc, errno: () => ERRNO.EINTR, linux: calls }, 'epoll')
  const batch = shaky.createBatch(2, 10)
  fill(batch, 0, 'x', compactAddress(server.address))
  assert.equal(shaky.sendBatch(client.fd, batch, 0, 1), 1)
  assert.deepEqual(receive(shaky, server.fd, batch), [['x', client.address]])
  assert.equal(interruptions, 2)
})

test('a batch works in a worker thread', async (t: TestContext) => {
  const server = boundDatagram(t, linux)
  const task = (os: Os, to: Uint8Array) => {
    const fd = os.datagram(4)
    const batch = os.createBatch(2, 8)
    for (let i = 0; i < 2; i++) {
      batch.lengths[i] = 3
      batch.region.bytes.fill(65 + i, i * batch.stride, i * batch.stride + 3)
      batch.region.bytes.set(to, i * batch.stride + 3)
    }
    const sent = os.sendBatch(fd, batch, 0, 2)
    os.close(fd)
    return sent
  }
  assert.equal(await inThread(task, compactAddress(server.address)), 2)
  const got = receive(linux, server.fd, linux.createBatch(4, 8))
  assert.deepEqual(
    got.map(([text]) => text),
    ['AAA', 'BBB'],
  )
})
