/** One run of simulated sessions from a seed: steps by chance, then quiet, then what must hold. */
import { byWeight, type StepsOf, takeSteps } from '../random-steps.ts'
import { findBrokenSeed, runSeed, type SeededRuns } from '../shorten.ts'
import { checkEmpty, checkKept, checkSettled } from './checks.ts'
import { SESSION_STEPS } from './steps.ts'
import { REAL_SESSIONS, type SessionVariant } from './variants.ts'
import { SessionWorld } from './world.ts'

const STEPS_MAX = 50
const STEPS_MIN = 8
/** Between two steps, mostly little. */
const PAUSES_MS = [0, 1, 10, 10, 50, 50, 200, 600, 1500, 4000, 4100] as const
const CHECK_MS = 500
/** Once all is well: retries, silence, slow answers; then what nobody comes back for expires. */
const SETTLE_MS = 20_000
const EXPIRE_MS = 15_000
/** Its randomness, beside that of the steps. */
const END_PART = -1

const STEPS: StepsOf<SessionWorld> = {
  min: STEPS_MIN,
  max: STEPS_MAX,
  all: byWeight(SESSION_STEPS),
  pausesMs: PAUSES_MS,
  pass,
}

type Counts = Map<string, number>

const runsOf = (variant: SessionVariant, counts?: Counts): SeededRuns => ({
  stepsMax: STEPS_MAX,
  test: 'test/long/session-simulation.test.ts',
  run: (seed, skipped, trace) => {
    const giveBack = variant.breakRule?.()
    try {
      const world = new SessionWorld(seed, variant)
      run(world, seed, skipped, trace)
      if (counts !== undefined) count(world, counts)
    } finally {
      giveBack?.()
    }
  },
})

/**
 * @param counts What gates have counted is added to it, all together.
 * @throws The first promise that was broken, with the steps that led there.
 */
export function simulateSessions(seed: number, counts?: Counts): void {
  runSeed(runsOf(REAL_SESSIONS, counts), seed)
}

function count(world: SessionWorld, counts: Counts): void {
  for (const { closed, ...others } of world.counters) {
    for (const [name, more] of Object.entries({ ...others, ...closed })) {
      counts.set(name, (counts.get(name) ?? 0) + more)
    }
  }
}

/** The seed of the first run from `first` on that finds out; undefined: none of `runs` does. */
export function findBrokenSessions(
  variant: SessionVariant,
  first: number,
  runs: number,
): number | undefined {
  return findBrokenSeed(runsOf(variant), first, runs)
}

function run(
  world: SessionWorld,
  seed: number,
  skipped: ReadonlySet<number>,
  trace: string[] | undefined,
): void {
  const { random, agenda } = world
  world.start('a')
  takeSteps(world, seed, STEPS, skipped, trace)
  random.restart(seed, END_PART)
  trace?.push(`${agenda.now} all is well from here on`)
  world.isQuiet = true
  pass(world, SETTLE_MS)
  checkSettled(world)
  for (const { core } of world.clients.values()) core.close()
  pass(world, EXPIRE_MS)
  checkEmpty(world)
}

function pass(world: SessionWorld, ms: number): void {
  const end = world.agenda.now + ms
  while (world.agenda.now + CHECK_MS < end) {
    world.agenda.until(world.agenda.now + CHECK_MS)
    checkKept(world)
  }
  world.agenda.until(end)
  checkKept(world)
}
