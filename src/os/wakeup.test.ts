import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO } from './errno.ts'
import { C, type Libc, openLibc } from './libc.ts'
import { clearWakeup, createWakeup, signalWakeup } from './wakeup.ts'

const libc = openLibc()
const kinds: readonly (readonly [name: string, libc: Libc])[] = [
  ['pipe', { ...libc, linux: undefined }],
  ...(libc.linux === undefined ? [] : [['eventfd', libc] as const]),
]
const scratch = new Uint8Array(16)

/** True when the read end has something; takes it. */
function takeSignal(readFd: number): boolean {
  const count = libc.read(readFd, new Uint8Array(8), 8)
  if (count < 0) assert.equal(libc.errno(), ERRNO.EAGAIN)
  return count === 8
}

for (const [name, kind] of kinds) {
  const open = (t: { after(done: () => void): void }) => {
    const wakeup = createWakeup(kind)
    t.after(() => {
      assert.equal(libc.close(wakeup.readFd), 0)
      assert.equal(libc.close(wakeup.writeFd), 0)
    })
    return wakeup
  }

  test(`signalWakeup() through ${name} arrives, clearWakeup() takes all signals`, (t) => {
    const { readFd, writeFd } = open(t)
    assert.ok(!takeSignal(readFd))
    signalWakeup(kind, writeFd)
    assert.ok(takeSignal(readFd))

    for (let i = 0; i < 5; i++) signalWakeup(kind, writeFd)
    clearWakeup(kind, readFd, scratch)
    assert.ok(!takeSignal(readFd))
  })

  test(`signalWakeup() through ${name} is harmless when full`, (t) => {
    const { readFd, writeFd } = open(t)
    const nearlyAll = new Uint8Array(new BigUint64Array([0xfffffffffffffffen]).buffer)
    while (libc.write(writeFd, nearlyAll, 8) > 0);
    assert.equal(libc.errno(), ERRNO.EAGAIN)

    signalWakeup(kind, writeFd)
    clearWakeup(kind, readFd, scratch)
    assert.ok(!takeSignal(readFd))
  })

  test(`clearWakeup() of ${name} does not block when nothing was signalled`, (t) => {
    clearWakeup(kind, open(t).readFd, scratch)
  })

  test(`createWakeup() as ${name} is non-blocking and close-on-exec at both ends`, (t) => {
    const { readFd, writeFd } = open(t)
    assert.notEqual(readFd, writeFd)
    for (const fd of [readFd, writeFd]) {
      assert.ok(libc.fcntl(fd, C.F_GETFL) & C.O_NONBLOCK)
      assert.ok(libc.fcntl(fd, C.F_GETFD) & C.FD_CLOEXEC)
    }
  })

  test(`createWakeup() as ${name} throws when the process is out of descriptors`, () => {
    const none = () => -1
    const linux = kind.linux && { ...kind.linux, eventfd: none }
    const broken: Libc = { ...kind, pipe: none, errno: () => ERRNO.EMFILE, linux }
    assert.throws(() => createWakeup(broken), { code: 'ERR_SYSCALL', message: /EMFILE/ })
  })
}
