/** Monitors, links and supervisors: who is told how a service ended, and what comes of it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isSkynetError, type MethodsOf, type Skynet, supervise } from 'skynet-ts'
import type child from '../fixtures/child.ts'
import { type Body, type Handlers, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const alone = (title: string, body: Body) =>
  serviceTest(import.meta.url, title, body, { thread: 2 })
const PLACES = ['same', 1] as const
type Child = MethodsOf<typeof child>

const launch = (skynet: Skynet, on: 'same' | number, onFault: 'log' | 'end' = 'log') =>
  skynet.newService<typeof child>('./child.ts', { on, onFault })

// Proves: docs/semantics.md#monitor
check('monitor() tells once how a service ended, wherever it is', async (skynet) => {
  for (const on of PLACES) {
    const [left, killed, crashed] = [
      await launch(skynet, on),
      await launch(skynet, on),
      await launch(skynet, on, 'end'),
    ]
    const told = [left, killed, crashed, left].map(({ handle }) => skynet.monitor(handle))
    left.send.exit()
    await skynet.kill(killed.handle)
    crashed.send.fault()
    const [exit, kill, crash, again] = await Promise.all(told)
    assert.deepEqual(exit, { handle: left.handle, reason: 'exit' })
    assert.deepEqual(again, exit)
    assert.deepEqual(kill, { handle: killed.handle, reason: 'kill' })
    assert.equal(crash!.reason, 'crash')
    assert.ok(crash!.cause instanceof RangeError && crash!.cause.message === 'a fault')
    assert.deepEqual(await skynet.monitor(left.handle), { handle: left.handle, reason: 'gone' })
  }
})

// Proves: docs/semantics.md#monitor
alone('monitor() tells when the worker of a service died', async (skynet) => {
  const [peer, killer] = [await launch(skynet, 1), await launch(skynet, 1)]
  const told = skynet.monitor(peer.handle)
  killer.send.exitThread()
  const { handle, reason, cause } = await told
  assert.deepEqual([handle, reason], [peer.handle, 'worker died'])
  assert.ok(isSkynetError(cause, 'ERR_THREAD_DIED'))
})

// Proves: docs/semantics.md#on-fault
check('a fault leaves a service alone that was not launched with onFault', async (skynet) => {
  const peer = await launch(skynet, 1)
  peer.send.fault()
  assert.equal(await peer.call.ping(), undefined)
  await assert.rejects(launch(skynet, 1, 'die' as 'log'), TypeError)
})

// Proves: docs/semantics.md#kill-needed
check(
  'kill() and link() refuse the services that the node needs, by name and by handle',
  async (skynet) => {
    for (const name of ['.logger', '.service']) {
      const handle = skynet.localName(name)!
      const address = `:${handle.toString(16).padStart(8, '0')}`
      const refused = { code: 'ERR_SERVICE_NEEDED', info: { name } }
      for (const to of [name, handle, address]) {
        await assert.rejects(skynet.kill(to), refused)
        assert.throws(() => skynet.link(to), refused)
      }
      assert.equal(skynet.isAlive(handle), true)
    }
    assert.equal(await skynet.kill('.nobody'), false)
  },
)

// Proves: docs/semantics.md#link
check('link() ends both when one ends unmeant, and neither when it was meant', async (skynet) => {
  for (const on of PLACES) {
    for (const first of [0, 1]) {
      const pair = [await launch(skynet, on), await launch(skynet, 1)]
      await pair[0]!.call.link(pair[1]!.handle)
      const told = skynet.monitor(pair[1 - first]!.handle)
      await skynet.kill(pair[first]!.handle)
      assert.equal((await told).reason, 'linked')
    }
    const [one, other] = [await launch(skynet, on), await launch(skynet, 1)]
    await one.call.link(other.handle)
    const told = skynet.monitor(other.handle)
    other.send.exit()
    assert.equal((await told).reason, 'exit')
    assert.equal(await one.call.ping(), undefined, 'it goes on')
    await one.call.link(other.handle).catch(() => {})
    await until('a link to one that is gone ends it', () => !skynet.isAlive(one.handle))
  }
})

/** Supervise a, b and c; `born` says who began, in order. */
async function three(
  skynet: Skynet,
  handlers: Handlers,
  strategy: 'one-for-one' | 'one-for-all' | 'rest-for-one',
  more: object = {},
) {
  const born: string[] = []
  handlers.born = (name: string) => void born.push(name)
  const children = ['a', 'b', 'c'].map((name, i) => {
    return { name, path: './child.ts', args: [name, skynet.self], on: i % 2, ...more }
  })
  const supervisor = await supervise(skynet, { strategy, children })
  await until('all began', () => born.length === 3)
  return { supervisor, born }
}

