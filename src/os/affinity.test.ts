import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { ERRNO } from './errno.ts'
import type { Os } from './os.ts'
import { PosixOs } from './posix.ts'
import { inThread, libc, linux } from './rig.kit.ts'

const LINUX = process.platform === 'linux'

test('setAffinity() keeps the calling thread on the cores, and only that thread', {
  skip: !LINUX,
}, async () => {
  const before = await inThread<undefined, string>(allowed, undefined)
  const task = async (os: Os, cpu: number) => {
    const result = os.setAffinity([cpu])
    const { readFileSync } = await import('node:fs')
    const status = readFileSync('/proc/thread-self/status', 'utf8')
    return [result, /Cpus_allowed_list:\s*(\S+)/.exec(status)![1]]
  }
  const cpu = Number.parseInt(before, 10)
  assert.deepEqual(await inThread(task, cpu), [0, String(cpu)])
  assert.equal(await inThread<undefined, string>(allowed, undefined), before)
})

/** The cores of the thread that asks, as `0-3`. */
async function allowed(): Promise<string> {
  const { readFileSync } = await import('node:fs')
  const status = readFileSync('/proc/thread-self/status', 'utf8')
  return /Cpus_allowed_list:\s*(\S+)/.exec(status)![1]!
}

test('setAffinity() refuses cores that there are not', { skip: !LINUX }, () => {
  for (const cpus of [[], [1023], [-1], [1.5], [1024], [Number.NaN]]) {
    if (cpus[0] === 1023 && availableParallelism() >= 1023) continue
    assert.equal(linux.setAffinity(cpus), -ERRNO.EINVAL, String(cpus))
  }
})

test('setAffinity() is -ENOSYS where there is no such call', () => {
  const plain = new PosixOs({ ...libc, linux: undefined }, 'poll')
  assert.equal(plain.setAffinity([0]), -ERRNO.ENOSYS)
})
