/**
 * The protocols of `doorbell.ts` under every interleaving there is: two writers and a reader of a
 * ring of one place, each with a bell of its own. A state in which all wait is a lost wake-up.
 *
 * A writer that finds the ring full lies down, asks for room and tries once more; the reader lies
 * down when the ring is empty. `park` is waitAsync, which looks at the bell once more, atomically;
 * the reader may sleep in a poller instead, on a counter that wakes it also when raised before.
 *
 * A reader on its bell may get up without a ring, as it does for what Node.js brings
 * (`Scheduler.stayUp`). Its waitAsync goes on meanwhile, and holds for the next sleep, unless
 * somebody has rung since.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explore, type Outcome, type Phase, type ThreadRun } from '../testing/interleave.ts'

type Step =
  | { readonly do: 'load'; readonly cell: number }
  | { readonly do: 'store'; readonly cell: number; readonly value: number }
  | { readonly do: 'or'; readonly cell: number; readonly value: number }
  | { readonly do: 'exchange'; readonly cell: number; readonly from: number; readonly to: number }
  | { readonly do: 'swap'; readonly cell: number; readonly value: number }
  /** Sleep unless the bell has been rung. */
  | { readonly do: 'park'; readonly thread: number }
  /** The rest of park: somebody woke us. */
  | { readonly do: 'woken'; readonly thread: number }
  /** As woken, or Node.js has brought something, which is 1. */
  | { readonly do: 'rest' }
  /** Between two turns: 1 when it was heard that somebody woke us, which may come later too. */
  | { readonly do: 'hear' }
  /** Sleep in the poller until its counter is raised, and clear it. */
  | { readonly do: 'poll' }
type Fault = 'stuck'
type Loop = Generator<Step, void, number>

/** Ways to break the protocols. All end with everybody asleep while there is work. */
const BREAKS = {
  ringFirst: 'the reader looks at the ring, and then lies down',
  publishLast: 'a writer rings before it publishes',
  noLook: 'the reader does not look at the ring after it lay down',
  wantAfterTry: 'a writer asks for room only after its last try',
  lieDownAfterTry: 'a writer lies down only after its last try',
  wantFirst: 'a writer asks for room before it lies down',
  announceFirst: 'the reader announces room before it frees any',
} as const
/** Those of who gets up without a ring. */
const UP_BREAKS = {
  noLook: 'who lies down again does not look at the ring',
  keepsArmed: 'who was woken believes that it waits still',
  liesOn: 'who got up looks at nothing, as somebody who sleeps',
} as const
type Break = keyof typeof BREAKS | keyof typeof UP_BREAKS

interface Config {
  /** The reader sleeps in a poller, as the socket thread does. */
  readonly isPoller: boolean
  /** So often Node.js brings something, for which the reader gets up. */
  readonly getsUp?: number
  readonly broken?: Break
}

const READER = 0
const WRITERS = [1, 2]
const MESSAGES = 2
const TOTAL = WRITERS.length * MESSAGES
/** Cells: messages in the ring, the threads that want room, the poller's counter. */
const USED = 0
const WANTS = 1
const COUNTER = 2
const bell = (thread: number): number => 3 + thread
const parked = (thread: number): number => 6 + thread
/** Node.js has brought something. */
const BROUGHT = 9
const CELLS = 10

/** `Doorbells.ring`. */
function* ring(config: Config, thread: number): Loop {
  if ((yield { do: 'load', cell: bell(thread) }) !== 1) return
  if ((yield { do: 'exchange', cell: bell(thread), from: 1, to: 0 }) !== 1) return
  const isPoller = thread === READER && config.isPoller
  if (isPoller) yield { do: 'store', cell: COUNTER, value: 1 }
  else yield { do: 'exchange', cell: parked(thread), from: 1, to: 0 }
}

/** `Doorbells.announceRoom`. */
function* announceRoom(config: Config): Loop {
  if ((yield { do: 'load', cell: WANTS }) === 0) return
  const wants = yield { do: 'swap', cell: WANTS, value: 0 }
  for (const thread of WRITERS) if ((wants & (1 << thread)) !== 0) yield* ring(config, thread)
}

