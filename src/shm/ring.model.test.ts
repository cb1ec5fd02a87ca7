/** The many-to-one algorithm of `ring.ts` on a tiny ring, under every interleaving there is. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as interleave from '../testing/interleave.ts'

type Step =
  | { readonly do: 'load'; readonly cell: number }
  /** At the tail, without `Atomics`: finds any that there was. */
  | { readonly do: 'glance'; readonly cell: number }
  | { readonly do: 'store'; readonly cell: number; readonly value: number }
  | { readonly do: 'exchange'; readonly cell: number; readonly from: number; readonly to: number }
  | { readonly do: 'awaitChange'; readonly cell: number; readonly from: number }
  | { readonly do: 'emit'; readonly values: readonly number[] }
type Phase = interleave.Phase
type Thread = interleave.ThreadRun<Step>

const FAULTS = {
  torn: 'a record is torn',
  stray: 'the reader got what nobody wrote',
  order: 'a record is lost, doubled or out of order',
  stuck: 'all threads wait for each other',
  outside: 'a step outside of the ring',
  rest: 'the ring is not empty, or not zero, at the end',
} as const
type Fault = keyof typeof FAULTS

/** Ways to break the algorithm, and the harm to the reader that must come of it. */
const BREAKS = {
  publishFirst: ['torn', 'a writer publishes before it copies the payload'],
  storeTail: ['order', 'a writer moves the tail by a store'],
  noZeros: ['order', 'the reader leaves what it consumed'],
  zerosLast: ['stuck', 'the reader moves the head before it zeroes'],
  secondLap: ['order', 'the reader goes on into what it has just consumed'],
  noFreeCheck: ['order', 'a writer does not look at the head'],
} as const satisfies Record<string, readonly [Fault, string]>

interface Config {
  readonly units: number
  /** Units of a record, its first being the length. */
  readonly size: number
  readonly limit: number
  /** Where tail and head start; positions wrap modulo four laps. */
  readonly start: number
  readonly broken?: keyof typeof BREAKS
}

const WRITERS = 2
const RECORDS = 2
const TAIL = 0
const HEAD = 1
const DATA = 2

const idOf = (writer: number, sequence: number): number => 100 * (writer + 1) + sequence
const wrapOf = (config: Config): number => config.units * 4

/** a - b, as `(a - b) | 0` on int32. */
function difference(config: Config, a: number, b: number): number {
  const wrap = wrapOf(config)
  return ((a - b + wrap + wrap / 2) % wrap) - wrap / 2
}

/**
 * Phases of a writer: `[sequence, -1]` to reserve, `[sequence, -1, tail]` to try again with a tail
 * that it was told, `[sequence, at]` to fill what it reserved.
 */
function writer(config: Config, number: number, [sequence, at, tail]: Phase): Thread {
  return at < 0 ? reserve(config, sequence, tail) : fill(config, number, sequence, at)
}

function* reserve(config: Config, sequence: number, told: number | undefined): Thread {
  const { units, size, broken } = config
  const tail = told ?? (yield { do: 'glance', cell: TAIL })
  const head = yield { do: 'load', cell: HEAD }
  const index = tail % units
  const padding = paddingAt(config, tail)
  const isFull = padding + size > units - difference(config, tail, head)
  if (isFull && broken !== 'noFreeCheck') {
    const now = yield { do: 'load', cell: TAIL }
    if (now !== tail) return [sequence, -1, now]
    yield { do: 'awaitChange', cell: HEAD, from: head }
    return [sequence, -1]
  }
  const to = (tail + padding + size) % wrapOf(config)
  if (broken === 'storeTail') yield { do: 'store', cell: TAIL, value: to }
  else {
    const found = yield { do: 'exchange', cell: TAIL, from: tail, to }
    if (found !== tail) return [sequence, -1, found]
  }
  if (padding === 0) return [sequence, DATA + index]
  yield { do: 'store', cell: DATA + index, value: -padding }
  return [sequence, DATA]
}

function* fill(config: Config, number: number, sequence: number, at: number): Thread {
  const publish = { do: 'store', cell: at, value: config.size } as const
  if (config.broken === 'publishFirst') yield publish
  for (let i = 1; i < config.size; i++) {
    yield { do: 'store', cell: at + i, value: idOf(number, sequence) }
  }
  if (config.broken !== 'publishFirst') yield publish
  return sequence + 1 < RECORDS ? [sequence + 1, -1] : undefined
}

/** Phases of the reader: `[total, -1]` to begin, `[total, start, position, count]` in a read. */
function reader(config: Config, [total, start, position, count]: Phase): Thread {
  if (start < 0) return begin(total)
  const { units, limit, broken } = config
  const isLap = broken !== 'secondLap' && difference(config, position, start) >= units
  if (count === limit || isLap) return free(config, total, start, position)
  return consume(config, total, start, position, count)
}

function* begin(total: number): Thread {
  const head = yield { do: 'load', cell: HEAD }
  return [total, head, head, 0]
}

function* consume(
  config: Config,
  total: number,
  start: number,
  position: number,
  count: number,
): Thread {
  const at = DATA + (position % config.units)
  const length = yield { do: 'load', cell: at }
  if (length === 0 && position === start) {
    yield { do: 'awaitChange', cell: at, from: 0 }
    return [total, -1]
  }
  if (length === 0) return yield* free(config, total, start, position)
  const next = (position + Math.abs(length)) % wrapOf(config)
  if (length < 0) return [total, start, next, count]
  const values: number[] = []
  for (let i = 1; i < length; i++) values.push(yield { do: 'load', cell: at + i })
  yield { do: 'emit', values }
  return [total + 1, start, next, count + 1]
}

