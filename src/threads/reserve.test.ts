import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Os } from '../os/os.ts'
import { isShortage, Reserve } from './reserve.ts'

/** Of a system with so many descriptors. */
function descriptors(count: number) {
  const closed: number[] = []
  const rig = { free: count, closed, os: {} as Os }
  rig.os = {
    reserveFd: () => (rig.free === 0 ? -24 : rig.free--),
    close: (fd: number) => closed.push(fd),
  } as Partial<Os> as Os
  return rig
}

test('Reserve holds what there is, gives it back once, and takes it again', () => {
  const rig = descriptors(10)
  const { os, closed } = rig
  const reserve = new Reserve(os)
  reserve.take()
  assert.equal(rig.free, 0)
  reserve.release()
  reserve.release()
  assert.deepEqual(closed, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
  rig.free = 100
  reserve.take()
  reserve.take()
  assert.equal(rig.free, 84)
})

test('Reserve that is closed takes nothing any more', () => {
  const rig = descriptors(100)
  const reserve = new Reserve(rig.os)
  reserve.take()
  reserve.close()
  assert.equal(rig.closed.length, 16)
  reserve.take()
  assert.equal(rig.free, 84)
})

test('isShortage() is true of what may be there again, and of nothing else', () => {
  const code = Object.assign(new Error('Worker initialization failure: EAGAIN'), {
    code: 'ERR_WORKER_INIT_FAILED',
  })
  for (const error of [
    code,
    new Error("EMFILE: too many open files, open '/x'"),
    new Error('libc.so.6: cannot open shared object file: Too many open files'),
    new Error('ENOMEM (out of memory)'),
  ]) {
    assert.equal(isShortage(error), true, error.message)
  }
  for (const error of [new Error('exit code 1'), new Error('no such module'), 'EMFILE?', {}]) {
    assert.equal(isShortage(error), false)
  }
})
