/** What the tests of this folder share: real sockets on loopback, waiting, threads. */
import assert from 'node:assert/strict'
import { extname } from 'node:path'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { ERRNO, isAgain } from './errno.ts'
import { openLibc } from './libc.ts'
import type { AnyAddress, Os, SocketAddress } from './os.ts'
import { PosixOs, posixOs } from './posix.ts'

export const PATIENCE_MS = 2000
export const LOOPBACK: SocketAddress = { family: 4, host: '127.0.0.1', port: 0 }
export const LOOPBACK_6: SocketAddress = { family: 6, host: '::1', port: 0 }
export const POSIX_URL = new URL(`./posix${extname(import.meta.url)}`, import.meta.url).href

export const libc = openLibc()
export const linux = posixOs()
/** The same kernel by the calls of the other platforms: accept + fcntl, pipe. */
export const plain = new PosixOs({ ...libc, linux: undefined }, 'epoll')
export const systems: readonly (readonly [name: string, os: Os])[] =
  libc.linux === undefined
    ? [['plain', plain]]
    : [
        ['linux', linux],
        ['plain', plain],
      ]
export const HAS_IPV6 = hasIPv6()

function hasIPv6(): boolean {
  const fd = linux.listen(LOOPBACK_6, 1)
  if (fd >= 0) linux.close(fd)
  return fd >= 0
}

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Repeat `attempt` as long as it says "not now". */
export function eventually(attempt: () => number): number {
  const deadline = performance.now() + PATIENCE_MS
  let result = attempt()
  while (isAgain(result) && performance.now() < deadline) result = attempt()
  return result
}

export function listenOn(t: TestContext, os: Os, address: AnyAddress = LOOPBACK) {
  const fd = os.listen(address, 8)
  assert.ok(fd >= 0, os.errorText(fd))
  t.after(() => os.close(fd))
  return { fd, address: os.localAddress(fd)! }
}

export function connectedPair(t: TestContext, os: Os, address: AnyAddress = LOOPBACK) {
  const listener = listenOn(t, os, address)
  const client = os.socket(listener.address.family)
  const result = os.connect(client, listener.address)
  assert.ok(result === 0 || result === -ERRNO.EINPROGRESS, os.errorText(result))
  const server = eventually(() => os.accept(listener.fd))
  assert.ok(server >= 0, os.errorText(server))
  t.after(() => os.close(client))
  const closeServer = once(() => os.close(server))
  t.after(closeServer)
  return { listener, client, server, closeServer }
}

export function once(run: () => void): () => void {
  let done = false
  return () => {
    if (!done) run()
    done = true
  }
}

/** Run `task` in a thread of its own with an `Os` of its own; it sees nothing of this file. */
export function inThread<A, R>(
  task: (os: Os, argument: A) => R | Promise<R>,
  workerData: A,
): Promise<R> {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    import(${JSON.stringify(POSIX_URL)}).then(async ({ posixOs }) => {
      parentPort.postMessage(await (${task})(posixOs(), workerData))
    })`
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (exitCode) => reject(new Error(`exited with ${exitCode}`)))
  })
}

/** A datagram socket bound to `address`, by default a free port of loopback. */
export function boundDatagram(t: TestContext, os: Os, address: SocketAddress = LOOPBACK) {
  const fd = os.datagram(address.family)
  assert.ok(fd >= 0, os.errorText(fd))
  t.after(() => os.close(fd))
  assert.equal(os.bindDatagram(fd, address), 0)
  return { fd, address: os.localAddress(fd) as SocketAddress }
}