function* free(config: Config, total: number, start: number, end: number): Thread {
  const { units, broken } = config
  if (broken === 'zerosLast') yield { do: 'store', cell: HEAD, value: end }
  if (broken !== 'noZeros') {
    for (let i = 0; i < difference(config, end, start); i++) {
      yield { do: 'store', cell: DATA + ((start + i) % units), value: 0 }
    }
  }
  if (broken !== 'zerosLast') yield { do: 'store', cell: HEAD, value: end }
  return total < WRITERS * RECORDS ? [total, -1] : undefined
}

interface World {
  readonly cells: readonly number[]
  /** What the reader got so far. */
  readonly seen: readonly number[]
}

function isPossible({ cells }: World, step: Step): boolean {
  return step.do !== 'awaitChange' || cells[step.cell] !== step.from
}

function perform(config: Config, world: World, step: Step): interleave.Outcome<World, Fault>[] {
  let { cells, seen } = world
  let value = 0
  if (step.do === 'emit') {
    const fault = faultOf(config, seen, step.values)
    if (fault) return [{ fault }]
    seen = [...seen, step.values[0]]
  } else {
    if (step.cell >= cells.length) return [{ fault: 'outside' }]
    value = cells[step.cell]
    if (step.do === 'glance') {
      const world = { cells, seen }
      return tailsUntil(config, value).map((tail) => ({ world, value: tail }))
    }
    if (step.do === 'store') cells = cells.with(step.cell, step.value)
    if (step.do === 'exchange' && value === step.from) cells = cells.with(step.cell, step.to)
  }
  // What a store or a wait found is not known to the thread.
  const isRead = step.do === 'load' || step.do === 'exchange'
  return [{ world: { cells, seen }, value: isRead ? value : 0 }]
}

/** Tails that there were, from the first to `end`. */
function tailsUntil(config: Config, end: number): number[] {
  const tails = [config.start]
  for (let tail = config.start; difference(config, tail, end) < 0; tails.push(tail)) {
    tail = (tail + paddingAt(config, tail) + config.size) % wrapOf(config)
  }
  return tails
}

function paddingAt({ units, size }: Config, tail: number): number {
  const toEnd = units - (tail % units)
  return size > toEnd ? toEnd : 0
}

function faultOf(config: Config, seen: readonly number[], values: readonly number[]) {
  const [id] = values
  if (values.length !== config.size - 1 || values.some((value) => value !== id)) return 'torn'
  const writerOf = (id: number): number => Math.floor(id / 100) - 1
  if (!(writerOf(id) >= 0 && writerOf(id) < WRITERS)) return 'stray'
  const before = seen.filter((other) => writerOf(other) === writerOf(id))
  return id === idOf(writerOf(id), before.length) ? undefined : 'order'
}

function faultAtEnd({ cells, seen }: World, waiting: readonly number[]): Fault | undefined {
  if (waiting.length > 0) return 'stuck'
  if (seen.length !== WRITERS * RECORDS) return 'order'
  const isClean = cells[TAIL] === cells[HEAD] && cells.slice(DATA).every((cell) => cell === 0)
  return isClean ? undefined : 'rest'
}

/** Every schedule: all faults there are, and all orders in which the records arrived. */
function explore(config: Config) {
  const threads = [{ start: [0, -1], run: (phase: Phase) => reader(config, phase) }]
  for (let number = 0; number < WRITERS; number++) {
    threads.push({ start: [0, -1], run: (phase) => writer(config, number, phase) })
  }
  const cells = [config.start, config.start, ...new Array<number>(config.units).fill(0)]
  let hasPadded = false
  const { states, faults, ends } = interleave.explore<Step, World, Fault>({
    world: { cells, seen: [] },
    threads,
    keyOf: ({ cells, seen }) => `${cells}|${seen}`,
    isPossible,
    perform: (world, step) => perform(config, world, step),
    faultAtEnd,
    visit: ({ cells }) => {
      hasPadded ||= cells.slice(DATA).some((cell) => cell < 0)
    },
  })
  const orders = new Set(ends.map(({ seen }) => `${seen}`)).size
  return { states, orders, faults, hasPadded }
}

/** Records that need padding, and records that fill the ring to the last unit. */
const PADDED: Config = { units: 8, size: 3, limit: 2, start: 24 }
const EXACT: Config = { units: 4, size: 2, limit: 4, start: 14 }

for (const [name, config] of Object.entries({ PADDED, EXACT })) {
  test(`ManyRing loses, doubles, tears and reorders nothing in any schedule (${name})`, (t) => {
    const { states, orders, faults, hasPadded } = explore(config)
    t.diagnostic(`${states} states`)
    assert.deepEqual(faults, [])
    assert.ok(states > 1000)
    assert.equal(orders, 6, 'all ways to mix two sequences of two')
    assert.equal(hasPadded, config === PADDED)
  })
}

for (const [broken, [fault, what]] of Object.entries(BREAKS)) {
  test(`the model shows that ${FAULTS[fault]} when ${what}`, (t) => {
    const found = [EXACT, PADDED].flatMap((config) => {
      return explore({ ...config, broken: broken as keyof typeof BREAKS }).faults
    })
    t.diagnostic([...new Set(found)].join())
    assert.ok(found.includes(fault))
  })
}
