import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO } from '../errno.ts'
import { openLibc } from '../libc.ts'
import { posixOs } from '../posix.ts'
import { createPoll, POLLFD } from './poll.ts'
import { pollerSuite } from './poller.suite.ts'
import { INTEREST, READY } from './poller.ts'

const libc = openLibc()
const os = posixOs({ poller: 'poll' })
pollerSuite('poll', () => createPoll(libc), os)

test('POLLFD is the struct of every system', () => {
  assert.deepEqual(POLLFD, { BYTES: 8, fd: 0, events: 2, revents: 3 })
})

test('wait() tells EINTR apart from failure', () => {
  let errno: number = ERRNO.EINTR
  const poller = createPoll({ ...libc, poll: () => -1, errno: () => errno })
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  assert.equal(poller.wait(tags, ready, -1), 0)
  errno = ERRNO.ENOMEM
  assert.equal(poller.wait(tags, ready, -1), -ERRNO.ENOMEM)
})

test('wait() reports a descriptor that was closed and not removed as an error', () => {
  const poller = createPoll(libc)
  const { readFd, writeFd } = os.createWakeup()
  poller.add(readFd, 7, INTEREST.read)
  for (const fd of [readFd, writeFd]) os.close(fd)
  const [tags, ready] = [new Uint32Array(1), new Uint8Array(1)]
  assert.equal(poller.wait(tags, ready, 2000), 1)
  assert.deepEqual([tags[0], ready[0]], [7, READY.error])
  assert.equal(poller.change(readFd, 7, INTEREST.none), 0)
  assert.equal(poller.remove(readFd, 7), 0)
  assert.equal(poller.remove(readFd, 7), -ERRNO.EBADF)
})

test('add() and change() after close() are -EBADF', (t) => {
  const poller = createPoll(libc)
  const { readFd, writeFd } = os.createWakeup()
  t.after(() => [readFd, writeFd].map((fd) => os.close(fd)))
  poller.add(readFd, 7, INTEREST.read)
  poller.close()
  assert.equal(poller.add(writeFd, 8, INTEREST.read), -ERRNO.EBADF)
  assert.equal(poller.change(readFd, 7, INTEREST.read), -ERRNO.EBADF)
})
