/** A node as who starts it has it. Runs on the main thread. */
import { checkInteger, checkOptions, checkSignal, isArray, isObject } from '../../base/check.ts'
import { abortError } from '../../base/errors.ts'
import { TIMER_MS_MAX, WORKERS_MAX } from '../../base/limits.ts'
import { letNoOutputWait } from '../../base/output.ts'
import type { WorkerStats } from '../../debug/stats.ts'
import { freeLargeBlocks } from '../../os/large-blocks.ts'
import { posixOs } from '../../os/posix.ts'
import { copy } from '../../wire/copy.ts'
import type { ResolvedConfig } from '../options.ts'
import { type AssembledNode, assembleNode } from './assembly.ts'
import { checkRoom } from './maps.ts'
import { askWorkers, countNode, type NodeStats } from './stats.ts'

export interface StopOptions {
  /** How long stop hooks may take, in milliseconds, 0..`TIMER_MS_MAX`; 0: they are not run. */
  readonly graceMs?: number
}

/** A running node. */
export interface Node extends AsyncDisposable {
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

/**
 * Start a node and wait until its first service has been launched.
 *
 * @throws {SkynetError} `ERR_PLATFORM` no foreign functions here; `ERR_SYSCALL` the system has no
 * room for so many workers; `ERR_SERVICE_LAUNCH` the first service failed: see `cause`. Nothing of
 * the node is left then. `ABORT_ERR` when `signal` aborted meanwhile; later it stops the node. When
 * a service aborts it meanwhile it resolves, and ends.
 */
export async function startNode(
  config: ResolvedConfig,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Node> {
  checkOptions('start a node', 'options', options, ['signal'])
  const { signal } = options
  checkSignal('start a node', signal)
  // A worker would get them without a word as something else.
  const args = copy(checkConfig(config).args, 'args') as readonly unknown[]
  if (signal?.aborted) throw abortError(signal)
  freeLargeBlocks()
  const os = posixOs()
  letNoOutputWait(os)
  const parts = assembleNode({ ...config, args }, os)
  const { state, end } = parts
  const node = new RunningNode(config, parts)
  const stop = (): void => void node.stop()
  signal?.addEventListener('abort', stop, { once: true })
  // A signal may outlive many nodes.
  void end.exited.then(() => signal?.removeEventListener('abort', stop))
  try {
    await parts.launch()
  } catch (error) {
    // A service that aborts while it begins has done what it wanted: the node ends, nothing failed.
    if (state.name === 'aborting' && !signal?.aborted) return node
    await node.stop({ graceMs: 0 })
    // Aborted is what could be stopped in good order.
    if (signal?.aborted && (await end.exited) === 0) throw abortError(signal)
    // What the death of a thread has led to says less than the death.
    throw end.fault ?? error
  }
  return node
}

/** For callers without types: what `resolveConfig` makes has all of these. */
function checkConfig(config: ResolvedConfig): ResolvedConfig {
  const isComplete = isObject(config) && isArray(config.args)
  if (!isComplete || typeof config.start !== 'string' || !Number.isInteger(config.harbor)) {
    const text =
      'Cannot start a node as its config is not complete: use resolveConfig or loadConfig'
    throw Object.assign(new TypeError(text), { code: 'ERR_INVALID_ARG_TYPE' })
  }
  checkInteger('start a node', 'thread', config.thread, 1, WORKERS_MAX)
  checkRoom(config.thread)
  return config
}

class RunningNode implements Node {
  readonly exited: Promise<number>
  readonly #config: ResolvedConfig
  readonly #node: AssembledNode

  constructor(config: ResolvedConfig, node: AssembledNode) {
    this.exited = node.end.exited
    this.#config = config
    this.#node = node
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
