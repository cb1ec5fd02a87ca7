import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERRNO } from '../../os/errno.ts'
import type { Os } from '../../os/os.ts'
import { SpareDescriptor } from './spare-descriptor.ts'

test('SpareDescriptor is given up once, and taken back when there is one again', () => {
  const free: number[] = [7]
  const os = {
    reserveFd: () => free.pop() ?? -ERRNO.EMFILE,
    close: (fd: number) => free.push(fd),
  } as unknown as Os
  const spare = new SpareDescriptor(os)
  assert.equal(spare.giveUp(), true)
  assert.equal(spare.giveUp(), false)
  assert.deepEqual(free, [7])
  free.length = 0 // somebody else has it
  assert.equal(spare.takeBack(), false)
  free.push(9)
  assert.equal(spare.takeBack(), true)
  assert.equal(spare.takeBack(), true)
  assert.deepEqual([spare.fd, free], [9, []])
})
