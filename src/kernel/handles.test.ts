import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { isSkynetError } from '../base/errors.ts'
import { HANDLE_ID_MAX, WORKERS_MAX } from '../base/limits.ts'
import { createHandleMemory, type HandleMemory, Handles } from './handles.ts'

interface Job {
  readonly memory: HandleMemory
  readonly worker: number
  readonly rounds: number
}

/** Registers and retires every second one; returns those that stay. */
function churn({ memory, worker, rounds }: Job): number[] {
  const handles = new Handles(memory, 1)
  const kept: number[] = []
  for (let i = 0; i < rounds; i++) {
    const handle = handles.register(worker)
    if (i % 2 === 0) kept.push(handle)
    else assert.equal(handles.retire(handle), true)
  }
  return kept
}

const newHandles = (idMax: number, harbor = 0): Handles =>
  new Handles(createHandleMemory(idMax), harbor)

if (isMainThread) {
  test('takeEndless tells once of each markEndless, and of nobody who is dead', () => {
    const handles = newHandles(16)
    const [one, other] = [handles.register(3), handles.register(3, true)]
    handles.markEndless(one)
    handles.markEndless(one)
    assert.deepEqual([handles.workerOf(one), handles.users], [3, 1])
    assert.deepEqual(
      [one, one, other].map((each) => handles.takeEndless(each)),
      [true, false, false],
    )
    handles.markNamed(other)
    handles.markEndless(other)
    handles.retire(other)
    assert.deepEqual([handles.takeEndless(other), handles.isNamed(other)], [false, true])
    handles.markEndless(other)
    assert.deepEqual([handles.takeEndless(other), handles.takeEndless(0)], [false, false])
  })

  test('users leaves out services of the system, from register to retire', () => {
    const handles = newHandles(16)
    const system = handles.register(3, true)
    assert.deepEqual([handles.count, handles.users, handles.workerOf(system)], [1, 0, 3])
    const user = handles.register(3)
    handles.markNamed(system)
    handles.markNamed(user)
    assert.deepEqual([handles.count, handles.users], [2, 1])
    handles.retire(user)
    assert.deepEqual([handles.count, handles.users], [1, 0])
    handles.retire(system)
    assert.deepEqual([handles.count, handles.users], [0, 0])
  })

  test('register counts ids up from 1, with the harbor in the high byte as a u32', () => {
    const handles = newHandles(16, 255)
    assert.equal(handles.register(0), 0xff000001)
    assert.equal(handles.register(WORKERS_MAX - 1), 0xff000002)
    assert.equal(handles.workerOf(0xff000001), 0)
    assert.equal(handles.workerOf(0xff000002), WORKERS_MAX - 1)
    assert.equal(handles.count, 2)
    assert.throws(() => handles.register(WORKERS_MAX), assert.AssertionError)
  })

  test('retireAll ends the handles of one worker, and says whose names are left', () => {
    const handles = newHandles(8, 1)
    const ours = [0, 1, 0, 1, 1].map((worker) => [worker, handles.register(worker)] as const)
    const dead = ours.filter(([worker]) => worker === 1).map(([, handle]) => handle)
    handles.markNamed(dead[2]!)
    handles.markNamed(ours[0]![1])
    // Retired, but not its names: its worker died in between.
    handles.retire(dead[1]!)
    handles.markNamed(dead[0]!)
    handles.retire(dead[0]!)
    assert.deepEqual(handles.retireAll(1), { dead: [dead[2]], named: [dead[0], dead[2]] })
    assert.equal(handles.count, 2)
    assert.deepEqual(handles.retireAll(1), { dead: [], named: [dead[0], dead[2]] })
  })

  test('retireAll finds handles also after the wrap', () => {
    const handles = newHandles(4)
    for (let i = 0; i < 3; i++) handles.retire(handles.register(0))
    const [before, after] = [handles.register(1), handles.register(1)]
    assert.deepEqual([before, after], [4, 1])
    assert.deepEqual(handles.retireAll(1).dead, [1, 4])
    assert.equal(handles.count, 0)
  })

  test('workerOf is -1 for nobody, an id never given out, and another harbor', () => {
    const handles = newHandles(16, 1)
    const handle = handles.register(3)
    for (const other of [0, 0x01000000, 0x01000002, 0x01000011, 0x01ffffff, 0x02000001, 1]) {
      assert.equal(handles.workerOf(other), -1)
      assert.equal(handles.retire(other), false)
      assert.equal(handles.markNamed(other), false)
      assert.equal(handles.isNamed(other), false)
    }
    assert.equal(handles.workerOf(handle), 3)
  })

  // Proves: docs/semantics.md#handle
  // Proves: docs/skynet.md#testhandle
  test('openAbroad has one worker for all handles of other harbors, and no other', () => {
    const handles = newHandles(16, 3)
    const own = handles.register(5)
    const all = [0x01000001, 0xff000000, 0x04ffffff, 0, 0x03000009, 7, own]
    const homes = (): number[] => all.map((handle) => handles.workerOf(handle))
    const nobody = [-1, -1, -1, -1, -1, -1, 5]
    assert.deepEqual(homes(), nobody)
    assert.equal(handles.openAbroad(2), true)
    assert.equal(handles.openAbroad(4), false)
    assert.deepEqual(homes(), [2, 2, 2, -1, -1, -1, 5])
    // They are none of this node: what ends and names services does not know them.
    for (const handle of all.slice(0, 3)) {
      assert.equal(handles.isAbroad(handle), true)
      assert.deepEqual([handles.retire(handle), handles.markNamed(handle)], [false, false])
      handles.markEndless(handle)
      assert.equal(handles.takeEndless(handle), false)
    }
    assert.deepEqual([handles.isAbroad(own), handles.isAbroad(7), handles.count], [false, false, 1])
    handles.closeAbroad(4)
    assert.deepEqual(handles.retireAll(4), { dead: [], named: [] })
    assert.equal(handles.workerOf(0x01000001), 2)
    // Also when its worker has died.
    handles.retireAll(2)
    assert.deepEqual(homes(), nobody)
    assert.equal(handles.openAbroad(4), true)
    handles.closeAbroad(4)
    assert.deepEqual(homes(), nobody)
  })

  test('retire ends a handle once, and its id returns only after a full wrap', () => {
    const handles = newHandles(16)
    const first = handles.register(5)
    assert.equal(handles.retire(first), true)
    assert.equal(handles.retire(first), false)
    assert.equal(handles.workerOf(first), -1)
    assert.equal(handles.count, 0)
    for (let id = 2; id <= 16; id++) {
      assert.equal(handles.register(0), id)
      handles.retire(id)
    }
    assert.equal(handles.register(0), 1)
  })

  test('register skips ids in use after the wrap, and throws when all are', () => {
    const handles = newHandles(16)
    for (let id = 1; id <= 16; id++) handles.register(id)
    const isLimit = (error: unknown) =>
      isSkynetError(error, 'ERR_SERVICE_LIMIT') && error.info.limit === 16
    assert.throws(() => handles.register(0), isLimit)
    assert.equal(handles.count, 16)
    handles.retire(9)
    assert.equal(handles.register(7), 9)
    assert.equal(handles.workerOf(9), 7)
    assert.throws(() => handles.register(0), isLimit)
  })

  test('isNamed outlives the service until clearNamed, and keeps the id from a new one', () => {
    const handles = newHandles(2)
    const handle = handles.register(1)
    assert.equal(handles.isNamed(handle), false)
    assert.equal(handles.markNamed(handle), true)
    assert.equal(handles.workerOf(handle), 1)
    assert.equal(handles.retire(handle), true)
    assert.equal(handles.retire(handle), false)
    assert.equal(handles.isNamed(handle), true)
    assert.equal(handles.markNamed(handle), false)
    assert.equal(handles.workerOf(handle), -1)
    assert.equal(handles.register(1), 2)
    assert.throws(() => handles.register(1), { code: 'ERR_SERVICE_LIMIT' })
    assert.equal(handles.count, 1)
    handles.clearNamed(handle)
    assert.equal(handles.isNamed(handle), false)
    assert.equal(handles.register(1), handle)
  })

  test('the table of a real node has a place for every id', () => {
    const memory = createHandleMemory()
    // And one for all those of other harbors.
    assert.equal(memory.table.byteLength, (HANDLE_ID_MAX + 2) * 2)
    Atomics.store(new Int32Array(memory.counters), 0, HANDLE_ID_MAX - 1)
    const handles = new Handles(memory, 255)
    assert.equal(handles.register(0), 0xffffffff)
    assert.equal(handles.register(0), 0xff000001)
  })

  test('threads that register at once get distinct handles', async () => {
    const memory = createHandleMemory(20_000)
    const rounds = 12_000 // three times: the ids wrap, and no handle is left over
    const answers = [1, 2].map(async (worker) => {
      const job: Job = { memory, worker, rounds }
      const thread = new Worker(fileURLToPath(import.meta.url), { workerData: job })
      const [kept] = (await once(thread, 'message')) as [number[]]
      return kept
    })
    const kept = [churn({ memory, worker: 0, rounds }), ...(await Promise.all(answers))]
    const handles = new Handles(memory, 1)
    assert.equal(new Set(kept.flat()).size, (3 * rounds) / 2)
    assert.equal(handles.count, (3 * rounds) / 2)
    kept.forEach((list, worker) => {
      assert.equal(
        list.every((handle) => handles.workerOf(handle) === worker),
        true,
      )
    })
  })
} else {
  parentPort?.postMessage(churn(workerData as Job))
}
