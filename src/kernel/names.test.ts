import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { isSkynetError } from '../base/errors.ts'
import { NAME_BYTES_MAX, NAMES_MAX } from '../base/limits.ts'
import { createHandleMemory, type HandleMemory, Handles } from './handles.ts'
import { createNameMemory, Names, NODE_NAMES } from './names.ts'

interface Job {
  readonly handleMemory: HandleMemory
  readonly nameMemory: SharedArrayBuffer
  /** How many threads own the shared name now. */
  readonly owners: Int32Array
  readonly thread: number
  readonly rounds: number
}

function newNode(idMax = 20_000, harbor = 0) {
  const handleMemory = createHandleMemory(idMax)
  const nameMemory = createNameMemory()
  const handles = new Handles(handleMemory, harbor)
  const names = new Names(nameMemory, handles, 1)
  /** The end of a service as its worker does it. */
  const end = (handle: number): void => {
    handles.retire(handle)
    if (handles.isNamed(handle)) names.release(handle)
  }
  return { handleMemory, nameMemory, handles, names, end }
}

function wins(names: Names, handle: number): boolean {
  try {
    names.register('.shared', handle)
    return true
  } catch (error) {
    if (isSkynetError(error, 'ERR_NAME_TAKEN')) return false
    throw error
  }
}

/** Races for names that all threads want, and checks its own answers. */
function race({ handleMemory, nameMemory, owners, thread, rounds }: Job): void {
  const handles = new Handles(handleMemory, 1)
  const names = new Names(nameMemory, handles, thread + 1)
  for (let i = 0; i < rounds; i++) {
    const handle = handles.register(thread)
    const own = `.own-${thread}-${i}`
    names.register(own, handle)
    assert.equal(names.query(own), handle)
    if (wins(names, handle)) {
      assert.equal(Atomics.add(owners, 0, 1), 0, 'one owner at a time')
      assert.equal(names.query('.shared'), handle)
      Atomics.add(owners, 1, 1)
      Atomics.sub(owners, 0, 1)
    }
    assert.equal(handles.retire(handle), true)
    if (handles.isNamed(handle)) names.release(handle)
    assert.equal(names.query(own), 0)
    assert.notEqual(names.query('.shared'), handle)
  }
}

