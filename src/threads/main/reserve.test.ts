import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import type { Os } from '../../os/os.ts'
import { isOfDescriptors, isShortage, Reserve } from './reserve.ts'

/** Of a system with so many descriptors. */
function rig(count: number) {
  const system = { free: count, areClientsHeld: false }
  const os = {
    reserveFd: () => (system.free === 0 ? -24 : system.free--),
    close: () => system.free++,
  } as Partial<Os> as Os
  const hold = (isHeld: boolean): void => {
    system.areClientsHeld = isHeld
  }
  return { system, reserve: new Reserve(os, hold) }
}

/** What starts until it is told to end. */
function starting() {
  let end!: (outcome: string | Promise<string>) => void
  const promise = new Promise<string>((resolve) => {
    end = resolve
  })
  return { start: () => promise, end }
}

test('Reserve holds what there is, lends it, and takes it again', async () => {
  const { system, reserve } = rig(10)
  reserve.take()
  assert.equal(system.free, 0)
  assert.equal(await reserve.lend(async () => system.free), 10)
  system.free = 100
  reserve.take()
  reserve.take()
  assert.equal(system.free, 84)
})

test('isNeeded() of a Reserve is true where a thread may find too few, and keeps none', () => {
  const { system, reserve } = rig(32)
  reserve.take()
  assert.deepEqual([reserve.isNeeded(), system.free], [false, 16])
  system.free = 15
  assert.deepEqual([reserve.isNeeded(), system.free], [true, 15])
})

// Proves: docs/node.md#death-descriptors
test('lend() of a Reserve keeps clients waiting until all starts are over', async () => {
  const { system, reserve } = rig(16)
  reserve.take()
  const [first, second] = [starting(), starting()]
  const lent = [reserve.lend(first.start), reserve.lend(second.start)]
  reserve.take()
  assert.deepEqual(system, { free: 16, areClientsHeld: true })
  first.end('ready')
  assert.equal(await lent[0], 'ready')
  reserve.take()
  assert.deepEqual(system, { free: 16, areClientsHeld: true })
  second.end(Promise.reject(new Error('none')))
  await assert.rejects(lent[1]!, /none/)
  assert.equal(system.areClientsHeld, false)
  reserve.take()
  assert.equal(system.free, 0)
})

test('start() of a Reserve lends it at once where there are too few descriptors', async () => {
  const { system, reserve } = rig(20)
  reserve.take()
  const begin = async () => system.free
  assert.equal(await reserve.start(begin, () => true), 20)
})

test('start() of a Reserve lends it to a second try of what found too few', async () => {
  const cause = new Error('EMFILE: too many open files')
  const found = new SkynetError(
    'ERR_THREAD_DIED',
    { thread: 'it', reason: cause.message },
    { cause },
  )
  for (const [isWanted, expected] of [
    [true, [48 - 16, 48]],
    [false, [48 - 16]],
  ] as const) {
    const { system, reserve } = rig(48)
    reserve.take()
    const tries: number[] = []
    const begin = async () => (tries.push(system.free) === 1 ? found : 'ready')
    const outcome = await reserve.start(begin, () => isWanted)
    assert.deepEqual([outcome, tries], [isWanted ? 'ready' : found, expected])
    assert.equal(system.areClientsHeld, false)
  }
})

// Proves: docs/node.md#node-leaves
test('Reserve that is closed takes nothing any more', async () => {
  const { system, reserve } = rig(100)
  reserve.take()
  reserve.close()
  assert.equal(system.free, 100)
  reserve.take()
  assert.equal(system.free, 100)
})

test('isOfDescriptors() is true of a shortage of them alone', () => {
  const is = ['EMFILE: too many open files', 'ENFILE', 'x.so: Too many open files', 'EAGAIN'].map(
    (message) => isOfDescriptors(new Error(message)),
  )
  assert.deepEqual(is, [true, true, true, false])
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
