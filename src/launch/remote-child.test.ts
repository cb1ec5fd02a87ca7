/** A child on another node, as its supervisor has it: what waits for its node, and what not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SkynetError } from '../base/errors.ts'
import { WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { ServiceId } from '../wire/service-id.ts'
import { RemoteChild } from './remote-child.ts'

const PLACE = { node: 'b', epoch: 7, id: 'a@1/1' }
const HANDLE = 0x0200_0007
const UNLIMITED = new WaitLimits({ timeoutMs: 0 })
const lost = (sent: 'no' | 'maybe') => new SkynetError('ERR_NODE_LOST', { ...PLACE, sent })
const unknown = new SkynetError('ERR_NODE_UNKNOWN', { node: 'b' })
const begun = new ServiceId(HANDLE)

/** Nobody answers. */
const SILENCE = Symbol('silence')

const aborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason))
  })

/** What the service of the cluster answers, one after the other. */
function setUp(...answers: unknown[]) {
  const said: string[] = []
  const state = { isOver: false, late: undefined as Error | undefined }
  const service = {
    handle: 1,
    url: 'file:///supervisor.js',
    hasEnded: false,
    runtime: { handleOf: () => 9, handles: { textOf: () => '' } },
    callMethod: async (_to: number, [method]: unknown[], limits?: WaitOptions) => {
      said.push(method as string)
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      return answer === SILENCE ? aborted(limits?.signal) : answer
    },
    sendMethod: () => true,
  }
  const rest = async (_ms: number, { signal }: WaitOptions): Promise<void> => {
    said.push('rest')
    if (state.late !== undefined) throw state.late
    if (answers[0] === SILENCE) await aborted(signal)
  }
  const child = new RemoteChild({ service, isOver: () => state.isOver, rest })
  const launch = (own = 'a') => child.launch('b', own, 'file:///x.js', {}, () => UNLIMITED)
  return { child, launch, state, take: () => said.splice(0).join(' ') }
}

// Proves: docs/cluster.md#supervise-unheard
test('at first too a child waits while its node is not heard', async () => {
  const { launch, take } = setUp(lost('no'), PLACE, lost('no'), PLACE, begun)
  assert.equal(await launch(), HANDLE)
  assert.equal(take(), 'placeChild rest placeChild launchChild rest placeChild launchChild')
})

test('it waits no longer when its node is down, or its supervisor has a deadline', async () => {
  const down = setUp(PLACE, lost('no'), unknown)
  await assert.rejects(down.launch(), { code: 'ERR_NODE_UNKNOWN' })
  const late = setUp(PLACE, lost('no'))
  late.state.late = new Error('late')
  await assert.rejects(late.launch(), /late/)
  // Nothing of it is there: nobody waits for that node to say so.
  assert.equal(late.child.isPlaced, false)
})

test('what may have begun is not tried again, and is over before the next one', async () => {
  const { child, launch, take } = setUp(PLACE, lost('maybe'), undefined, PLACE, begun)
  await assert.rejects(launch(), { code: 'ERR_NODE_LOST' })
  assert.equal(child.isPlaced, true)
  assert.equal(await launch(), HANDLE)
  assert.equal(take(), 'placeChild launchChild endChild placeChild launchChild')
})

// Proves: docs/cluster.md#supervise-node
test('at first its node has to be there, and later on it may come', async () => {
  await assert.rejects(setUp(unknown).launch(), { code: 'ERR_NODE_UNKNOWN' })
  const { launch, take } = setUp(PLACE, begun, undefined, unknown, PLACE, begun)
  await launch()
  assert.equal(await launch(), HANDLE)
  assert.match(take(), /endChild placeChild rest placeChild launchChild$/)
})

test('nothing is launched after the end of its supervisor', async () => {
  const { launch, state, take } = setUp(PLACE, begun, undefined, lost('no'))
  await launch()
  take()
  state.isOver = true
  await assert.rejects(launch(), { code: 'ERR_NODE_LOST' })
  assert.equal(take(), 'endChild placeChild')
})

test('what is to be on the node of its supervisor is launched by that', async () => {
  assert.equal(await setUp({ ...PLACE, node: 'a' }).launch(), 0)
})

// Proves: docs/cluster.md#supervise-one
test('a node that has told how a child ended is not asked, and need not be there', async () => {
  const told = setUp(PLACE, begun, PLACE, begun)
  await told.launch()
  told.child.ended({ handle: HANDLE, reason: 'stop' })
  assert.equal(told.child.isPlaced, false)
  await told.child.end()
  assert.equal(await told.launch(), HANDLE)
  assert.equal(told.take(), 'placeChild launchChild placeChild launchChild')
  // It is told while the node is asked, which has left.
  const asked = setUp(PLACE, begun, SILENCE, PLACE, begun, undefined)
  await asked.launch()
  const over = asked.child.end()
  asked.child.ended({ handle: HANDLE, reason: 'exit' })
  await over
  await asked.launch()
  await asked.child.end()
  assert.match(asked.take(), /^placeChild launchChild endChild placeChild launchChild endChild$/)
  // The same between two questions.
  const dead = new SkynetError('ERR_CALL_DEAD', { to: '.cluster', method: 'endChild' })
  const resting = setUp(PLACE, begun, dead, SILENCE)
  await resting.launch()
  const ended = resting.child.end()
  for (let turn = 0; turn < 10; turn++) await undefined
  assert.match(resting.take(), /rest$/)
  resting.child.ended({ handle: HANDLE, reason: 'exit' })
  await ended
})

test('an end that its node has not told is asked for', async () => {
  const { child, launch, take } = setUp(PLACE, begun, undefined)
  await launch()
  // This node knows no more of it; or it is another one that has ended.
  for (const reason of ['worker died', 'node down', 'gone'] as const) {
    child.ended({ handle: HANDLE, reason })
  }
  child.ended({ handle: HANDLE + 1, reason: 'exit' })
  assert.equal(child.isPlaced, true)
  await child.end()
  assert.equal(take(), 'placeChild launchChild endChild')
})
