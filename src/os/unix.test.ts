import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UNIX_PATH_BYTES_MAX, unixAddress } from './address.ts'
import { ERRNO } from './errno.ts'
import type { AnyAddress, Os, UnixAddress } from './os.ts'
import {
  bytesOf,
  connectedPair,
  eventually,
  inThread,
  linux,
  listenOn,
  systems,
} from './rig.kit.ts'

const LINUX = process.platform === 'linux'

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'skynet-unix-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

function fileAddress(t: TestContext): UnixAddress {
  return unixAddress(join(directory(t), 'socket'))
}

for (const [name, os] of systems) {
  test(`a Unix socket on ${name} carries bytes both ways`, (t) => {
    const address = fileAddress(t)
    const { client, server } = connectedPair(t, os, address)
    const region = os.region(new SharedArrayBuffer(8))
    assert.equal(os.write(client, bytesOf('ping'), 0, 4), 4)
    assert.equal(
      eventually(() => os.read(server, region, 0, 8)),
      4,
    )
    assert.equal(os.write(server, region.bytes, 1, 3), 3)
    assert.equal(
      eventually(() => os.read(client, region, 0, 8)),
      3,
    )
    assert.equal(region.bytes.toString('latin1', 0, 3), 'ing')
    assert.deepEqual(os.peerAddress(client), address)
    assert.deepEqual(os.localAddress(server), address)
    assert.deepEqual(os.peerAddress(server), { family: 'unix', path: '' })
  })
}

test('a Unix address may be as long as the system takes, in bytes', (t) => {
  const base = `${directory(t)}/`
  const path = base + 'ä'.repeat((UNIX_PATH_BYTES_MAX - base.length) / 2)
  const whole = path.padEnd(path.length + UNIX_PATH_BYTES_MAX - Buffer.byteLength(path), 'x')
  assert.equal(Buffer.byteLength(whole), UNIX_PATH_BYTES_MAX)
  const { client } = connectedPair(t, linux, unixAddress(whole))
  assert.deepEqual(linux.peerAddress(client), { family: 'unix', path: whole })
})

test('a Unix name without a file needs none, and ends with its socket', { skip: !LINUX }, (t) => {
  const address = unixAddress(`\0skynet-test-${process.pid}`)
  const { client, listener } = connectedPair(t, linux, address)
  assert.deepEqual(linux.peerAddress(client), address)
  assert.deepEqual(listener.address, address)
  assert.equal(linux.listen(address, 1), -ERRNO.EADDRINUSE)
  assert.equal(linux.unlink(address.path), 0)
})

test('listen() finds the file of a Unix address in the way until unlink()', (t) => {
  const address = fileAddress(t)
  const first = linux.listen(address, 1)
  linux.close(first)
  assert.ok(existsSync(address.path))
  assert.equal(linux.listen(address, 1), -ERRNO.EADDRINUSE)
  const client = linux.socket('unix')
  t.after(() => linux.close(client))
  assert.equal(linux.connect(client, address), -ERRNO.ECONNREFUSED)

  assert.equal(linux.unlink(address.path), 0)
  assert.equal(linux.connect(client, address), -ERRNO.ENOENT)
  listenOn(t, linux, address)
  assert.equal(linux.connect(client, address), 0)
})

test('listen(), connect() and unlink() refuse a path that the kernel would cut', (t) => {
  const base = directory(t)
  const client = linux.socket('unix')
  t.after(() => linux.close(client))
  for (const path of ['', `${base}/a\0b`, `${base}/${'x'.repeat(UNIX_PATH_BYTES_MAX)}`, '\0a\0b']) {
    const address: AnyAddress = { family: 'unix', path }
    assert.equal(linux.listen(address, 1), -ERRNO.EINVAL)
    assert.equal(linux.connect(client, address), -ERRNO.EINVAL)
  }
  assert.equal(linux.unlink(`${base}/a\0b`), -ERRNO.EINVAL)
  assert.equal(linux.unlink(`${base}/a`), -ERRNO.ENOENT)
  assert.equal(linux.unlink(''), -ERRNO.ENOENT)
})

test('connect() to a Unix listener whose queue is full is -EAGAIN', { skip: !LINUX }, (t) => {
  const address = fileAddress(t)
  listenOn(t, linux, address)
  let result = 0
  for (let i = 0; i < 64 && result === 0; i++) {
    const client = linux.socket('unix')
    t.after(() => linux.close(client))
    result = linux.connect(client, address)
  }
  assert.equal(result, -ERRNO.EAGAIN)
})

test('a Unix socket works from a worker thread', async (t) => {
  const { address, fd } = listenOn(t, linux, fileAddress(t))
  const task = (os: Os, to: AnyAddress) => {
    const client = os.socket('unix')
    const connected = os.connect(client, to)
    const sent = os.write(client, new Uint8Array(5), 0, 5)
    os.close(client)
    return [connected, sent]
  }
  assert.deepEqual(await inThread(task, address), [0, 5])
  const server = linux.accept(fd)
  t.after(() => linux.close(server))
  assert.equal(linux.read(server, linux.region(new SharedArrayBuffer(8)), 0, 8), 5)
})
