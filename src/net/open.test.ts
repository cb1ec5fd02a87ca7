import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { ERRNO } from '../os/errno.ts'
import type { AnyAddress, Os, SocketAddress } from '../os/os.ts'
import { posixOs } from '../os/posix.ts'
import { checkEndpoint } from './endpoint.ts'
import {
  bindFailure,
  connectFailure,
  listenFailure,
  type Opener,
  openListener,
  openUdp,
  reserveSlot,
} from './open.ts'
import { SLOTS_BYTES, Slots } from './slots.ts'
import { STATE } from './state.ts'

const LOCAL: SocketAddress = { family: 4, host: '127.0.0.1', port: 0 }
const FLAGS = { backlog: 8 }
const failed = (reason: string): SkynetError =>
  new SkynetError('ERR_LISTEN', { address: 'here', reason })

interface Rig extends Opener {
  /** Calls that leave something, or take it away: `close 7`, `unlink /run/x`. */
  readonly done: string[]
  readonly open: Set<number>
}

/** The real system, which tells what is opened and removed. `full`: every slot is in use. */
function rig(t: TestContext, changes: Partial<Os> = {}, full = false): Rig {
  const os = posixOs()
  const done: string[] = []
  const open = new Set<number>()
  const opened = (fd: number): number => {
    if (fd >= 0) open.add(fd)
    return fd
  }
  const { listen, datagram, close, unlink } = os
  Object.assign(os, {
    listen: (...args: Parameters<Os['listen']>) => opened(listen.apply(os, args)),
    datagram: (family: AnyAddress['family']) => opened(datagram.call(os, family)),
    close: (fd: number) => {
      if (open.delete(fd)) done.push(`close ${fd}`)
      return close.call(os, fd)
    },
    unlink: (path: string) => {
      done.push(`unlink ${path}`)
      return unlink.call(os, path)
    },
    ...changes,
  })
  t.after(() => {
    for (const fd of open) close.call(os, fd)
  })
  const slots = new Slots(new SharedArrayBuffer(SLOTS_BYTES))
  if (full) Object.assign(slots, { reserve: () => -1 })
  return { os, slots, done, open }
}

function pathIn(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'open-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'x.sock')
}

test('openListener() gives a descriptor that listens and a reserved slot', (t) => {
  const opener = rig(t)
  const { id, fd, file } = openListener(opener, LOCAL, FLAGS, failed, { keepAlive: 1 })
  assert.ok(opener.open.has(fd))
  assert.equal(opener.slots.stateOf(id), STATE.RESERVE)
  assert.equal(opener.os.getOption(fd, 'keepAlive'), 1)
  assert.notEqual(opener.os.localAddress(fd), undefined)
  assert.equal(file, undefined)
})

test('openListener() says why, and leaves nothing, when the system refuses', (t) => {
  const opener = rig(t, { listen: () => -ERRNO.EADDRINUSE })
  assert.throws(
    () => openListener(opener, LOCAL, FLAGS, failed),
    (error) => isSkynetError(error, 'ERR_LISTEN') && /^EADDRINUSE/.test(error.info.reason),
  )
  assert.equal(opener.slots.countUsed(), 0)
})

test('openListener() that fails removes the file, then closes the descriptor', (t) => {
  const path = pathIn(t)
  const address: AnyAddress = { family: 'unix', path }
  const refuses = rig(t, { setOption: () => -ERRNO.EINVAL })
  assert.throws(
    () => openListener(refuses, address, FLAGS, failed, { noDelay: 1 }),
    (error) => isSkynetError(error, 'ERR_LISTEN') && /^noDelay: EINVAL/.test(error.info.reason),
  )
  assert.deepEqual(
    refuses.done.map((each) => each.replace(/\d+$/, 'fd')),
    [`unlink ${path}`, 'close fd'],
  )
  assert.deepEqual([refuses.open.size, refuses.slots.countUsed()], [0, 0])
  const full = rig(t, {}, true)
  assert.throws(() => openListener(full, address, FLAGS, failed), { code: 'ERR_SOCKET_LIMIT' })
  assert.deepEqual([full.done[0], full.open.size], [`unlink ${path}`, 0])
})

test('openUdp() binds when there are flags, and leaves nothing when it cannot', (t) => {
  const opener = rig(t)
  const bound = openUdp(opener, LOCAL, {}, failed)
  const { port } = opener.os.localAddress(bound.fd) as SocketAddress
  assert.notEqual(port, 0)
  const free = openUdp(opener, LOCAL, undefined, failed)
  assert.equal((opener.os.localAddress(free.fd) as SocketAddress).port, 0)
  const { size } = opener.open
  assert.throws(
    () => openUdp(opener, { ...LOCAL, port }, {}, failed),
    (error) => isSkynetError(error, 'ERR_LISTEN') && /^EADDRINUSE/.test(error.info.reason),
  )
  const full = rig(t, {}, true)
  assert.throws(() => openUdp(full, LOCAL, {}, failed), { code: 'ERR_SOCKET_LIMIT' })
  assert.deepEqual([opener.open.size, full.open.size], [size, 0])
})

test('reserveSlot() refuses when all are in use', (t) => {
  assert.ok(reserveSlot(rig(t).slots) > 0)
  assert.throws(() => reserveSlot(rig(t, {}, true).slots), { code: 'ERR_SOCKET_LIMIT' })
})

test('a failure names where it was, and keeps the cause of a connect', () => {
  const endpoint = checkEndpoint('x', { host: '::1', port: 7 }, '', 0)
  const cause = new Error('why')
  const refused = connectFailure(endpoint)('refused', cause)
  assert.match(refused.message, /\[::1\]:7.*refused/)
  assert.equal(refused.cause, cause)
  assert.match(listenFailure(endpoint)('in use').message, /\[::1\]:7.*in use/)
  assert.match(bindFailure(endpoint)('in use').message, /UDP \[::1\]:7.*in use/)
})
