import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Report } from '../protocol.ts'
import type { Thread } from './thread.ts'
import { ThreadTable } from './thread-table.ts'

/** A thread that answers what it is told, or has died. */
function fakeThread(name: string, { isReady = true, isAlive = true } = {}) {
  const told: string[] = []
  const next = async (): Promise<Report> => {
    if (!isAlive) throw new Error('it is over')
    return { kind: 'stopped' }
  }
  const thread = {
    name,
    isReady,
    told,
    tell: ({ kind }: { kind: string }) => told.push(kind),
    next,
  }
  return thread as unknown as Thread & { readonly told: readonly string[] }
}

test('ThreadTable has workers for anybody, and behind them places that may be empty', () => {
  const table = new ThreadTable(1, 2)
  const [first, dedicated] = [fakeThread('first'), fakeThread('dedicated')]
  table.put(0, first)
  table.put(2, dedicated)
  assert.deepEqual(table.places(), [1, 2])
  assert.deepEqual(table.workers(), [first, dedicated])
  table.put(2, undefined)
  assert.deepEqual([table.at(2), table.workers()], [undefined, [first]])
})

test('tellOthers() of a ThreadTable tells all but one, where somebody is', () => {
  const table = new ThreadTable(3, 1)
  const threads = ['a', 'b', 'c'].map((name) => fakeThread(name))
  for (const [worker, thread] of threads.entries()) table.put(worker, thread)
  table.tellOthers(1, { kind: 'inspect' })
  assert.deepEqual(
    threads.map(({ told }) => told.length),
    [1, 0, 1],
  )
})

test('tellAll() of a ThreadTable waits for no worker that has not begun, or is over', async () => {
  const table = new ThreadTable(3, 0)
  const late = fakeThread('late', { isReady: false })
  const threads = [fakeThread('lives'), fakeThread('died', { isAlive: false }), late]
  for (const [worker, thread] of threads.entries()) table.put(worker, thread)
  await table.tellAll({ kind: 'stop' }, 'stopped')
  assert.deepEqual(
    threads.map(({ told }) => told),
    [['stop'], ['stop'], []],
  )
})
