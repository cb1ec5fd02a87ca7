/**
 * The protocol of `loads.ts` under every interleaving there is: two workers order a launch each of
 * a third one, which dies. Another takes its place at the first try of the main thread, at the
 * second, or never.
 *
 * An incarnation is its number. What a worker does in one turn with an order it has read is one
 * step: who reads is alone. News and answers are events: they come between two turns of whoever
 * waits for them.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, type Outcome, type Phase, type ThreadRun } from '../testing/interleave.ts'

interface World {
  readonly incarnation: number
  readonly isClosed: boolean
  readonly count: number
  /** Orders in the ring of the worker: for which incarnation, by whom. */
  readonly ring: readonly { readonly place: number; readonly by: number }[]
  /** The incarnation that runs; -1: none. */
  readonly running: number
  /** Of that one. */
  readonly services: number
  /** Events of each that orders: the incarnation that is gone, or an answer. */
  readonly events: readonly (readonly number[])[]
}

type Step =
  /** One atomic step on the cell. Orderers get the incarnation, and 10 more when it is open. */
  | { readonly do: 'add' | 'addOpen' | 'look' | 'restart' | 'close' | 'shut' | 'open' }
  | { readonly do: 'remove'; readonly place: number }
  | { readonly do: 'give'; readonly place: number }
  /** A turn begins: what had come is dealt with, or comes behind it. */
  | { readonly do: 'turn' }
  | { readonly do: 'event'; readonly by: number }
  | { readonly do: 'die' | 'start' | 'work' }
  | { readonly do: 'tell'; readonly gone: number }

const ANSWER = 100
const OPEN = 10
const ORDERERS = [0, 1]

/** An order that nobody ever answers or refuses; a count that is not that of the services. */
type Fault = 'hang' | 'count'

/** Ways to break the protocol, and what comes of each. */
const BREAKS = {
  noLook: ['an order is given to a worker that is closed', 'hang'],
  twoSteps: ['a worker is closed after the next incarnation has begun', 'hang'],
  tellFirst: ['the news of the closing comes before the closing', 'hang'],
  countOpen: ['what is ordered of a closed worker is not counted, and given all the same', 'count'],
  anyPlace: ['an order that is taken back is taken from whoever is there', 'count'],
} as const satisfies Record<string, readonly [string, Fault]>
type Break = keyof typeof BREAKS

/** Phase: the incarnation that it waits for. */
function* orderer(broken: Break | undefined, by: number, [waitsFor]: Phase): ThreadRun<Step> {
  if (waitsFor !== undefined) {
    const event = yield { do: 'event', by }
    // News of another one is nothing to it.
    return event === ANSWER || event === waitsFor ? undefined : [waitsFor]
  }
  yield { do: 'turn' }
  const place = yield { do: broken === 'countOpen' ? 'addOpen' : 'add' }
  if (broken !== 'noLook' && (yield { do: 'look' }) !== place + OPEN) {
    yield { do: 'remove', place }
    return undefined
  }
  yield { do: 'give', place }
  return [place]
}

function* main(broken: Break | undefined): ThreadRun<Step> {
  yield { do: 'die' }
  const dead = yield { do: 'restart' }
  yield { do: 'tell', gone: dead }
  if ((yield { do: 'start' }) === 0) {
    if (broken === 'tellFirst') yield { do: 'tell', gone: dead + 1 }
    const gone = yield { do: broken === 'twoSteps' ? 'restart' : 'close' }
    if (broken === 'twoSteps') yield { do: 'shut' }
    if (broken !== 'tellFirst') yield { do: 'tell', gone }
    if ((yield { do: 'start' }) === 0) return undefined
  }
  yield { do: 'open' }
  return undefined
}

function* worker(): ThreadRun<Step> {
  yield { do: 'work' }
  return []
}

function isPossible({ ring, running, events }: World, step: Step): boolean {
  if (step.do === 'work') return running >= 0 && ring.length > 0
  return step.do !== 'event' || events[step.by]!.length > 0
}

const happened = (world: World, to: number, event: number): World => ({
  ...world,
  events: world.events.with(to, [...world.events[to]!, event]),
})

function work(world: World): World {
  const [order, ...ring] = world.ring
  const { place, by } = order!
  if (place !== world.running) return { ...world, ring }
  return happened({ ...world, ring, services: world.services + 1 }, by, ANSWER)
}

function perform(
  broken: Break | undefined,
  world: World,
  step: Step,
  by: number,
): Outcome<World, Fault>[] {
  const { incarnation, isClosed, count, ring } = world
  const seen = incarnation + (isClosed ? 0 : OPEN)
  const one = (change: Partial<World>, value = incarnation) => [
    { world: { ...world, ...change }, value },
  ]
  switch (step.do) {
    case 'look':
      return one({}, seen)
    case 'add':
      return one({ count: count + 1 })
    case 'addOpen':
      return one({ count: isClosed ? count : count + 1 })
    case 'remove': {
      const isMine = step.place === incarnation || broken === 'anyPlace'
      return one({ count: isMine ? Math.max(0, count - 1) : count })
    }
    case 'restart':
      return one({ incarnation: incarnation + 1, isClosed: false, count: 0 })
    case 'close':
      return one({ incarnation: incarnation + 1, isClosed: true, count: 0 })
    case 'shut':
      return one({ isClosed: true })
    case 'open':
      return one({ isClosed: false })
    case 'give':
      return one({ ring: [...ring, { place: step.place, by }] })
    case 'tell':
      return [
        { world: ORDERERS.reduce((to, each) => happened(to, each, step.gone), world), value: 0 },
      ]
    case 'turn':
      return [...one({}), ...one({ events: world.events.with(by, []) })]
    case 'event': {
      const [event, ...rest] = world.events[by]!
      return one({ events: world.events.with(by, rest) }, event)
    }
    case 'die':
      return one({ running: -1, services: 0 })
    case 'start':
      return [...one({}, 0), ...one({ running: incarnation }, 1)]
    case 'work':
      return [{ world: work(world), value: 0 }]
  }
}

function search(broken?: Break) {
  return explore<Step, World, Fault>({
    world: {
      incarnation: 0,
      isClosed: false,
      count: 0,
      ring: [],
      running: 0,
      services: 0,
      events: ORDERERS.map(() => []),
    },
    threads: [
      ...ORDERERS.map((by) => ({ start: [], run: (phase: Phase) => orderer(broken, by, phase) })),
      { start: [], run: () => main(broken) },
      { start: [], run: worker },
    ],
    keyOf: (world) => JSON.stringify(world),
    isPossible,
    perform: (world, step, thread) => perform(broken, world, step, thread),
    faultAtEnd: ({ count, services }, waiting) => {
      if (ORDERERS.some((each) => waiting.includes(each))) return 'hang'
      return count === services ? undefined : 'count'
    },
  })
}

// Proves: docs/node.md#death-descriptors
test('an order to a worker that dies is answered or refused, counted right, in any order', () => {
  const { faults, states, ends } = search()
  assert.deepEqual(faults, [])
  assert.ok(states > 1000, `${states} states`)
  const all = new Set(ends.map(({ running, services }) => `${running}: ${services}`))
  assert.deepEqual([...all].sort(), ['-1: 0', '1: 0', '1: 1', '1: 2', '2: 0', '2: 1', '2: 2'])
})

for (const [broken, [what, fault]] of Object.entries(BREAKS)) {
  test(`a broken variant of loads is caught: ${what}`, () => {
    assert.ok(search(broken as Break).faults.includes(fault), what)
  })
}
