/** What who started a node has of it. Runs on the main thread. */
import { checkInteger, checkOptions } from '../../base/check.ts'
import { TIMER_MS_MAX } from '../../base/limits.ts'
import type { WorkerStats } from '../../debug/stats.ts'
import type { AnyService, MethodsOf } from '../../modules/definition.ts'
import { type ListenerInfo, listenersOf } from '../../net/netstat.ts'
import { Slots } from '../../net/slots.ts'
import { checkTarget, NodeRef } from '../../service/node-ref.ts'
import type { ServiceRef } from '../../service/ref.ts'
import type { ResolvedConfig } from '../options.ts'
import type { AssembledNode } from './assembly.ts'
import { askWorkers, countNode, type NodeStats } from './stats.ts'

export interface StopOptions {
  /** How long stop hooks may take, in milliseconds, 0..`TIMER_MS_MAX`; 0: they are not run. */
  readonly graceMs?: number
}

/** A running node. */
export interface Node extends AsyncDisposable {
  /**
   * A service of the node as this program sees it, typed: `node.ref<typeof board>('.board')`.
   * Calls begin on a worker, on behalf of a service of the node's own, and arrive in order.
   *
   * @param address A local name, which is looked up at each call, or a handle.
   * @throws `TypeError`, `RangeError` for what is no address.
   */
  ref<S extends AnyService = AnyService>(address: number | string): ServiceRef<MethodsOf<S>>
  /** What listens now: of `port: 0` the port that is really open. After the end nothing. */
  readonly listeners: readonly ListenerInfo[]
  /** Counted anew at each call, over all socket slots: for tests and reports. */
  stats(): NodeStats
  /** Memory and services of each worker; one that something holds for 3 s is left out. */
  workers(): Promise<WorkerStats[]>
  /** Resolves with the exit code once every thread has ended: 0 after `stop`, 1 after a fault. */
  readonly exited: Promise<number>
  /** The log file was renamed: let the logger open it anew, as SIGHUP does. Loses no line. */
  reopenLog(): void
  /**
   * Write a crash report into the config's `crashFolder`: for a program whose own fault ends it.
   *
   * @returns Its path; undefined without a `crashFolder`, or when it cannot be written.
   */
  writeCrashReport(what: string, fault: unknown): string | undefined
  /**
   * Stop: listeners close and stop hooks run, for at most `graceMs` (default: the config's); then
   * services end (their exit hooks run), what was written leaves, threads end. That takes at most
   * `exitMs` and a second more; what is not done by then is cut off.
   */
  stop(options?: StopOptions): Promise<void>
}

export const runningNode = (config: ResolvedConfig, node: AssembledNode): Node =>
  new RunningNode(config, node)

class RunningNode implements Node {
  readonly exited: Promise<number>
  readonly #config: ResolvedConfig
  readonly #node: AssembledNode

  constructor(config: ResolvedConfig, node: AssembledNode) {
    this.exited = node.end.exited
    this.#config = config
    this.#node = node
  }

  ref<S extends AnyService = AnyService>(address: number | string): ServiceRef<MethodsOf<S>> {
    return new NodeRef(this.#node.program, checkTarget('refer to a service', address))
  }

  get listeners(): readonly ListenerInfo[] {
    const { os, memory } = this.#node
    return listenersOf({ os, slots: new Slots(memory.slots) })
  }

  stats(): NodeStats {
    const { memory, handles, threads } = this.#node
    return countNode(memory, handles, threads.shared)
  }

  workers(): Promise<WorkerStats[]> {
    return askWorkers(this.#node.threads.workers(), this.#config.budgets.statsMs)
  }

  reopenLog(): void {
    const { state, threads } = this.#node
    if (!state.isEnding) threads.at(0)!.tell({ kind: 'reopenLog' })
  }

  writeCrashReport(what: string, fault: unknown): string | undefined {
    return this.#node.crashes.begin(what, fault).write()
  }

  stop(options: StopOptions = {}): Promise<void> {
    checkOptions('stop a node', 'options', options, ['graceMs'])
    const { graceMs = this.#config.graceMs } = options
    checkInteger('stop a node', 'graceMs', graceMs, 0, TIMER_MS_MAX)
    return this.#node.end.stop(graceMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
