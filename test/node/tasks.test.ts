/** Tasks that rest and are woken, what they wait for, and how one is killed. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { isSkynetError, type Skynet } from 'skynet-ts'
import type sleeper from '../fixtures/sleeper.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

/** More messages than one turn handles. */
const MANY = 10_000

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const launch = (skynet: Skynet) => skynet.newService<typeof sleeper>('./sleeper.ts', { on: 1 })

// Proves: docs/semantics.md#wakeup
check('wakeup() ends the wait of its token, and no other', async (skynet) => {
  const object = {}
  const order: string[] = []
  const waits = [skynet.wait('a'), skynet.wait(object), skynet.wait(0)]
  const names = ['a', 'object', '0']
  waits.forEach((wait, i) => void wait.then(() => order.push(names[i]!)))
  assert.equal(skynet.wakeup('b'), false)
  assert.equal(skynet.wakeup({}), false)
  assert.equal(skynet.wakeup(0), true)
  assert.equal(skynet.wakeup(object), true)
  assert.equal(skynet.wakeup(object), false)
  await Promise.all(waits.slice(1))
  assert.deepEqual(order, ['0', 'object'])
  assert.equal(skynet.wakeup('a'), true)
  await waits[0]
  assert.equal(skynet.wakeup('a'), false)
})

// Proves: docs/semantics.md#wakeup
check('wakeup() before wait() is not remembered', async (skynet) => {
  assert.equal(skynet.wakeup('early'), false)
  await assert.rejects(skynet.wait('early', { timeoutMs: 5 }), { code: 'ERR_WAIT_TIMEOUT' })
})

// Proves: docs/semantics.md#token-taken
check('wait() and sleep() refuse a token that somebody rests on', async (skynet) => {
  const token = {}
  const first = skynet.wait(token)
  await assert.rejects(skynet.wait(token), { code: 'ERR_TOKEN_TAKEN' })
  await assert.rejects(skynet.sleep(1, { token }), { code: 'ERR_TOKEN_TAKEN' })
  await assert.rejects(skynet.wait(undefined), TypeError)
  skynet.wakeup(token)
  await first
  const again = skynet.sleep(60_000, { token })
  assert.equal(skynet.wakeup(token), true)
  assert.equal(await again, 'BREAK')
})

// Proves: docs/semantics.md#sleep-wait
check('sleep() tells whether it was woken, and a woken one leaves no timer', async (skynet) => {
  assert.equal(await skynet.sleep(1, { token: 't' }), undefined)
  assert.equal(skynet.wakeup('t'), false)
  const from = skynet.now()
  const sleep = skynet.sleep(60_000, { token: 't' })
  skynet.fork(() => skynet.wakeup('t'))
  assert.equal(await sleep, 'BREAK')
  assert.ok(skynet.now() < from + 60_000)
  assert.deepEqual(skynet.tasks(), [])
})

// Proves: docs/semantics.md#sleep-wait
check('wait() gives up in time and with its signal, and its token is free', async (skynet) => {
  await assert.rejects(skynet.wait('t', { timeoutMs: 5 }), (error) => {
    assert.ok(isSkynetError(error, 'ERR_WAIT_TIMEOUT'))
    assert.deepEqual(error.info, { kind: 'wait', what: 'token "t"', timeoutMs: 5 })
    return true
  })
  const abort = new AbortController()
  const wait = skynet.wait('t', { signal: abort.signal })
  abort.abort()
  await assert.rejects(wait, { code: 'ABORT_ERR' })
  await assert.rejects(skynet.wait('t', { signal: abort.signal }), { code: 'ABORT_ERR' })
  assert.equal(skynet.wakeup('t'), false)
})

// Proves: docs/semantics.md#yield
check('yield() lets messages and forks run first', async (skynet, handlers) => {
  const order: string[] = []
  handlers.message = () => order.push('message')
  skynet.send(skynet.self, 'message')
  skynet.fork(() => order.push('fork'))
  await skynet.yield()
  assert.deepEqual(order.sort(), ['fork', 'message'])
})

