/** select(): several calls, their ends as they come. */
import assert from 'node:assert/strict'
import type { SelectRequest, SelectResult, Skynet } from 'skynet-ts'
import type subject from '../fixtures/subject.ts'
import { type Body, serviceTest } from '../support/run.ts'
import { until } from '../support/until.ts'

const check = (title: string, body: Body) => serviceTest(import.meta.url, title, body)

/** Peers on both workers, and a request of each that is answered after so many ms. */
async function peersOf(skynet: Skynet, delays: readonly number[]) {
  const launch = (on: number) => skynet.newService<typeof subject>('./subject.ts', { on, args: [] })
  const peers = await Promise.all(delays.map((_, i) => launch(i % 2)))
  const requests = peers.map(
    (peer, i): SelectRequest<unknown> =>
      (limits) =>
        peer.with(limits).call.later(delays[i]!, i),
  )
  return { peers, requests }
}

const shortOf = (end: SelectResult<unknown>): unknown[] => [
  end.index,
  end.ok ? end.value : (end.error as { code: string }).code,
]

// Proves: docs/semantics.md#select
check('select() yields in the order of completion', async (skynet, handlers) => {
  handlers.echo = async (value: unknown) => {
    await skynet.wait(value)
    return value
  }
  const wake = (value: number) => until(`${value} waits`, () => skynet.wakeup(value))
  const ref = skynet.ref<typeof subject>(skynet.self)
  const requests = [3, 1, 2].map(
    (value): SelectRequest<unknown> =>
      (limits) =>
        ref.with(limits).call.echo(value),
  )
  const seen: unknown[] = []
  const selection = skynet.select(requests)
  skynet.fork(() => wake(1))
  for await (const end of selection) {
    seen.push(shortOf(end))
    if (seen.length === 1) {
      // Both end while the loop is busy elsewhere: nothing is lost.
      await wake(2)
      await wake(3)
      await skynet.sleep(1)
    }
  }
  assert.deepEqual(seen, [
    [1, 1],
    [2, 2],
    [0, 3],
  ])
  assert.equal(selection.hasTimedOut, false)
  for await (const end of skynet.select([])) assert.fail(String(end))
})

// Proves: docs/semantics.md#select-limit
check(
  'select() yields the error of a dead callee first, and leaves the slow one at the timeout',
  async (skynet) => {
    const { peers, requests } = await peersOf(skynet, [60_000, 0])
    await skynet.kill(peers[1]!.handle)
    const selection = skynet.select(requests, { timeoutMs: 20 })
    const seen: unknown[] = []
    for await (const end of selection) seen.push(shortOf(end))
    assert.deepEqual(seen, [[1, 'ERR_CALL_DEAD']])
    assert.equal(selection.hasTimedOut, true)
    assert.deepEqual(skynet.tasks(), [])
  },
)

// Proves: docs/semantics.md#select
check(
  'select() yields the error of a callee that dies meanwhile, or a request that throws',
  async (skynet) => {
    const { peers, requests } = await peersOf(skynet, [60_000])
    const wrong: SelectRequest<unknown> = () => {
      throw Object.assign(new Error('at once'), { code: 'MINE' })
    }
    skynet.timeout(5, () => skynet.kill(peers[0]!.handle))
    const seen: unknown[] = []
    for await (const end of skynet.select([...requests, wrong])) seen.push(shortOf(end))
    assert.deepEqual(seen, [
      [1, 'MINE'],
      [0, 'ERR_CALL_DEAD'],
    ])
  },
)

// Proves: docs/semantics.md#select-left
check('a loop over select() that is left gives up the calls that are left', async (skynet) => {
  const { requests } = await peersOf(skynet, [1, 60_000, 60_000])
  for await (const end of skynet.select(requests)) {
    assert.equal(end.index, 0)
    assert.equal(skynet.tasks().filter(({ kind }) => kind === 'call').length, 2)
    break
  }
  assert.deepEqual(skynet.tasks(), [])
  const failed = new Error('from the body')
  await assert.rejects(async () => {
    for await (const end of skynet.select(requests)) throw end.index === 0 ? failed : end
  }, failed)
  assert.deepEqual(skynet.tasks(), [])
})

// Proves: docs/semantics.md#select-limit
check('select() ends with its signal, and begins nothing when that has aborted', async (skynet) => {
  const { peers, requests } = await peersOf(skynet, [60_000])
  const abort = new AbortController()
  const loop = async (): Promise<void> => {
    for await (const end of skynet.select(requests, { signal: abort.signal }))
      assert.fail(String(end))
  }
  const ended = assert.rejects(loop(), { code: 'ABORT_ERR' })
  await until('it waits', () =>
    skynet.tasks().some(({ kind, what }) => kind === 'select' && what === '1 calls'),
  )
  abort.abort()
  await ended
  assert.deepEqual(skynet.tasks(), [])
  const begun: unknown[] = []
  const note: SelectRequest<unknown> = async () => begun.push(peers)
  const never = skynet.select([note], { signal: abort.signal })[Symbol.asyncIterator]()
  await assert.rejects(never.next(), { code: 'ABORT_ERR' })
  assert.deepEqual(begun, [])
})

check('select() refuses wrong arguments, and a second loop', async (skynet) => {
  assert.throws(() => skynet.select([1 as never]), TypeError)
  assert.throws(() => skynet.select([], { signal: 1 as never }), TypeError)
  assert.throws(() => skynet.select([], { timeoutMs: -1 }), RangeError)
  const selection = skynet.select([])
  for await (const end of selection) assert.fail(String(end))
  assert.throws(() => selection[Symbol.asyncIterator](), TypeError)
})
