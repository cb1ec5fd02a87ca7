import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../../base/errors.ts'
import type { Control } from '../protocol.ts'
import { Dedicated } from './dedicated.ts'
import type { Thread } from './thread.ts'

/** A thread without anything behind it. */
function fakeThread(name: string) {
  const told: Control[] = []
  const thread = {
    name,
    told,
    hasEnded: false,
    past: undefined,
    tell: (it: Control) => told.push(it),
  }
  return thread as unknown as Thread & { readonly told: Control[] }
}

/** A node of one worker for anybody and two places for dedicated ones; starts end when told to. */
function rig() {
  const asker = fakeThread('asker')
  const workers: (Thread | undefined)[] = [asker, undefined, undefined]
  const starts: { worker: number; end: (found: Thread | undefined) => void }[] = []
  const printed: string[] = []
  const dedicated = new Dedicated({
    workers,
    first: 1,
    isStopping: () => false,
    loadOf: () => 0,
    bury: async () => true,
    start: (worker) =>
      new Promise((resolve) => {
        const info = { thread: 'it', reason: 'none' }
        const end = (found: Thread | undefined): void => {
          workers[worker] = found
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
  return { asker, workers, starts, printed, dedicated, ask }
}

test('start() of Dedicated gives a place to one alone, also before it has a thread', async () => {
  const { asker, starts, ask } = rig()
  const asked = [ask(1), ask(2), ask(3)]
  assert.deepEqual(
    starts.map(({ worker }) => worker),
    [1, 2],
  )
  for (const { worker, end } of starts) end(fakeThread(`dedicated ${worker}`))
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
  const { asker, workers, starts, dedicated, ask } = rig()
  const thread = fakeThread('dedicated 1')
  const asked = ask(1)
  starts[0]!.end(thread)
  await asked
  dedicated.forget(asker)
  assert.deepEqual([thread.told, thread.past], [[{ kind: 'leave' }], []])
  await dedicated.lost(1, new Error('exit code 0'))
  assert.equal(workers[1], undefined)
  dedicated.forget(asker)
  assert.equal(thread.told.length, 1)
})
