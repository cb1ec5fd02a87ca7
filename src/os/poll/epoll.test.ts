import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO } from '../errno.ts'
import { openLibc } from '../libc.ts'
import { posixOs } from '../posix.ts'
import { createEpoll, epollLayout } from './epoll.ts'
import { pollerSuite } from './poller.suite.ts'
import { INTEREST, READY } from './poller.ts'

const LINUX = process.platform === 'linux'
if (LINUX) pollerSuite('epoll', () => createEpoll(openLibc()), posixOs({ poller: 'epoll' }))

test('epollLayout() packs the event on x86 only', () => {
  assert.deepEqual(epollLayout('x64'), { cells: 3, data: 1 })
  assert.deepEqual(epollLayout('arm64'), { cells: 4, data: 2 })
})

test('createEpoll() without epoll is an error of the platform', () => {
  assert.throws(() => createEpoll({ ...openLibc(), linux: undefined }), { code: 'ERR_PLATFORM' })
})

test('add() and change() return why the kernel refused', { skip: !LINUX }, (t) => {
  const poller = createEpoll(openLibc())
  t.after(() => poller.close())
  assert.equal(poller.add(-1, 7, INTEREST.read), -ERRNO.EBADF)
  assert.equal(poller.change(-1, 7, INTEREST.read), -ERRNO.EBADF)
  assert.equal(poller.remove(-1, 7), -ERRNO.EBADF)
})

test('close() repeated closes no descriptor that is somebody else by now', { skip: !LINUX }, () => {
  const libc = openLibc()
  const closed: number[] = []
  const close = (fd: number) => {
    closed.push(fd)
    return libc.close(fd)
  }
  const poller = createEpoll({ ...libc, close })
  poller.close()
  poller.close()
  assert.equal(closed.length, 1)
})

test('wait() tells EINTR apart from failure', { skip: !LINUX }, (t) => {
  const libc = openLibc()
  let errno: number = ERRNO.EINTR
  const linux = { ...libc.linux!, epoll_wait: () => -1 }
  const poller = createEpoll({ ...libc, linux, errno: () => errno })
  t.after(() => poller.close())
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  assert.equal(poller.wait(tags, ready, -1), 0)
  errno = ERRNO.EFAULT
  assert.equal(poller.wait(tags, ready, -1), -ERRNO.EFAULT)
})

test('createEpoll() edge-triggered reports a change once', { skip: !LINUX }, (t) => {
  const os = posixOs({ poller: 'epoll-edge' })
  const poller = os.createPoller()
  const { readFd, writeFd } = os.createWakeup()
  t.after(() => {
    poller.close()
    for (const fd of [readFd, writeFd]) os.close(fd)
  })
  poller.add(readFd, 7, INTEREST.read)
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  for (let change = 0; change < 2; change++) {
    os.signalWakeup(writeFd)
    assert.equal(poller.wait(tags, ready, 2000), 1)
    assert.equal(poller.wait(tags, ready, 0), 0)
  }
})

test('READY and INTEREST have the values that epoll.ts shifts events by', () => {
  assert.deepEqual(READY, { read: 1, write: 2, error: 4, hangup: 8 })
  assert.deepEqual(INTEREST, { none: 0, read: 1, write: 2 })
})
