/** Steps by chance, in simulated time: what simulations from a seed have in common. */
import type { Random } from './sim/random.ts'

/** What may happen in a run. */
export interface RandomStep<World> {
  readonly name: string
  /** How often, beside the others. */
  readonly weight: number
  /** Says for the trace what it was about; undefined: there was nothing to do. */
  run(world: World): unknown
}

interface TimedWorld {
  readonly random: Random
  readonly agenda: { readonly now: number }
}

/** How runs are made of steps. */
export interface StepsOf<World> {
  readonly min: number
  readonly max: number
  /** Each as often as its weight says: see `byWeight`. */
  readonly all: readonly RandomStep<World>[]
  /** Between two of them. */
  readonly pausesMs: readonly number[]
  /** Let so much time pass, and look whether all holds. */
  pass(world: World, ms: number): void
}

export const byWeight = <S extends { readonly weight: number }>(
  steps: readonly S[],
): readonly S[] => steps.flatMap((step) => new Array<S>(step.weight).fill(step))

/** @param skipped Steps to leave out. The others do what they did: each has its own randomness. */
export function takeSteps<World extends TimedWorld>(
  world: World,
  seed: number,
  { min, max, all, pausesMs, pass }: StepsOf<World>,
  skipped: ReadonlySet<number>,
  trace: string[] | undefined,
): void {
  const { random, agenda } = world
  const steps = random.between(min, max)
  for (let index = 0; index < steps; index++) {
    random.restart(seed, index + 1)
    const pauseMs = random.pick(pausesMs)
    const step = random.pick(all)
    if (!skipped.has(index)) {
      const at = trace?.length ?? 0
      const detail = step.run(world)
      // Before what it led to.
      if (detail !== undefined) {
        trace?.splice(at, 0, `${Math.round(agenda.now)} step ${index}: ${step.name} ${detail}`)
      }
    }
    pass(world, pauseMs)
  }
}