// Proves: docs/semantics.md#yield
check('yield() waits for more messages than a turn has time for', async (skynet, handlers) => {
  let handled = 0
  handlers.message = () => handled++
  for (let i = 0; i < MANY; i++) skynet.send(skynet.self, 'message')
  await skynet.yield()
  assert.equal(handled, MANY)
})

// Proves: docs/semantics.md#task-list
check('tasks() lists what every task waits for', async (skynet) => {
  const [peer, other] = [await launch(skynet), await launch(skynet)]
  const owed = peer.call.never()
  owed.catch(() => {})
  await peer.call.begin(other.handle)
  const rows = await peer.call.tasks()
  const seen = rows.map(({ kind, what }) => `${kind} ${what}`)
  const self = `:${skynet.self.toString(16).padStart(8, '0')}`
  for (const row of [
    `request method never from ${self}`,
    `call never of ${other.address}`,
    'wait token "token"',
    'wait token "holder"',
    'queue its turn',
  ]) {
    assert.ok(seen.includes(row), `${row}: ${seen}`)
  }
  assert.equal(seen.filter((row) => row === `call never of ${other.address}`).length, 2)
  assert.ok(
    seen.some((row) => /^sleep until \d+$/.test(row)),
    String(seen),
  )
  assert.ok(
    seen.some((row) => /^socket accept from socket \d+$/.test(row)),
    String(seen),
  )
  assert.ok(
    seen.some((row) => /^socket read from socket \d+$/.test(row)),
    String(seen),
  )
  assert.equal(seen.length, 9)
  assert.deepEqual(await peer.call.tasks(), rows)
  assert.ok(rows.every(({ since, where, by }) => (since ?? where ?? by) === undefined))
})

// Proves: docs/semantics.md#kill-task
check('killTask() fails whatever a task waits for, and the request of a caller', async (skynet) => {
  const [peer, other] = [await launch(skynet), await launch(skynet)]
  const owed = assert.rejects(peer.call.never(), (error) => {
    assert.ok(isSkynetError(error, 'ERR_TASK_KILLED'))
    assert.match(error.info.task, /^request method never from :/)
    return true
  })
  await peer.call.begin(other.handle)
  for (const { id, kind } of await peer.call.tasks()) {
    // Its turn may have come, now that the one before it is dead.
    assert.ok((await peer.call.killTask(id)) || kind === 'queue')
    assert.equal(await peer.call.killTask(id), false)
  }
  await owed
  const kinds = ['accept', 'call', 'holder', 'limited', 'read', 'sleep', 'wait']
  const killed = kinds.map((kind) => `${kind} ERR_TASK_KILLED`)
  const ends: string[] = []
  await until(
    'all have ended',
    async () => ends.push(...(await peer.call.ends())) && ends.length >= 8,
  )
  const queue = ends.filter((end) => end.startsWith('queue'))
  assert.deepEqual(ends.filter((end) => !queue.includes(end)).sort(), killed)
  assert.equal(queue.length, 1)
  assert.deepEqual(await peer.call.tasks(), [])
  assert.equal(await peer.call.killTask(12345), false)
})

// Proves: docs/semantics.md#task-list
check(
  'tasks() names waits for channels, shared data and closes; killTask() ends them',
  async (skynet) => {
    const channel = skynet.multicast.new()
    skynet.shareData.new('listed', 1)
    const listener = await skynet.socket.listen({ host: '127.0.0.1', port: 0 })
    const view = skynet.shareData.query('listed')
    const waits = [channel.subscribe().next(), view.monitor(), listener.close()]
    const ends = waits.map((wait) => wait.catch(({ code }) => code))
    const rows = skynet.tasks()
    assert.deepEqual(
      rows.map(({ kind, what }) => `${kind} ${what}`),
      [
        `socket close socket ${listener.id}`,
        'share a new version of listed',
        `channel message of channel ${channel.id}`,
      ],
    )
    assert.equal(skynet.stat('task'), rows.length)
    for (const { id } of rows) assert.equal(skynet.killTask(id), true)
    assert.deepEqual(new Set(await Promise.all(ends)), new Set(['ERR_TASK_KILLED']))
  },
)

