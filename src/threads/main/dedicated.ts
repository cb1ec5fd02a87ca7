/**
 * Workers that services have for themselves: they come when one is asked for, and end with their
 * last service. Runs on the main thread.
 */
import { SkynetError } from '../../base/errors.ts'
import { withHint } from '../../base/thrown.ts'
import type { Report } from '../protocol.ts'
import type { Thread } from './thread.ts'

/** Who asks for a dedicated worker, as far as it is seen here. */
export type Asker = Pick<Thread, 'tell' | 'hasEnded'>
/** The thread of a dedicated worker, as far as it is seen here. */
export type DedicatedThread = Pick<Thread, 'leave' | 'hasEnded' | 'past'>

/** What dedicated workers need of their node. */
export interface DedicatedHost {
  isEnding(): boolean
  /** The numbers of all places for dedicated workers, taken or not. */
  readonly places: readonly number[]
  /** Undefined: that place is empty. */
  threadAt(worker: number): DedicatedThread | undefined
  /** That place is empty again. */
  empty(worker: number): void
  /** How many services that worker has, also those being launched. */
  loadOf(worker: number): number
  /** Resolves when the thread is ready, or with why it is not. */
  start(
    worker: number,
    memoryLimitMb: number,
    isWanted: () => boolean,
  ): Promise<DedicatedThread | SkynetError<'ERR_THREAD_DIED'>>
  /** Mend what it left, and tell who waits for its services. True: others of the node are left. */
  bury(worker: number, cause: unknown): Promise<boolean>
  /** A start is over, however it went. */
  started(): void
  print(text: string): void
  /** The last service of the node went with a worker that died. */
  lostAll(): void
}

export class Dedicated {
  readonly #node: DedicatedHost
  /** For each place that is taken, the worker on which it was asked for. */
  readonly #askers = new Map<number, Asker>()

  constructor(node: DedicatedHost) {
    this.#node = node
  }

  /** The worker `asker` wants one for a service that is launched from there. */
  async start(asker: Asker, report: Report & { kind: 'dedicate' }): Promise<void> {
    const node = this.#node
    const { token, memoryLimitMb } = report
    const answer = (worker: number): void => asker.tell({ kind: 'dedicated', token, worker })
    const worker = this.#freePlace()
    if (worker < 0 || node.isEnding()) {
      answer(-1)
      return
    }
    this.#askers.set(worker, asker)
    const found = await node.start(worker, memoryLimitMb, () => !asker.hasEnded)
    node.started()
    if (!(found instanceof SkynetError)) {
      answer(worker)
      return
    }
    if (!node.isEnding()) {
      node.print(withHint(`Cannot start a dedicated worker: ${found.info.reason}`))
    }
    await this.lost(worker, found.cause)
    answer(-1)
  }

  #freePlace(): number {
    const node = this.#node
    const isFree = (place: number): boolean =>
      node.threadAt(place) === undefined && !this.#askers.has(place)
    return node.places.find(isFree) ?? -1
  }

  /** The thread ended, with its last service or before, or never began: its place is free again. */
  async lost(worker: number, cause: unknown): Promise<void> {
    const node = this.#node
    if (node.isEnding()) return
    const thread = node.threadAt(worker)
    if (thread !== undefined) {
      const isMeant = thread.past !== undefined
      const isAnyLeft = await node.bury(worker, cause)
      node.empty(worker)
      if (!isMeant && !isAnyLeft) node.lostAll()
    }
    this.#askers.delete(worker)
  }

  /** A thread ended. Who asked there for dedicated workers has launched nothing more on them. */
  forget(gone: Asker): void {
    for (const [worker, asker] of this.#askers) {
      if (asker === gone) this.vacate(worker, [])
    }
  }

  /** Nobody launches anything on a dedicated worker but who asked for it, and its own services. */
  vacate(worker: number, handles: readonly number[]): void {
    const thread = this.#node.threadAt(worker)
    if (thread === undefined || thread.hasEnded || this.#node.loadOf(worker) > 0) return
    thread.leave(handles)
  }
}