for (const [strategy, again] of [
  ['one-for-one', 'b'],
  ['rest-for-one', 'bc'],
  ['one-for-all', 'abc'],
] as const) {
  // Proves: docs/semantics.md#supervise
  check(`supervise() launches again what ${strategy} says`, async (skynet, handlers) => {
    const { supervisor, born } = await three(skynet, handlers, strategy)
    const before = ['a', 'b', 'c'].map((name) => supervisor.child(name)!.handle)
    await skynet.kill(before[1]!)
    await until('they began again', () => born.length === 3 + again.length)
    assert.equal(born.slice(3).join(''), again)
    await until('all are there', () => ['a', 'b', 'c'].every((name) => supervisor.child(name)))
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      const ref = supervisor.child<Child>(name)!
      assert.equal(ref.handle === before[i], !again.includes(name))
      assert.equal(await ref.call.ping(), name)
    }
    await supervisor.stop()
    assert.ok(['a', 'b', 'c'].every((name) => supervisor.child(name) === undefined))
  })
}

// Proves: docs/semantics.md#supervise
check('supervise() leaves ends alone that its child says are fine', async (skynet, handlers) => {
  const { supervisor, born } = await three(skynet, handlers, 'one-for-one', {
    restart: 'on-failure',
  })
  const told = skynet.monitor(supervisor.child('a')!.handle)
  supervisor.child<Child>('a')!.send.exit()
  await told
  await skynet.kill(supervisor.child('c')!.handle)
  await until('only c began again', () => born.length === 4)
  assert.equal(born.join(''), 'abcc')
  assert.equal(supervisor.child('a'), undefined)
  await supervisor.stop()
})

// Proves: docs/semantics.md#supervise-args
check('supervise() hands over what the function of args says, after a wait', async (skynet) => {
  let state = 0
  const reasons: unknown[] = []
  const args = (last?: { reason: string }) => {
    reasons.push(last?.reason)
    return [`state ${state++}`]
  }
  const children = [{ name: 'a', path: './child.ts', args }]
  const options = { strategy: 'one-for-one', children, backoffMs: 20 } as const
  const supervisor = await supervise(skynet, options)
  for (const [round, waitMs] of [20, 40].entries()) {
    const before = supervisor.child('a')!.handle
    const endedAt = skynet.now()
    await skynet.kill(before)
    await until('it is there again', () => (supervisor.child('a')?.handle ?? before) !== before)
    assert.ok(skynet.now() - endedAt >= waitMs, 'the wait doubles')
    assert.equal(await supervisor.child<Child>('a')!.call.ping(), `state ${round + 1}`)
  }
  assert.deepEqual(reasons, [undefined, 'kill', 'kill'])
  await supervisor.stop()
})

// Proves: docs/semantics.md#supervise
alone('supervise() launches again on the next worker what went with one', async (skynet) => {
  const children = [{ name: 'a', path: './child.ts', on: 1 }]
  const supervisor = await supervise(skynet, { strategy: 'one-for-one', children })
  const before = supervisor.child<Child>('a')!
  before.send.exitThread()
  await until('it is there again', () => (supervisor.child('a') ?? before).handle !== before.handle)
  assert.equal(await supervisor.child<Child>('a')!.call.worker(), 1)
})

