/** What follows when a worker is over, also one that was told to end. Of the main thread. */
import type { NodeState } from './node-state.ts'
import type { Thread } from './thread.ts'

/** What that needs of its node. */
export interface DeathsHost {
  readonly state: NodeState
  /** How many workers are for anybody: the first ones. */
  readonly shared: number
  /** Who has asked there for dedicated workers launches nothing more on them. */
  forgetAsker(thread: Thread): void
  /** A worker for anybody died: another takes its place. */
  replace(worker: number, reason: unknown): void
  /** A dedicated one ended: its place is free again. */
  vacate(worker: number, reason: unknown): void
  /** The node cannot go on without that thread. */
  endNode(thread: string, reason: unknown): void
}

export function workerEnded(
  node: DeathsHost,
  worker: number,
  thread: Thread,
  reason: unknown,
): void {
  node.forgetAsker(thread)
  const isShared = worker < node.shared
  if (isShared && node.state.name === 'starting') node.endNode(thread.name, reason)
  // One that never was ready is up to who has started it.
  else if (thread.isReady && isShared) node.replace(worker, reason)
  else if (thread.isReady) node.vacate(worker, reason)
}
