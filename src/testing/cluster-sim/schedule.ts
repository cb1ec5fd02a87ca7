/** One run of a simulated cluster from a seed: steps by chance, then quiet, then what must hold. */
import { byWeight, type StepsOf, takeSteps } from '../random-steps.ts'
import { CLUSTER_STEPS } from './steps.ts'
import type { Variant } from './variants.ts'
import { ClusterWorld } from './world.ts'

export const CLUSTER_STEPS_MAX = 60
const STEPS_MIN = 10
/** Between two steps, mostly little. */
const PAUSES_MS = [0, 5, 50, 50, 300, 1000, 3000] as const
const FIRST_MS = 500
/** Leases until all agree, once everything is well. */
const QUIET_LEASES = 3
/** Its randomness, beside that of the steps. */
const END_PART = -1
/** Until the store is reached again, which makes others join, and until all were told. */
const TOLD_MS = 2500
const TICK_MS = 500

const STEPS: StepsOf<ClusterWorld> = {
  min: STEPS_MIN,
  max: CLUSTER_STEPS_MAX,
  all: byWeight(CLUSTER_STEPS),
  pausesMs: PAUSES_MS,
  pass,
}
const NONE: ReadonlySet<number> = new Set()

/** @param skipped Steps to leave out. */
export function runCluster(
  seed: number,
  variant: Variant,
  skipped: ReadonlySet<number> = NONE,
  trace?: string[],
): ClusterWorld {
  const world = new ClusterWorld(seed, variant, trace)
  const { random, agenda } = world
  pass(world, FIRST_MS)
  takeSteps(world, seed, STEPS, skipped, trace)
  random.restart(seed, END_PART)
  trace?.push(`${Math.round(agenda.now)} all is well from here on`)
  world.troubles.healAll()
  for (const node of world.nodes) if (world.at(node) === undefined) world.start(node)
  pass(world, Math.max(0, world.hub.downUntil - agenda.now))
  for (const process of world.processes) process.goOn()
  pass(world, world.leaseMs * QUIET_LEASES + TOLD_MS)
  world.checkAgreement()
  for (const { services } of world.processes) services.isQuiet = true
  pass(world, LAST_CALLS_MS)
  world.checkEnd()
  return world
}
/** What was asked last has ended by then. */
const LAST_CALLS_MS = 5500

function pass(world: ClusterWorld, ms: number): void {
  const { agenda } = world
  const end = agenda.now + ms
  while (agenda.now + TICK_MS < end) {
    agenda.until(agenda.now + TICK_MS)
    world.check()
  }
  agenda.until(end)
  world.check()
}
