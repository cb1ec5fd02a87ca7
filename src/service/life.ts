/** How services begin and end, in words. */

/**
 * Why a service ended: by itself, by another service, with its node; it never began; by a fault, if
 * its launch said so; with one that it was linked to.
 */
export type ExitReason = 'exit' | 'kill' | 'stop' | 'launch failed' | 'crash' | 'linked'
export type ExitHook = (reason: ExitReason) => void | Promise<void>
/** What its launch says of a service, beside its module and arguments. */
export interface LaunchOrigin {
  /** Launched by the manager of unique services. */
  readonly isUnique: boolean
  /** What a fault that nobody else is told of does to it. */
  readonly onFault: 'log' | 'end'
}

const ORIGINS: readonly LaunchOrigin[] = [
  { isUnique: false, onFault: 'log' },
  { isUnique: false, onFault: 'end' },
  { isUnique: true, onFault: 'log' },
  { isUnique: true, onFault: 'end' },
]

/** One object for all services that are alike. */
export const originOf = (isUnique: boolean, onFault: LaunchOrigin['onFault']): LaunchOrigin =>
  ORIGINS[(isUnique ? 2 : 0) + (onFault === 'end' ? 1 : 0)]!

/**
 * The token of a service that is one in its cluster: the era and the revision at which it became
 * the owner of its name. A later owner has a higher one, the era counting first. Who keeps the
 * highest that it has seen and refuses what is lower, a database say, takes nothing of an owner
 * that was overtaken and does not know it yet.
 */
export type Fence = readonly [era: number, revision: number]

/**
 * `gone`: it had ended before; why is not known any more. `node down`: it went with its node.
 */
export type EndReason = ExitReason | 'worker died' | 'node down' | 'gone'

/** How a service ended. */
export interface Ending {
  readonly handle: number
  readonly reason: EndReason
  /** The fault of a crash, or why its worker died. */
  readonly cause?: unknown
}

/** Ends that were meant: links do not pass them on, supervisors may leave them be. */
const MEANT: ReadonlySet<EndReason> = new Set(['exit', 'stop'])
export const isMeant = ({ reason }: Ending): boolean => MEANT.has(reason)
