/** What the simulated system does on purpose, and how often: each run has rates of its own. */
import type { Random } from './random.ts'

export const FAULTS = [
  'readShort',
  'readAgain',
  'writeShort',
  'writeAgain',
  'writeNoBuffers',
  'acceptAborted',
  'acceptInterrupted',
  'acceptNoBuffers',
  'acceptNoFile',
  'socketNoFile',
  'connectNow',
  'connectRefusedNow',
  'pollerLate',
  'pollerSpurious',
  'pollerFew',
  'pollerInterrupted',
  'resetKeepsData',
  'sendAgain',
  'sendNoBuffers',
  'sendRefused',
  'datagramLost',
] as const
export type Fault = (typeof FAULTS)[number]

/** Of 256. Most kinds are rare in most runs, so that runs also get far. */
const RATES = [0, 0, 0, 2, 16, 80] as const
/** What ends a connection, or takes away what it had, stays rare. */
const RARE: readonly Fault[] = ['writeNoBuffers', 'acceptAborted', 'connectRefusedNow']

/** What parts of the system ask, each time that they could go wrong. */
export interface FaultChooser {
  hits(fault: Fault): boolean
  /** A part of `length`, at least 1, when `fault` hits. */
  cut(fault: Fault, length: number): number
}

/** A system that behaves. */
export const NO_FAULTS: FaultChooser = { hits: () => false, cut: (_, length) => length }

export class SimFaults implements FaultChooser {
  readonly #random: Random
  readonly #rates = new Map<Fault, number>()
  /** False: the system behaves. */
  areOn = true

  constructor(random: Random) {
    this.#random = random
    for (const fault of FAULTS) {
      const rate = random.pick(RATES)
      this.#rates.set(fault, RARE.includes(fault) ? rate >> 3 : rate)
    }
  }

  hits(fault: Fault): boolean {
    const rate = this.#rates.get(fault)!
    return this.areOn && rate > 0 && this.#random.below(256) < rate
  }

  cut(fault: Fault, length: number): number {
    return length > 1 && this.hits(fault) ? this.#random.between(1, length) : length
  }
}
