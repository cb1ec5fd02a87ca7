/**
 * The protocol of `channels.ts` under every interleaving there is: one slot, in which a channel is
 * ended and the next one made, while a worker joins the first, is told of its end, and joins the
 * second.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, type Outcome, type Phase, type ThreadRun } from '../testing/interleave.ts'

type Step =
  | { readonly do: 'load'; readonly cell: number }
  | { readonly do: 'store'; readonly cell: number; readonly value: number }
  | { readonly do: 'exchange'; readonly cell: number; readonly from: number; readonly to: number }
  /** Wait until the cell has this value. */
  | { readonly do: 'await'; readonly cell: number; readonly value: number }
  /** The worker: wait until it is told of the end, or knows the second channel. */
  | { readonly do: 'event' }
/** An end that nobody tells; a subscriber whom no message reaches; a slot that is lost. */
type Fault = 'orphan' | 'deaf' | 'leak'
type Part<R> = Generator<Step, R, number>

/** Ways to break the protocol, and what comes of each. */
const BREAKS = {
  noRecheck: ['join does not look at the stamp again', 'orphan'],
  tellFirst: ['end looks who has joined before it moves the stamp', 'orphan'],
  ignoreBits: ['create takes a slot that a worker has not left', 'deaf'],
  noUndo: ['join leaves its bit when the stamp has moved', 'leak'],
} as const satisfies Record<string, readonly [string, Fault]>
type Break = keyof typeof BREAKS

const [STAMP, BIT, TOLD, KNOWN, FIRST, SECOND] = [0, 1, 2, 3, 4, 5] as const
const CELLS = 6
const CREATOR = 2
const IS_TOLD = 1

function* join(stamp: number, audience: number, broken: Break | undefined): Part<void> {
  if ((yield { do: 'load', cell: STAMP }) !== stamp) return
  yield { do: 'store', cell: BIT, value: 1 }
  if (broken !== 'noRecheck' && (yield { do: 'load', cell: STAMP }) !== stamp) {
    if (broken !== 'noUndo') yield { do: 'store', cell: BIT, value: 0 }
    return
  }
  yield { do: 'store', cell: audience, value: 1 }
}

/** Phase: has it begun? */
function* worker(broken: Break | undefined, [hasBegun]: Phase): ThreadRun<Step> {
  if (hasBegun === 0) {
    yield* join(1, FIRST, broken)
    return [1]
  }
  if ((yield { do: 'event' }) === IS_TOLD) {
    // Multicast.receive: it is nothing to a worker that has no audience.
    if ((yield { do: 'exchange', cell: FIRST, from: 1, to: 0 }) === 1) {
      yield { do: 'store', cell: BIT, value: 0 }
    }
  } else yield* join(3, SECOND, broken)
  return [1]
}

function* ender(broken: Break | undefined): ThreadRun<Step> {
  const before = broken === 'tellFirst' ? yield { do: 'load', cell: BIT } : 0
  yield { do: 'exchange', cell: STAMP, from: 1, to: 2 }
  const hasJoined = broken === 'tellFirst' ? before : yield { do: 'load', cell: BIT }
  if (hasJoined === 1) yield { do: 'store', cell: TOLD, value: 1 }
  return undefined
}

function* creator(broken: Break | undefined): ThreadRun<Step> {
  yield { do: 'await', cell: STAMP, value: 2 }
  if (broken !== 'ignoreBits') yield { do: 'await', cell: BIT, value: 0 }
  yield { do: 'exchange', cell: STAMP, from: 2, to: 3 }
  yield { do: 'store', cell: KNOWN, value: 1 }
  return undefined
}

type Cells = readonly number[]

function isPossible(cells: Cells, step: Step): boolean {
  if (step.do === 'event') return cells[TOLD] === 1 || cells[KNOWN] === 1
  return step.do !== 'await' || cells[step.cell] === step.value
}

function perform(cells: Cells, step: Step): Outcome<Cells, Fault>[] {
  const now = (cell: number): number => cells[cell]!
  switch (step.do) {
    case 'load':
    case 'await':
      return [{ world: cells, value: now(step.cell) }]
    case 'store':
      return [{ world: cells.with(step.cell, step.value), value: 0 }]
    case 'exchange': {
      const was = now(step.cell)
      const world = was === step.from ? cells.with(step.cell, step.to) : cells
      return [{ world, value: was }]
    }
    case 'event': {
      const told = { world: cells.with(TOLD, 0), value: IS_TOLD }
      const known = { world: cells.with(KNOWN, 0), value: 0 }
      return [...(now(TOLD) === 1 ? [told] : []), ...(now(KNOWN) === 1 ? [known] : [])]
    }
  }
}

function faultAtEnd(cells: Cells, waiting: readonly number[]): Fault | undefined {
  if (cells[SECOND] === 1 && cells[BIT] === 0) return 'deaf'
  if (cells[FIRST] === 1) return 'orphan'
  return waiting.includes(CREATOR) ? 'leak' : undefined
}

function search(broken?: Break) {
  return explore<Step, Cells, Fault>({
    world: Array<number>(CELLS).fill(0).with(STAMP, 1),
    threads: [
      { start: [0], run: (phase) => worker(broken, phase) },
      { start: [], run: () => ender(broken) },
      { start: [], run: () => creator(broken) },
    ],
    keyOf: String,
    isPossible,
    perform,
    faultAtEnd,
  })
}

// Proves: docs/sharing.md#channel-delete
test('no subscriber misses the end of its channel, or a message of the next, in any order', () => {
  const { faults, ends, states } = search()
  assert.deepEqual(faults, [])
  assert.ok(states > 100, `${states} states`)
  const end = Array<number>(CELLS).fill(0).with(STAMP, 3).with(BIT, 1).with(SECOND, 1)
  assert.deepEqual(ends, [end], 'the worker always hears the second channel alone')
})

for (const [broken, [what, fault]] of Object.entries(BREAKS)) {
  test(`a broken variant is caught: ${what}`, () => {
    assert.ok(search(broken as Break).faults.includes(fault), what)
  })
}
