/**
 * What a service may have besides its mailbox, its calls and its tasks: sockets, subscriptions,
 * children. A part is made by its feature, with its first use. The service knows no more of it than
 * this. All of it runs on the worker of the service.
 */
export interface Part {
  /** A worker died. `dead`: its handles, and -1 less the place of the worker. */
  workerDied?(dead: ReadonlySet<number>): void
  /** Whoever gave an order, by the name that `askerOf` gives it, waits no more. */
  givenUp?(asker: string): void
  /** The node will stop: what is there goes on, nothing new is let in. */
  draining?(): void
  /**
   * Its exit hooks are done, or out of time: the last that it says. What is returned is awaited,
   * for a few turns. One that is killed says nothing.
   */
  parting?(): void | Promise<void>
  /** The service ends. It can still be reached, and what it sends now still leaves in its name. */
  closing?(): void
  /** The service has ended: nobody can reach it any more. */
  ended?(): void
}

let keys = 0

/** By which a service finds its part of one kind: one object a kind, made with its file. */
export class PartKey<P extends object> {
  readonly index = keys++
  /** Never there: it ties the key to the kind. */
  declare readonly kind: P
}

/** Who has parts. */
export interface PartHost {
  /** Undefined: it was not made so far. */
  part<P extends object>(key: PartKey<P>): P | undefined
  /** One that is made after the end of its service has ended too. */
  addPart<P extends object>(key: PartKey<P>, part: P): P
}