// Proves: docs/semantics.md#kill-task
check('killTask() finds one of very many, and ends no other', async (skynet) => {
  const peer = await launch(skynet)
  const count = 20_000
  const ends: string[] = []
  const calls = Array.from({ length: count }, (_, i) => {
    const { call } = i % 2 === 0 ? peer : peer.with({ timeoutMs: 60_000 })
    return call.never().catch(({ code }) => ends.push(code))
  })
  const rows = skynet.tasks().filter(({ kind }) => kind === 'call')
  assert.equal(new Set(rows.map(({ id }) => id)).size, count)
  const last = rows.pop()!
  for (const { id } of rows) assert.equal(skynet.killTask(id), true)
  await until('all but one have ended', () => ends.length === count - 1)
  assert.deepEqual(skynet.tasks(), [last])
  for (const id of [rows[0]!.id, 0, -last.id, last.id + 1, last.id + 2, last.id + 0.5]) {
    assert.equal(skynet.killTask(id), false)
  }
  assert.equal(skynet.killTask(last.id), true)
  await Promise.all(calls)
  assert.deepEqual(new Set(ends), new Set(['ERR_TASK_KILLED']))
})

// Proves: docs/semantics.md#kill-task
check('killTask() of a task that nobody awaits is one line in the log', async (skynet) => {
  const peer = await launch(skynet)
  await peer.call.fork()
  const [task] = await until2(async () => (await peer.call.tasks()).filter(isWait('forked')))
  await peer.call.killTask(task!.id)
  const log = String(skynet.getenv('logger'))
  const line = /fork: Cannot go on: the task was killed \(wait token "forked"\)$/m
  await until('it is logged', () => line.test(readFileSync(log, 'utf8')))
})

const isWait =
  (token: string) =>
  ({ what }: { what: string }): boolean =>
    what === `token "${token}"`

/** Wait for rows. */
async function until2<T>(look: () => Promise<T[]>): Promise<T[]> {
  let rows: T[] = []
  await until('there are rows', async () => {
    rows = await look()
    return rows.length > 0
  })
  return rows
}

// Proves: docs/semantics.md#task-list
check('traceTasks() tells since when, where and by whom a task waits', async (skynet) => {
  const peer = await launch(skynet)
  await peer.call.trace(true)
  const from = skynet.now()
  const call = peer.call.sleep(60_000)
  call.catch(() => {})
  await peer.call.fork()
  await peer.call.timeout()
  const rows = await until2(async () => {
    const all = await peer.call.tasks()
    return all.length < 4 ? [] : all
  })
  const self = `:${skynet.self.toString(16).padStart(8, '0')}`
  const sleep = rows.find(({ kind }) => kind === 'sleep')!
  assert.equal(sleep.by, `method sleep from ${self}`)
  assert.match(sleep.where!, /fixtures\/sleeper\.[jt]s:\d+:\d+$/)
  assert.ok(sleep.since! >= from && sleep.since! <= skynet.now())
  assert.equal(rows.find(isWait('forked'))!.by, 'fork')
  assert.equal(rows.find(isWait('timed'))!.by, 'timeout')
  await peer.call.trace(false)
  await peer.call.fork().catch(() => {})
  const later = peer.call.sleep(60_000)
  later.catch(() => {})
  const rest = await until2(async () => {
    const all = await peer.call.tasks()
    return all.filter(({ kind, by }) => kind === 'sleep' && by === undefined)
  })
  assert.equal(rest[0]!.since, undefined)
})
