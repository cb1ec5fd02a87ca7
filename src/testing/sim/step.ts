/** A row of the table of what may happen in a run. */
import type { Owner } from './owner.ts'
import type { World } from './world.ts'

/** Says for the trace what it was about; undefined: there was nothing to do. */
export type Run = (world: World) => unknown

export interface Step {
  readonly name: string
  /** How often, beside the others. */
  readonly weight: number
  readonly run: Run
}

export const row = (weight: number, name: string, run: Run): Step => ({ weight, name, run })

export const aliveOwner = ({ random, owners }: World): Owner | undefined => {
  const owner = random.pick(owners)
  return owner.isAlive ? owner : undefined
}