if (isMainThread) {
  test('query finds what was registered, and 0 for what was not', () => {
    const { handles, names } = newNode(16, 255)
    const handle = handles.register(0)
    assert.equal(names.query('.launcher'), 0)
    names.register('.launcher', handle)
    assert.equal(names.query('.launcher'), handle)
    assert.equal(handle, 0xff000001)
    for (const other of ['launcher', '.launche', '.launcherr', '.', '', '.Launcher', '. ']) {
      assert.equal(names.query(other), 0)
    }
  })

  test('register of several names for one service keeps all, and of() sorts them', () => {
    const { handles, names, end } = newNode()
    const [first, second] = [handles.register(0), handles.register(0)]
    names.register('.zhōng', first)
    names.register('.a', first)
    names.register('.b', second)
    assert.deepEqual(names.of(first), ['.a', '.zhōng'])
    assert.deepEqual(names.of(0), [])
    end(first)
    assert.deepEqual(names.of(first), [])
    assert.equal(names.query('.a'), 0)
    assert.equal(names.query('.b'), second)
    assert.equal(handles.isNamed(first), false)
  })

  test('register refuses a name that is no name', () => {
    const { handles, names } = newNode()
    const handle = handles.register(0)
    const long = `.${'é'.repeat(NAME_BYTES_MAX / 2)}`
    for (const name of [
      '',
      '.',
      'a',
      ':1',
      '.a b',
      '.a\n',
      '.\u00a0',
      '.\ud800',
      '.\0',
      '.a\x1b[31m',
      '.\x7f',
      `${long}x`,
    ]) {
      assert.throws(() => names.register(name, handle), { code: 'ERR_NAME_INVALID' }, name)
    }
    assert.equal(handles.isNamed(handle), false)
    names.register(long, handle)
    assert.equal(names.query(long), handle)
    assert.deepEqual(names.of(handle), [long])
  })

  test('register refuses a taken name, also for its owner, until the service ends', () => {
    const { handles, names, end } = newNode()
    const [first, second] = [handles.register(0), handles.register(0)]
    names.register('.db', first)
    assert.throws(() => names.register('.db', second), { code: 'ERR_NAME_TAKEN' })
    assert.throws(() => names.register('.db', first), { code: 'ERR_NAME_TAKEN' })
    end(first)
    names.register('.db', second)
    assert.equal(names.query('.db'), second)
  })

  test('register takes a name over from a dead service before its release', () => {
    const { handles, names } = newNode()
    const [first, second] = [handles.register(0), handles.register(0)]
    names.register('.db', first)
    handles.retire(first)
    assert.equal(names.query('.db'), 0)
    names.register('.db', second)
    names.release(first)
    assert.equal(names.query('.db'), second)
    assert.deepEqual(names.of(second), ['.db'])
  })

  test('register refuses a dead service and names its handle', () => {
    const { handles, names } = newNode()
    const handle = handles.register(0)
    handles.retire(handle)
    assert.throws(
      () => names.register('.late', handle),
      (error) => isSkynetError(error, 'ERR_NAME_UNKNOWN') && error.message.includes(':00000001'),
    )
    assert.equal(names.query('.late'), 0)
    assert.equal(handles.isNamed(handle), false)
  })

  test('query of another thread sees every change, unknown names included', () => {
    const { handles, names, nameMemory, end } = newNode()
    const elsewhere = new Names(nameMemory, handles, 2)
    for (let round = 0; round < 3; round++) {
      assert.equal(elsewhere.query('.db'), 0)
      const handle = handles.register(0)
      names.register('.db', handle)
      assert.equal(elsewhere.query('.db'), handle)
      end(handle)
    }
    assert.equal(elsewhere.query('.db'), 0)
  })

  test('query of a handle used again does not find the old name', () => {
    const { handles, names, end } = newNode(1)
    const old = handles.register(0)
    names.register('.old', old)
    assert.equal(names.query('.old'), old)
    end(old)
    assert.equal(handles.register(0), old)
    assert.equal(names.query('.old'), 0)
  })

  // Proves: docs/semantics.md#death-node-services
  test('register has room for the names of the node when all others are in use', () => {
    const { handles, names } = newNode()
    const handle = handles.register(0)
    for (let i = 0; i < NAMES_MAX; i++) names.register(`.n${i}`, handle)
    for (const name of NODE_NAMES) names.register(name, handle)
    assert.equal(names.query('.logger'), handle)
  })

  // Proves: docs/limits.md#names
  test('register refuses one name more than NAMES_MAX, and release makes room', () => {
    const { handles, names, end } = newNode()
    const [first, second] = [handles.register(0), handles.register(0)]
    for (let i = 0; i < NAMES_MAX; i++) names.register(`.n${i}`, i % 2 === 0 ? first : second)
    const isLimit = { code: 'ERR_NAME_LIMIT' }
    assert.throws(() => names.register('.more', second), isLimit)
    assert.throws(() => names.register('.n0', second), { code: 'ERR_NAME_TAKEN' })
    end(first)
    assert.deepEqual(names.of(first), [])
    assert.equal(names.of(second).length, NAMES_MAX / 2)
    for (let i = 0; i < NAMES_MAX; i++) {
      assert.equal(names.query(`.n${i}`), i % 2 === 0 ? 0 : second)
    }
    for (let i = 0; i < NAMES_MAX; i += 2) names.register(`.n${i}`, second)
    assert.throws(() => names.register('.more', second), isLimit)
  })

  test('names behave as a map for any registers and ends', () => {
    const word = fc.nat(40).map((n) => `.w${n}`)
    const step = fc.oneof(
      fc.record({ name: word, service: fc.nat(7) }),
      fc.record({ end: fc.nat(7) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const { handles, names, end } = newNode()
        const services = Array.from({ length: 8 }, () => handles.register(0))
        const model = new Map<string, number>()
        for (const each of steps) {
          if ('end' in each) {
            const handle = services[each.end]
            end(handle)
            for (const [name, owner] of model) if (owner === handle) model.delete(name)
            services[each.end] = handles.register(0)
          } else if (!model.has(each.name)) {
            names.register(each.name, services[each.service])
            model.set(each.name, services[each.service])
          }
          for (let n = 0; n <= 40; n++) {
            assert.equal(names.query(`.w${n}`), model.get(`.w${n}`) ?? 0)
          }
        }
      }),
      { numRuns: 30 },
    )
  })

  // Proves: docs/semantics.md#name
  test('threads racing for one name never both own it, and leave nothing behind', async () => {
    const { handleMemory, nameMemory, handles, names } = newNode(16_000, 1)
    const owners = new Int32Array(new SharedArrayBuffer(8))
    const exits = [1, 2].map(async (thread) => {
      const job: Job = { handleMemory, nameMemory, owners, thread, rounds: 1000 }
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job })
      const [code] = await once(worker, 'exit')
      return code
    })
    assert.deepEqual(await Promise.all(exits), [0, 0])
    assert.ok(owners[1] >= 1000, 'whenever one loses, the other has won')
    assert.equal(handles.count, 0)
    assert.equal(names.query('.shared'), 0)
    assert.equal(new Int32Array(nameMemory)[2], 0)
  })
} else {
  race(workerData as Job)
}
