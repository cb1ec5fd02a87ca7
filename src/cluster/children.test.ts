import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { setImmediate } from '../base/event-loop.ts'
import { Children } from './children.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const SUPERVISOR = 0x0200_0001

/** Services that only note what they are told; a test says how launches and lives end. */
function setUp() {
  const said: string[] = []
  const ends = new Map<number, (ending: unknown) => void>()
  const launches: { ready(handle: number): void; fail(error: Error): void }[] = []
  /** Of the next tries to kill one. */
  const faults: string[] = []
  const rests: ((isAgain: boolean) => void)[] = []
  const children = new Children({
    self: () => ({ node: 'b', epoch: 7 }),
    launch: (url, _options, signal) =>
      new Promise((ready, fail) => {
        said.push(`launch ${url}`)
        signal.addEventListener('abort', () => fail(new Error('given up')))
        launches.push({ ready, fail })
      }),
    ended: (handle, signal) =>
      new Promise((resolve, reject) => {
        ends.set(handle, resolve)
        signal.addEventListener('abort', () => reject(new Error('given up')))
      }),
    kill: async (handle) => {
      said.push(`kill ${handle}`)
      if (faults.length > 0) throw faults.shift()!
    },
    unkilled: (handle, error) => said.push(`unkilled ${handle} ${error}`),
    rest: () => new Promise((resolve) => rests.push(resolve)),
    hold: (handle, isOn) => said.push(`hold ${handle} ${isOn}`),
  })
  const launch = (id: string): Promise<number> => children.launch(id, SUPERVISOR, id, {})
  return { children, launch, launches, ends, faults, rests, take: () => said.splice(0) }
}

// Proves: docs/cluster.md#supervise-end
test('a child ends with its supervisor, and nothing is kept of it', async () => {
  const { children, launch, launches, ends, take } = setUp()
  const launched = launch('x')
  launches[0]!.ready(7)
  assert.equal(await launched, 7)
  ends.get(SUPERVISOR)!({ reason: 'node down' })
  await turn()
  assert.deepEqual(take(), ['launch x', 'kill 7'])
  assert.equal(children.size, 0)
})

test('a child that ends by itself, or does not begin, leaves nothing', async () => {
  const { children, launch, launches, ends, take } = setUp()
  const first = launch('x')
  launches[0]!.ready(7)
  await first
  ends.get(7)!({ reason: 'exit' })
  await turn()
  assert.equal(children.size, 0)
  const second = launch('y')
  launches[1]!.fail(new Error('its setup'))
  await assert.rejects(second, /its setup/)
  assert.equal(children.size, 0)
  ends.get(SUPERVISOR)!({ reason: 'exit' })
  await turn()
  assert.deepEqual(take(), ['launch x', 'launch y'])
})

// Proves: docs/cluster.md#supervise-one
test('end() says that there is none: of one that runs, that begins, that never was', async () => {
  const { children, launch, launches, take } = setUp()
  await children.end('never')
  const running = launch('x')
  launches[0]!.ready(7)
  await running
  await children.end('x')
  const beginning = assert.rejects(launch('y'), /given up/)
  await children.end('y')
  await beginning
  // Done in the turn in which it is given up.
  const late = launch('z')
  launches[2]!.ready(8)
  const ended = children.end('z')
  await Promise.all([late, ended])
  assert.deepEqual(take(), ['launch x', 'kill 7', 'launch y', 'launch z', 'kill 8'])
  assert.equal(children.size, 0)
})

test('the same child is launched once', async () => {
  const { launch, launches } = setUp()
  const first = launch('x')
  await assert.rejects(launch('x'), { code: 'ERR_SERVICE_LAUNCH' })
  launches[0]!.ready(7)
  assert.equal(await first, 7)
})

// Proves: docs/cluster.md#supervise-cut
test('children of a node that is not heard wait, and end when it was declared down', async () => {
  const { children, launch, launches, take } = setUp()
  const first = launch('x')
  launches[0]!.ready(7)
  await first
  // What begins would begin beside the next one.
  const second = assert.rejects(launch('y'), /given up/)
  children.acting(false)
  await second
  const { message } = new SkynetError('ERR_NODE_LOST', { node: 'b', epoch: 7, sent: 'no' })
  await assert.rejects(launch('z'), { message })
  assert.deepEqual(take(), ['launch x', 'launch y', 'hold 7 true'])
  children.acting(true)
  assert.deepEqual(take(), ['hold 7 false'])
  children.acting(false)
  children.overtaken()
  // It is a member again before that has ended: this is not let go.
  children.acting(true)
  await turn()
  assert.deepEqual(take(), ['hold 7 true', 'kill 7'])
  assert.equal(children.size, 0)
})

// Proves: docs/cluster.md#supervise-one
test('a child that cannot be ended yet is kept, held and told, until it has ended', async () => {
  const { children, launch, launches, ends, faults, rests, take } = setUp()
  const launched = launch('x')
  launches[0]!.ready(7)
  await launched
  faults.push('busy', 'busy still')
  ends.get(SUPERVISOR)!({ reason: 'exit' })
  await turn()
  let isOver = false
  const asked = children.end('x').then(() => {
    isOver = true
  })
  await turn()
  assert.deepEqual(take(), ['launch x', 'kill 7', 'hold 7 true', 'unkilled 7 busy'])
  assert.deepEqual([children.size, isOver, rests.length], [1, false, 1])
  // It is heard again: what is to end acts no more.
  children.acting(true)
  rests.shift()!(true)
  await turn()
  assert.deepEqual(take(), ['kill 7', 'hold 7 true'])
  rests.shift()!(true)
  await asked
  assert.deepEqual([take(), children.size, rests.length], [['kill 7'], 0, 0])
})

test('nobody tries to end a child once the service of the cluster ends', async () => {
  const { children, launch, launches, faults, rests, take } = setUp()
  const launched = launch('x')
  launches[0]!.ready(7)
  await launched
  faults.push('gone')
  const ended = children.end('x')
  await turn()
  rests.shift()!(false)
  await ended
  assert.deepEqual(take(), ['launch x', 'kill 7', 'hold 7 true', 'unkilled 7 gone'])
  assert.equal(children.size, 0)
})