// Proves: docs/semantics.md#supervise-limit
check('supervise() gives up after maxRestarts, and ends its service', async (skynet, handlers) => {
  const born: number[] = []
  handlers.born = (_name: string, handle: number) => void born.push(handle)
  const boss = await skynet.newService('./boss.ts', { args: [skynet.self, 2], on: 1 })
  const told = skynet.monitor(boss.handle)
  for (let round = 0; round < 3; round++) {
    await until('it began', () => born.length === round + 1)
    await skynet.kill(born[round]!)
  }
  const { reason, cause } = await told
  assert.equal(reason, 'crash')
  assert.ok(isSkynetError(cause, 'ERR_RESTART_LIMIT'), String(cause))
  assert.equal(born.length, 3)
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  // 'gone': it was killed before the supervisor could watch it.
  const line = /boss\] error: Cannot launch :\w+ again \((kill|gone)\): there were 2 restarts/
  await until('it is logged', () => line.test(log()))
})

// Proves: docs/semantics.md#supervise-limit
check('supervise() rejects when a child cannot be launched at first', async (skynet) => {
  const children = ['./child.ts', './no-such-file.ts'].map((path) => ({ name: path, path }))
  const failing = supervise(skynet, { strategy: 'one-for-all', children })
  await assert.rejects(failing, { code: 'ERR_SERVICE_LAUNCH' })
})

check('supervise() names what is wrong, and launches nothing', async (skynet, handlers) => {
  let born = 0
  handlers.born = () => void born++
  const child = { name: 'a', path: './child.ts', args: ['a', skynet.self] }
  const given = { strategy: 'one-for-one', children: [child] }
  const type = 'ERR_INVALID_ARG_TYPE'
  const value = 'ERR_INVALID_ARG_VALUE'
  const range = 'ERR_OUT_OF_RANGE'
  const rows: [options: unknown, named: string, code: string][] = [
    [undefined, 'options', type],
    [[], 'options', type],
    [{ ...given, maxRestart: 5 }, 'maxRestart', value],
    [{ ...given, children: undefined }, 'children', type],
    [{ ...given, children: [child, undefined] }, 'children\\[1\\]', type],
    [{ ...given, children: [child, { ...child }] }, 'name', value],
    [{ ...given, children: [child, { ...child, name: 5n }] }, 'name', type],
    [{ ...given, children: [child, { ...child, name: '' }] }, 'name', value],
    [{ ...given, children: [{ ...child, restarts: 'never' }] }, 'restarts', value],
    [{ ...given, children: [{ ...child, args: 'ab' }] }, 'args', type],
    [{ ...given, children: [{ ...child, args: () => 'ab' }] }, 'args', type],
  ]
  for (const odd of ['none', 'toString', undefined, Symbol('x'), 5n]) {
    rows.push([{ ...given, strategy: odd }, 'strategy', value])
    const restart = odd ?? null
    rows.push([{ ...given, children: [{ ...child, restart }] }, 'restart', value])
  }
  for (const name of ['maxRestarts', 'periodMs', 'backoffMs']) {
    for (const odd of ['3', 5n, null, {}]) rows.push([{ ...given, [name]: odd }, name, type])
    for (const odd of [-1, Number.NaN, Infinity])
      rows.push([{ ...given, [name]: odd }, name, range])
  }
  rows.push([{ ...given, maxRestarts: 1.5 }, 'maxRestarts', range])
  for (const [options, named, code] of rows) {
    const message = new RegExp(`'${named}'`)
    await assert.rejects(supervise(skynet, options as never), { code, message }, `${named} ${code}`)
  }
  assert.equal(born, 0)
  const edges = { strategy: 'one-for-one', maxRestarts: 0, periodMs: 0, backoffMs: 0 } as const
  await (await supervise(skynet, { ...edges, children: [] })).stop()
})