function* sleep(config: Config, thread: number): Loop {
  if (thread === READER && config.isPoller) yield { do: 'poll' }
  else {
    yield { do: 'park', thread }
    yield { do: 'woken', thread }
  }
  yield { do: 'store', cell: bell(thread), value: 0 }
}

/** Phase: messages written. */
function* writer(config: Config, self: number, [count]: Phase): ThreadRun<Step> {
  const { broken } = config
  if (count === MESSAGES) return undefined
  if (broken === 'publishLast') yield* ring(config, READER)
  if (yield* tryWrite(config)) return [count! + 1]
  const want = { do: 'or', cell: WANTS, value: 1 << self } as const
  const lieDown = { do: 'store', cell: bell(self), value: 1 } as const
  if (broken === 'wantFirst') yield want
  if (broken !== 'lieDownAfterTry') yield lieDown
  if (broken !== 'wantFirst' && broken !== 'wantAfterTry') yield want
  if (yield* tryWrite(config)) {
    yield { do: 'store', cell: bell(self), value: 0 }
    return [count! + 1]
  }
  if (broken === 'wantAfterTry') yield want
  if (broken === 'lieDownAfterTry') yield lieDown
  yield* sleep(config, self)
  return [count!]
}

function* tryWrite(config: Config): Generator<Step, boolean, number> {
  if ((yield { do: 'exchange', cell: USED, from: 0, to: 1 }) !== 0) return false
  if (config.broken !== 'publishLast') yield* ring(config, READER)
  return true
}

/** Phase: messages read. */
function* reader(config: Config, [count]: Phase): ThreadRun<Step> {
  const { broken } = config
  if (count === TOTAL) return undefined
  if ((yield { do: 'load', cell: USED }) === 1) return yield* consume(config, count!)
  const isQuietBefore = broken !== 'ringFirst' || (yield { do: 'load', cell: USED }) === 0
  if (!isQuietBefore) return [count!]
  yield { do: 'store', cell: bell(READER), value: 1 }
  const looks = broken !== 'ringFirst' && broken !== 'noLook'
  if (looks && (yield { do: 'load', cell: USED }) === 1) {
    yield { do: 'store', cell: bell(READER), value: 0 }
    return [count!]
  }
  yield* sleep(config, READER)
  return [count!]
}

/** Phase: messages read; whether it waits for its bell, be it up or not. As `Scheduler`. */
function* risingReader(config: Config, [count, armed]: Phase): ThreadRun<Step> {
  const { broken } = config
  if (count === TOTAL) return undefined
  if (armed === 1 && (yield { do: 'hear' }) === 1) {
    return [count!, broken === 'keepsArmed' ? 1 : 0]
  }
  if ((yield { do: 'load', cell: USED }) === 1) {
    const [read] = yield* consume(config, count!)
    return [read!, armed!]
  }
  yield { do: 'store', cell: bell(READER), value: 1 }
  if (broken !== 'noLook' && (yield { do: 'load', cell: USED }) === 1) {
    yield { do: 'store', cell: bell(READER), value: 0 }
    return [count!, armed!]
  }
  if (armed === 0) yield { do: 'park', thread: READER }
  for (;;) {
    const isUp = (yield { do: 'rest' }) === 1
    yield { do: 'store', cell: bell(READER), value: 0 }
    if (!isUp || broken !== 'liesOn') return [count!, isUp ? 1 : 0]
  }
}

/** Phase: what Node.js has brought. */
function* bringer({ getsUp = 0 }: Config, [count]: Phase): ThreadRun<Step> {
  if (count === getsUp) return undefined
  yield { do: 'store', cell: BROUGHT, value: 1 }
  return [count! + 1]
}

function* consume(config: Config, count: number): Generator<Step, Phase, number> {
  const isFirst = config.broken === 'announceFirst'
  if (isFirst) yield* announceRoom(config)
  yield { do: 'store', cell: USED, value: 0 }
  if (!isFirst) yield* announceRoom(config)
  return [count + 1]
}

type Cells = readonly number[]

function isPossible(cells: Cells, step: Step): boolean {
  if (step.do === 'woken') return cells[parked(step.thread)] === 0
  if (step.do === 'rest') return cells[parked(READER)] === 0 || cells[BROUGHT] === 1
  return step.do !== 'poll' || cells[COUNTER] === 1
}

