/**
 * A model of a thread that is asked where it is, beside everything that may happen meanwhile: it is
 * in native code, somebody else debugs it, it ends, the process ends. All orders are played.
 *
 * What V8 does was tried on threads: an order to stop is nothing to who stands already, and a
 * debugger that goes lets the thread go on unless another one is there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, type Model, type Outcome, type ThreadRun } from '../../testing/interleave.ts'
import { type AskingState, type Happening, MOVES, type Order } from './asking.ts'

interface World {
  readonly state: AskingState
  readonly orders: readonly Order[]
  readonly news: readonly Happening[]
  /** Whose debugger is there: ours, and that of somebody. */
  readonly isOurs: boolean
  readonly isTheirs: boolean
  readonly mustStop: boolean
  readonly stands: '' | 'ours' | 'theirs'
  readonly isNative: boolean
  readonly isAlive: boolean
  readonly isMainAlive: boolean
}
type Step = 'ask' | 'hear' | 'obey' | 'stop' | 'break' | 'go on' | 'return' | 'end' | 'exit'
type Fault = 'stands for ever' | 'is never let go'
type Moves = typeof MOVES

const START: World = {
  state: 'idle',
  orders: [],
  news: [],
  isOurs: false,
  isTheirs: false,
  mustStop: false,
  stands: '',
  isNative: true,
  isAlive: true,
  isMainAlive: true,
}

function isPossible(world: World, step: Step): boolean {
  const { stands, isNative, isAlive, isMainAlive } = world
  // Whoever stands takes orders, and nothing else.
  const isFree = isAlive && stands === '' && !isNative
  if (step === 'hear') return isMainAlive && world.news.length > 0
  if (step === 'obey') return (isFree || stands !== '') && isAlive && world.orders.length > 0
  if (step === 'stop') return isFree && world.mustStop && (world.isOurs || world.isTheirs)
  if (step === 'break') return isFree && !world.mustStop
  if (step === 'go on') return stands !== '' && world.isTheirs
  if (step === 'return') return isNative
  if (step === 'end') return isFree
  if (step === 'ask') return isMainAlive
  return isMainAlive
}

function after(moves: Moves, world: World, step: Step): World {
  if (step === 'obey') return obey(world)
  if (step === 'hear') return happen(moves, { ...world, news: world.news.slice(1) }, world.news[0]!)
  if (step === 'ask') return happen(moves, world, 'ask')
  if (step === 'exit') return { ...happen(moves, world, 'exit'), isMainAlive: false }
  if (step === 'return') return { ...world, isNative: false }
  if (step === 'stop') return tell({ ...world, mustStop: false, stands: 'ours' }, 'stopped')
  if (step === 'break') return tell({ ...world, isTheirs: true, stands: 'theirs' }, 'stopped')
  if (step === 'go on') return { ...world, stands: '' }
  return { ...world, isAlive: false, news: [...world.news, 'ended'] }
}

/** What the thread says is heard by who debugs it. */
const tell = (world: World, what: Happening): World =>
  world.isOurs ? { ...world, news: [...world.news, what] } : world

function happen(moves: Moves, world: World, happening: Happening): World {
  const move = moves[world.state][happening]
  if (move === undefined) return world
  return { ...world, state: move.to, orders: [...world.orders, ...(move.orders ?? [])] }
}

function obey(world: World): World {
  const [order, ...orders] = world.orders
  const next = { ...world, orders }
  const stands = world.stands !== ''
  if (order === 'Debugger.enable') {
    const ours = { ...next, isOurs: true }
    return stands ? tell(ours, 'stopped') : ours
  }
  if (order === 'Debugger.pause') return { ...next, mustStop: !stands }
  const out = { ...tell(next, 'isOut'), isOurs: false, mustStop: false }
  return world.isTheirs ? out : { ...out, stands: '' }
}

function* loop(step: Step, times: number): ThreadRun<Step> {
  for (let i = 0; i < times; i++) yield step
  return undefined
}

/** @param others What may happen besides, at any moment or not at all. */
function model(moves: Moves, others: readonly Step[]): Model<Step, World, Fault> {
  const steps: [Step, number][] = [
    ['ask', 2],
    ['hear', 12],
    ['obey', 8],
    ['stop', 3],
    ['return', 1],
    ...others.map((step): [Step, number] => [step, 1]),
  ]
  return {
    world: START,
    threads: steps.map(([step, times]) => ({ start: [times], run: () => loop(step, times) })),
    keyOf: (world) => JSON.stringify(world),
    isPossible,
    perform: (world, step): Outcome<World, Fault>[] => {
      const next = { world: after(moves, world, step), value: 0 }
      // It need not happen.
      return others.includes(step) && step !== 'go on' ? [next, { world, value: 0 }] : [next]
    },
    faultAtEnd: (world) => {
      if (world.isAlive && world.stands !== '' && !world.isTheirs) return 'stands for ever'
      const isOver = world.state === (world.isAlive ? 'idle' : 'over')
      return world.isMainAlive && !isOver ? 'is never let go' : undefined
    },
  }
}

const faultsOf = (moves: Moves, ...others: Step[]): readonly Fault[] =>
  explore(model(moves, others)).faults

/** The table without one of its moves. */
const without = (state: AskingState, happening: Happening): Moves => ({
  ...MOVES,
  [state]: { ...MOVES[state], [happening]: undefined },
})

// Proves: docs/node.md#held-stack
test('a thread that is asked where it is goes on, whatever ends meanwhile', () => {
  assert.deepEqual(faultsOf(MOVES), [])
  assert.deepEqual(faultsOf(MOVES, 'end'), [])
  assert.deepEqual(faultsOf(MOVES, 'exit'), [])
  assert.deepEqual(faultsOf(MOVES, 'end', 'exit'), [])
})

test('a thread that somebody debugs is asked, and no debugger of ours stays', () => {
  assert.deepEqual(faultsOf(MOVES, 'break', 'go on'), [])
})

test('a table of asking without one of its moves leaves a thread standing, or never ends', () => {
  assert.ok(faultsOf(without('asked', 'stopped')).includes('stands for ever'))
  assert.ok(faultsOf(without('asked', 'exit'), 'exit').includes('stands for ever'))
  assert.ok(faultsOf(without('leaving', 'isOut')).includes('is never let go'))
  for (const state of ['idle', 'asked'] as const) {
    assert.ok(faultsOf(without(state, 'ended'), 'end').includes('is never let go'), state)
  }
})
