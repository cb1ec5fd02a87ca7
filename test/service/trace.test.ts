/** Requests that are followed through services, and what is published of calls. */
import assert from 'node:assert/strict'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync } from 'node:fs'
import type { Skynet } from 'skynet-ts'
import { defineService } from 'skynet-ts'
import { testNode } from 'skynet-ts/testing'
import type traced from '../fixtures/traced.ts'
import { type Body, serviceTest, test } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)
const hex = (handle: number): string => `:${handle.toString(16).padStart(8, '0')}`

/** One that leads to another, on different workers. */
async function pair(skynet: Skynet) {
  const last = await skynet.newService<typeof traced>('./traced.ts', { on: 1, args: [] })
  const first = await skynet.newService<typeof traced>('./traced.ts', {
    on: 0,
    args: [last.handle],
  })
  return { first, last }
}

// Proves: docs/commands.md#trace
check(
  'trace() follows a request to every service it leads to, also after awaits',
  async (skynet) => {
    const { first, last } = await pair(skynet)
    const { own, seen } = await first.call.begin()
    assert.match(own, new RegExp(`^${first.address}-\\d+$`))
    assert.deepEqual(seen, Array(5).fill(own))
    assert.equal(await last.call.recall(), own)
    // One that began before an await goes on behind it.
    const [before, after] = await first.call.ids()
    assert.equal(before, after)
    assert.notEqual(before, own)
    // It is over with its request: the next one is not traced.
    assert.equal(await first.call.idLater(), 'ERR_NO_REQUEST')
    assert.equal(await last.call.idLater(), 'ERR_NO_REQUEST')
    assert.notEqual(await first.call.beginNow(), await first.call.beginNow())
  },
)

// Proves: docs/commands.md#trace
check('traces of two requests at once do not mix', async (skynet) => {
  const { first } = await pair(skynet)
  const all = await Promise.all([first.call.begin(), first.call.begin(), first.call.begin()])
  assert.equal(new Set(all.map(({ own }) => own)).size, 3)
  for (const { own, seen } of all) assert.deepEqual(seen, Array(5).fill(own))
  const others = [first.call.begin(), first.call.idLater(), first.call.begin()] as const
  assert.equal((await Promise.all(others))[1], 'ERR_NO_REQUEST')
})

// Proves: docs/commands.md#trace-log
check(
  'a trace is left with its handler: by who comes next, and by the worker',
  async (skynet, handlers) => {
    const seen: unknown[] = []
    const look = (): void => {
      try {
        seen.push(skynet.trace())
      } catch (error) {
        seen.push((error as { code: string }).code)
      }
    }
    handlers.begin = () => skynet.trace()
    subscribe('skynet-ts:request', look)
    const id = await skynet.call(skynet.self, 'begin')
    unsubscribe('skynet-ts:request', look)
    assert.match(String(id), /^:/)
    assert.deepEqual(seen, ['ERR_NO_REQUEST'])
    const names = ['skynet-ts:call', 'skynet-ts:request']
    await until('nobody listens', () => names.every((name) => !channel(name).hasSubscribers))
  },
)

// Proves: docs/commands.md#trace
check('what a traced request launches is not traced, wherever it lives', async (skynet) => {
  for (const on of [0, 1]) {
    const launched = await skynet.debug.traced('x', () =>
      skynet.newService<typeof traced>('./traced.ts', { on, args: [skynet.self] }),
    )
    assert.equal(await launched.call.setupId(), 'ERR_NO_REQUEST')
  }
})

// Proves: docs/commands.md#trace
check('debug.traced() begins a trace where there is no request', async (skynet) => {
  const { first, last } = await pair(skynet)
  const [own, seen] = await first.call.viaTimer()
  assert.equal(own, seen)
  const ends = await skynet.debug.traced('a test', async () => {
    await skynet.sleep(1)
    return [skynet.trace(), await last.call.idLater()]
  })
  assert.match(ends[0]!, new RegExp(`^${hex(skynet.self)}-`))
  assert.equal(ends[0], ends[1])
  const task = (): never => {
    throw new RangeError('its own')
  }
  await assert.rejects(skynet.debug.traced('x', task), { message: 'its own' })
  assert.throws(() => skynet.debug.traced('x', 1 as never), TypeError)
  assert.throws(() => skynet.trace(), { code: 'ERR_NO_REQUEST' })
})