function perform(cells: Cells, step: Step): Outcome<Cells, Fault>[] {
  switch (step.do) {
    case 'park': {
      const isAsleep = cells[bell(step.thread)] === 1
      return [{ world: cells.with(parked(step.thread), isAsleep ? 1 : 0), value: 0 }]
    }
    case 'woken':
      return [{ world: cells, value: 0 }]
    case 'rest':
      return resting(cells)
    case 'hear':
      return hearing(cells)
    case 'poll':
      return [{ world: cells.with(COUNTER, 0), value: 0 }]
    default:
      return [change(cells, step)]
  }
}

/** What was heard is not heard again. */
const heard = (cells: Cells): Cells => cells.with(parked(READER), 2)

/** Both may be so: then either is first. */
function resting(cells: Cells): Outcome<Cells, Fault>[] {
  const woken = { world: heard(cells), value: 0 }
  const up = { world: cells.with(BROUGHT, 0), value: 1 }
  return [...(cells[parked(READER)] === 0 ? [woken] : []), ...(cells[BROUGHT] === 1 ? [up] : [])]
}

function hearing(cells: Cells): Outcome<Cells, Fault>[] {
  const not = { world: cells, value: 0 }
  return cells[parked(READER)] === 0 ? [not, { world: heard(cells), value: 1 }] : [not]
}

function change(cells: Cells, step: Extract<Step, { cell: number }>): Outcome<Cells, Fault> {
  const value = cells[step.cell]!
  if (step.do === 'load') return { world: cells, value }
  if (step.do === 'exchange') {
    return { world: value === step.from ? cells.with(step.cell, step.to) : cells, value }
  }
  const next = step.do === 'or' ? value | step.value : step.value
  // What a store or an or found is not known to the thread.
  return { world: cells.with(step.cell, next), value: step.do === 'swap' ? value : 0 }
}

function exploreBells(config: Config) {
  const writers = WRITERS.map((self) => ({
    start: [0],
    run: (phase: Phase) => writer(config, self, phase),
  }))
  const rising = [
    { start: [0, 0], run: (phase: Phase) => risingReader(config, phase) },
    { start: [0], run: (phase: Phase) => bringer(config, phase) },
  ]
  const lying = [{ start: [0], run: (phase: Phase) => reader(config, phase) }]
  return explore<Step, Cells, Fault>({
    world: new Array<number>(CELLS).fill(0),
    threads: [...(config.getsUp === undefined ? lying : rising), ...writers],
    keyOf: (cells) => String.fromCharCode(...cells),
    isPossible,
    perform,
    faultAtEnd: (_cells, waiting) => (waiting.length > 0 ? 'stuck' : undefined),
    until: config.broken && 'stuck',
  })
}

for (const isPoller of [false, true]) {
  const how = isPoller ? 'in a poller' : 'on its bell'
  test(`Doorbells lose no wake-up in any schedule when the reader sleeps ${how}`, (t) => {
    const { states, schedules } = exploreBells({ isPoller })
    t.diagnostic(`${states} states`)
    assert.deepEqual([...schedules], [])
    assert.ok(states > 1000)
  })
}

for (const [broken, what] of Object.entries(BREAKS)) {
  test(`the model shows that all threads sleep for ever when ${what}`, () => {
    for (const isPoller of [false, true]) {
      const { faults } = exploreBells({ isPoller, broken: broken as Break })
      assert.deepEqual(faults, ['stuck'])
    }
  })
}

test('Doorbells lose no wake-up in any schedule when the reader gets up without a ring', (t) => {
  const { states, schedules } = exploreBells({ isPoller: false, getsUp: 1 })
  t.diagnostic(`${states} states`)
  assert.deepEqual([...schedules], [])
  assert.ok(states > 1000)
})

for (const [broken, what] of Object.entries(UP_BREAKS)) {
  test(`the model shows that all threads sleep for ever when ${what}`, () => {
    const { faults } = exploreBells({ isPoller: false, getsUp: 1, broken: broken as Break })
    assert.deepEqual(faults, ['stuck'])
  })
}
