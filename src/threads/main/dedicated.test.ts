import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import type { Control } from '../protocol.ts'
import { Dedicated, type DedicatedThread } from './dedicated.ts'

/** A thread without anything behind it. */
function fakeThread() {
  const told: Control[] = []
  const left: number[][] = []
  return {
    told,
    left,
    hasEnded: false,
    tell: (it: Control) => void told.push(it),
    leave: (past: readonly number[]) => void left.push([...past]),
    get past() {
      return left[0]
    },
  }
}

/** A node of one worker for anybody and two places for dedicated ones; starts end when told to. */
function rig() {
  const asker = fakeThread()
  const threads = new Map<number, DedicatedThread>()
  const starts: { worker: number; end: (found: DedicatedThread | undefined) => void }[] = []
  const printed: string[] = []
  const dedicated = new Dedicated({
    isEnding: () => false,
    places: [1, 2],
    threadAt: (worker) => threads.get(worker),
    empty: (worker) => threads.delete(worker),
    loadOf: () => 0,
    bury: async () => true,
    start: (worker) =>
      new Promise((resolve) => {
        const info = { thread: 'it', reason: 'none' }
        const end = (found: DedicatedThread | undefined): void => {
          if (found !== undefined) threads.set(worker, found)
          resolve(found ?? new SkynetError('ERR_THREAD_DIED', info))
        }
        starts.push({ worker, end })
      }),
    started: () => {},
    print: (text) => printed.push(text),
    lostAll: () => assert.fail('others are left'),
  })
  const ask = (token: number): Promise<void> =>
    dedicated.start(asker, { kind: 'dedicate', token, memoryLimitMb: 0 })
  return { asker, threads, starts, printed, dedicated, ask }
}

test('start() of Dedicated gives a place to one alone, also before it has a thread', async () => {
  const { asker, starts, ask } = rig()
  const asked = [ask(1), ask(2), ask(3)]
  assert.deepEqual(
    starts.map(({ worker }) => worker),
    [1, 2],
  )
  for (const { end } of starts) end(fakeThread())
  await Promise.all(asked)
  assert.deepEqual(asker.told, [
    { kind: 'dedicated', token: 3, worker: -1 },
    { kind: 'dedicated', token: 1, worker: 1 },
    { kind: 'dedicated', token: 2, worker: 2 },
  ])
})

test('start() of Dedicated gives the place back when there was no thread to be had', async () => {
  const { asker, starts, printed, ask } = rig()
  const first = ask(1)
  starts[0]!.end(undefined)
  await first
  assert.deepEqual(asker.told, [{ kind: 'dedicated', token: 1, worker: -1 }])
  assert.match(printed.join(), /^Cannot start a dedicated worker: none/)
  void ask(2)
  assert.equal(starts[1]!.worker, 1)
})

test('forget() of Dedicated ends those that were asked for on a worker that is gone', async () => {
  const { asker, threads, starts, dedicated, ask } = rig()
  const thread = fakeThread()
  const asked = ask(1)
  starts[0]!.end(thread)
  await asked
  dedicated.forget(asker)
  assert.deepEqual(thread.left, [[]])
  await dedicated.lost(1, new Error('exit code 0'))
  assert.equal(threads.has(1), false)
  dedicated.forget(asker)
  assert.equal(thread.left.length, 1)
})