// Proves: docs/commands.md#trace-log
check('a trace is logged by each service, from its begin to its end', async (skynet) => {
  const { first, last } = await pair(skynet)
  const { own } = await first.call.begin()
  await assert.rejects(first.call.beginAndFail(), { name: 'RangeError', message: 'no' })
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  await until('the end is logged', () => log().includes('end beginAndFail'))
  await until('the last end is logged', () => log().includes(`<TRACE ${own}> end begin,`))
  const lines = log()
    .split('\n')
    .filter((line) => line.includes(own))
  const said = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
  assert.equal(said(/fixtures\/traced\] <TRACE \S+> trace of a test$/), 1)
  assert.equal(said(new RegExp(`> call idLater of ${last.address}, session \\d+$`)), 4)
  assert.equal(said(new RegExp(`> request idLater from ${first.address}$`)), 5)
  assert.equal(said(/> response idLater of \S+, session \d+, \d+\.\d{3} ms$/), 4)
  assert.equal(said(/> send remember to /), 1)
  assert.equal(said(/> end remember, \d+\.\d{3} ms$/), 1)
  assert.match(log(), /> end fail, \d+\.\d{3} ms, error no\n/)
  assert.match(log(), /> response fail of \S+, session \d+, \d+\.\d{3} ms, error no\n/)
  assert.match(log(), /> end beginAndFail, \d+\.\d{3} ms, error no\n/)
})

// Proves: docs/commands.md#trace-messages
check('what cannot be sent is named alike in a trace', async (skynet) => {
  const { first } = await pair(skynet)
  const info = { path: 'args[1][0]', type: 'function' }
  await assert.rejects(first.call.callUnsendable(), { code: 'ERR_MESSAGE_UNSUPPORTED', info })
})

// Proves: docs/commands.md#trace-channel
check('calls and requests are published, traced or not, while somebody listens', async (skynet) => {
  const { first, last } = await pair(skynet)
  for (const each of [first, last]) await each.call.watch(true)
  await first.call.events()
  await last.call.events()
  await assert.rejects(first.call.beginAndFail(), RangeError)
  const of = { source: first.handle, destination: last.handle, method: 'fail' }
  const [called, handled] = (await first.call.events()).filter(({ method }) => method !== 'events')
  const { id, session, ms } = called!
  assert.deepEqual(
    { ...called, error: String(called!.error) },
    {
      ...of,
      ...{ channel: 'skynet-ts:call', id, session, ms, error: 'RangeError: no' },
    },
  )
  assert.ok(id!.startsWith(first.address) && session > 0 && ms > 0)
  assert.equal(handled!.channel, 'skynet-ts:request')
  assert.equal(handled!.method, 'beginAndFail')
  assert.equal(handled!.id, id)
  assert.equal(handled!.source, skynet.self)
  assert.ok(handled!.ms >= ms)
  const seen = (await last.call.events()).find(({ method }) => method === 'fail')!
  const { source, destination, method, error } = seen
  assert.deepEqual({ source, destination, method }, of)
  assert.deepEqual([seen.id, seen.session, String(error)], [id, session, 'RangeError: no'])
  await last.call.idLater()
  const plain = (await last.call.events()).filter(({ method }) => method === 'idLater')
  assert.deepEqual(
    plain.map(({ id, source, error }) => [id, source, error]),
    [[undefined, skynet.self, undefined]],
  )
  for (const each of [first, last]) await each.call.watch(false)
  await last.call.events()
  await last.call.idLater()
  assert.deepEqual(await last.call.events(), [])
})

// Proves: docs/commands.md#trace-log
check('the trace of a request that never ends is over with its service', async (skynet) => {
  const { last } = await pair(skynet)
  const log = () => readFileSync(String(skynet.getenv('logger')), 'utf8')
  const never = assert.rejects(last.call.beginForEver(), { code: 'ERR_CALL_DEAD' })
  await until('it has begun', () => /> trace for ever$/m.test(log()))
  await skynet.kill(last.handle)
  await never
  await until('it is logged', () => /end beginForEver, .* ms, error Cannot go on/.test(log()))
})

// Proves: docs/commands.md#trace-messages
check('traced calls count for the bound of a mailbox', async (skynet, handlers) => {
  handlers.nothing = () => {}
  skynet.boundMailbox(2)
  const calls = await skynet.debug.traced('flood', () =>
    Promise.allSettled([1, 2, 3].map(() => skynet.call(skynet.self, 'nothing'))),
  )
  assert.deepEqual(
    calls.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected'],
  )
})

// Proves: docs/commands.md#trace-messages
test('a test sees what is sent within a trace as ever', async () => {
  await using node = await testNode()
  const echo = await node.launch(defineService(() => ({ echo: (value: number) => value })))
  await node.skynet.debug.traced('x', () => echo.call.echo(7))
  const [sent] = node.sent.all.filter(({ method }) => method === 'echo')
  assert.deepEqual(sent, {
    ...{ from: node.skynet.self, to: echo.handle, method: 'echo', args: [7], isCall: true },
  })
})
