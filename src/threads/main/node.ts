/** A node: its memory, its threads, and their end. Runs on the main thread. */
import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'
import { checkInteger, checkOptions, checkSignal, isArray, isObject } from '../../base/check.ts'
import { realClock } from '../../base/clock.ts'
import { abortError, formatHandle, SkynetError } from '../../base/errors.ts'
import { clearTimeout, delay, epochNow, monotonicNow, setTimeout } from '../../base/event-loop.ts'
import { TIMER_MS_MAX, WORKERS_MAX } from '../../base/limits.ts'
import { letNoOutputWait } from '../../base/output.ts'
import { makeFolderOf } from '../../base/own-file.ts'
import { shortPath } from '../../base/paths.ts'
import { messageOf, withHint } from '../../base/thrown.ts'
import { Handles } from '../../kernel/handles.ts'
import { Loads } from '../../kernel/loads.ts'
import { Monitor } from '../../kernel/monitor.ts'
import { freeLargeBlocks } from '../../os/large-blocks.ts'
import type { Os } from '../../os/os.ts'
import { posixOs } from '../../os/posix.ts'
import { LogLedger } from '../../service/log-ledger.ts'
import type { WorkerStats } from '../../service/stats.ts'
import { copy } from '../../wire/copy.ts'
import { unpack } from '../../wire/seri.ts'
import { isHeapSetByFlag } from '../heap-guard.ts'
import { createNodeMemory, type NodeMemory } from '../memory.ts'
import type { ResolvedConfig } from '../options.ts'
import type { Report, SocketStart, WorkerStart } from '../protocol.ts'
import { within } from '../within.ts'
import { CrashReporter, type ThreadState } from './crash-report.ts'
import { Dedicated, type DedicatedHost } from './dedicated.ts'
import { HeapWatch } from './heap-watch.ts'
import { addLoop, removeLoop } from './loops.ts'
import { checkRoom } from './maps.ts'
import { type Printer, printer } from './print.ts'
import { clearUp, dropBlocks } from './recovery.ts'
import { Replacing, type ReplacingHost } from './replacing.ts'
import { acceptsHolder, Reserve } from './reserve.ts'
import { SocketOrders } from './socket-orders.ts'
import { stackOf } from './stack.ts'
import { askWorkers, countNode, type NodeStats } from './stats.ts'
import { Thread } from './thread.ts'
import { ThreadTable } from './thread-table.ts'
import { Watch } from './watch.ts'

/** Workers of a node that begin at the same time: with more of them none is ready earlier. */
const STARTS_AT_ONCE = 2 * availableParallelism()
/**
 * The longest sleep of the socket thread when the node is held by a worker thread of its user:
 * `terminate()` of that runs no code of ours, and waits until the socket thread looks up.
 */
const NAP_MS = 200
/** Between two looks at workers that should have stopped: one that has not moved is stuck. */
const LOOK_MS = 50
/** Between two tries to find room in the command ring. */
const ROOM_MS = 5

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
  const node = new RunningNode({ ...config, args }, os)
  const stop = (): void => void node.stop()
  signal?.addEventListener('abort', stop, { once: true })
  // A signal may outlive many nodes.
  void node.exited.then(() => signal?.removeEventListener('abort', stop))
  try {
    await node.launch()
  } catch (error) {
    // A service that aborts while it begins has done what it wanted: the node ends, nothing failed.
    if (node.isAborted && !signal?.aborted) return node
    await node.stop({ graceMs: 0 })
    // Aborted is what could be stopped in good order.
    if (signal?.aborted && (await node.exited) === 0) throw abortError(signal)
    // What the death of a thread has led to says less than the death.
    throw node.fault ?? error
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
  readonly #print: Printer
  readonly #memory: NodeMemory
  readonly #os: Os
  readonly #orders: SocketOrders
  readonly #threads: ThreadTable
  readonly #monitor: Monitor
  readonly #handles: Handles
  readonly #ledger: LogLedger
  readonly #crashes: CrashReporter
  readonly #reserve: Reserve
  readonly #replacing: Replacing
  readonly #dedicated: Dedicated
  /** Crash reports that are being written. */
  #reporting: Promise<unknown> = Promise.resolve()
  readonly #watch: Watch
  readonly #heaps = new HeapWatch()
  #stopping: Promise<void> | undefined
  /** How many workers were started at first, not counting who took the place of another. */
  #begun = 0
  #isLaunched = false
  isAborted = false
  /** The death of a thread that ended the node. */
  fault: SkynetError | undefined
  readonly #startedAt: number
  #setExited!: (code: number) => void

  /** Starts no thread. When it throws, nothing is left. */
  constructor(config: ResolvedConfig, os: Os) {
    this.#config = config
    this.#print = printer(config.logFormat)
    this.#os = os
    const memory = createNodeMemory(config.thread + config.dedicated)
    this.#memory = memory
    this.#handles = new Handles(memory.handles, config.harbor)
    this.#ledger = new LogLedger(memory.log)
    this.#startedAt = epochNow()
    this.#reserve = new Reserve(os, acceptsHolder(memory.acceptsHeld, realClock(this.#startedAt)))
    this.#monitor = new Monitor(memory.monitor, memory.workers)
    this.#crashes = new CrashReporter({
      folder: config.crashFolder,
      memory,
      monitor: this.#monitor,
      print: this.#print.error,
    })
    this.#threads = new ThreadTable(config.thread, config.dedicated)
    this.#watch = this.#watchWorkers()
    this.#replacing = new Replacing(this.#forReplacing())
    this.#dedicated = new Dedicated(this.#forDedicated())
    this.exited = new Promise((resolve) => {
      this.#setExited = resolve
    })
    // Last: of all this it alone has to be given back.
    this.#orders = new SocketOrders(os, memory)
  }

  stats(): NodeStats {
    return countNode(this.#memory, this.#handles, this.#config.thread)
  }

  workers(): Promise<WorkerStats[]> {
    return askWorkers(this.#threads.workers(), this.#config.budgets.statsMs)
  }

  async launch(): Promise<void> {
    if (this.#config.memoryLimitMb > 0 && isHeapSetByFlag()) {
      this.#print.error(
        'Cannot give V8 memoryLimitMb as --max-old-space-size of Node.js goes before it: ' +
          'a service that outgrows it without a pause goes on to that of the flag',
      )
    }
    // Once: a logger that comes again may find that somebody has put the folder elsewhere.
    if (this.#config.logger !== undefined) makeFolderOf(this.#config.logger)
    this.#watch.start()
    const socket = this.#startSocket()
    this.#threads.socket = socket
    // After that of threads that load, which the first thread of all has added.
    addLoop(this.#orders)
    const lanes = Array.from({ length: STARTS_AT_ONCE }, () => this.#startInTurn())
    await Promise.all([socket.next('ready'), ...lanes])
    const first = this.#threads.at(0)!
    // Told to stop meanwhile: nothing begins any more. This waits for the end.
    if (this.#stopping === undefined) first.tell({ kind: 'bootstrap' })
    const report = await this.#firstReady(first.next('bootstrapped', 'failed'))
    if (report.kind === 'failed') {
      const bytes = Buffer.from(report.error)
      throw unpack(bytes, 0, bytes.length)
    }
    this.#isLaunched = true
    this.#reserve.take()
    this.#stopIfEmpty()
  }

  /**
   * Start the workers that nobody has started yet, one after the other. A node that is stopped
   * while many begin has to wait for the few alone that are under way.
   */
  async #startInTurn(): Promise<void> {
    const { thread: count, memoryLimitMb } = this.#config
    while (this.#begun < count && this.#stopping === undefined) {
      const worker = this.#begun++
      const thread = this.#startWorker(worker, memoryLimitMb)
      this.#threads.put(worker, thread)
      await thread.next('ready')
    }
  }

  /** What the first service awaits in its setup may never come: that is said, and has a limit. */
  async #firstReady(launched: Promise<Report>): Promise<Report> {
    const { start, logservice, startMs, budgets } = this.#config
    const path = shortPath(pathToFileURL(start).href)
    const who = `the first service, ${path},${logservice === undefined ? '' : ' or the logger,'}`
    const notice = setTimeout(() => {
      const late = `${who} is not ready after ${budgets.startNoticeMs} ms`
      this.#print.error(`Still starting: ${late}; what its setup awaits may never come`)
    }, budgets.startNoticeMs)
    try {
      if (startMs === 0 || (await within(startMs, launched))) return await launched
    } finally {
      clearTimeout(notice)
    }
    // The deadline is told, not that the thread ends afterwards.
    launched.catch(() => {})
    const reason = `it is not ready within ${startMs} ms (config key 'startMs')`
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path, reason })
  }

  /** All services but the node's own have ended: there is nothing left to do. */
  #stopIfEmpty(): void {
    if (this.#isLaunched && this.#replacing.isDone && this.#isEmpty()) void this.stop()
  }

  #isEmpty(): boolean {
    return this.#handles.users === 0
  }

  #startSocket(): Thread {
    const start: SocketStart = {
      memory: this.#memory,
      harbor: this.#config.harbor,
      config: this.#config.socket,
      startedAt: this.#startedAt,
      wakeup: this.#orders.wakeup,
      waitMs: isMainThread ? -1 : NAP_MS,
    }
    return new Thread('socket', {
      name: 'skynet socket',
      start,
      onReport: this.#reported,
      onEnd: (reason) => this.#died('skynet socket', reason),
    })
  }

  #startWorker(worker: number, memoryLimitMb: number): Thread {
    const heapBeats = new SharedArrayBuffer(4)
    const start: WorkerStart = {
      memory: this.#memory,
      worker,
      memoryLimitMb,
      heapBeats,
      config: this.#config,
      startedAt: this.#startedAt,
      wakeupFd: this.#orders.wakeup.writeFd,
    }
    const outgrown = (usedMb: number): void =>
      void thread.kill(`its heap has ${usedMb} MiB, memoryLimitMb is ${memoryLimitMb}`)
    const thread = new Thread('worker', {
      name: `skynet worker ${worker}`,
      start,
      memoryLimitMb,
      onReport: (report) => {
        if (report.kind === 'outgrown') {
          outgrown(report.usedMb)
        } else if (report.kind === 'dedicate') void this.#dedicated.start(thread, report)
        else this.#reported(report)
      },
      onEnd: (reason) => {
        this.#dedicated.forget(thread)
        const isForAll = worker < this.#config.thread
        if (isForAll && !this.#isLaunched) this.#died(thread.name, reason)
        // One that never was ready is up to who has started it.
        else if (thread.isReady && isForAll) void this.#replacing.replace(worker, reason)
        else if (thread.isReady) void this.#dedicated.lost(worker, reason)
      },
    })
    if (memoryLimitMb > 0) this.#heaps.add(thread, memoryLimitMb, heapBeats, outgrown)
    return thread
  }

  /** Start a worker while the node runs. Resolves when it is ready, or with why it is not. */
  #tryStart(
    worker: number,
    memoryLimitMb: number,
    isWanted: () => boolean,
  ): Promise<Thread | SkynetError<'ERR_THREAD_DIED'>> {
    const start = async (): Promise<Thread | SkynetError<'ERR_THREAD_DIED'>> => {
      try {
        const thread = this.#startWorker(worker, memoryLimitMb)
        this.#threads.put(worker, thread)
        await thread.next('ready')
        return thread
      } catch (error) {
        return error as SkynetError<'ERR_THREAD_DIED'>
      }
    }
    return this.#reserve.start(start, () => this.#stopping === undefined && isWanted())
  }

  readonly #reported = (report: Report): void => {
    this.isAborted ||= report.kind === 'abort'
    if (report.kind === 'log') this.#print.line(report.line)
    else if (report.kind === 'abort') void this.stop()
    else if (report.kind === 'empty') this.#stopIfEmpty()
    else if (report.kind === 'vacant') this.#dedicated.vacate(report.worker, report.handles)
  }

  /**
   * A worker ended: mend what it left, and tell who waits for its services.
   *
   * @returns Whether any service was left, before others could end for what they are told.
   */
  async #bury(worker: number, cause: unknown): Promise<boolean> {
    const { name, past, isReady } = this.#threads.at(worker)!
    const isNews = isReady && past === undefined
    const memory = this.#memory
    const { blocks } = this.#os
    if (isNews) this.#reporting = this.#reportCrash(name, cause)
    this.#monitor.forget(worker)
    const loss = await clearUp(memory, this.#config.harbor, this.#orders.bells, blocks, worker)
    const isAnyLeft = !this.#isEmpty()
    const reason = messageOf(cause)
    const handles = [...loss.handles, ...(past ?? [])]
    if (isNews) {
      this.#print.error(withHint(`${name} died: ${reason}; ${handles.length} services are gone`))
    }
    const lines = this.#ledger.buried(worker, (each) => this.#threads.at(each) !== undefined)
    if (lines.lost > 0) this.#print.error(`${lines.lost} lines for the log were lost with ${name}`)
    const death = { place: loss.place, handles, thread: name, reason, linesSent: lines.sent }
    this.#threads.tellOthers(worker, { kind: 'died', ...death })
    while (!this.#orders.died(worker)) await delay(ROOM_MS)
    return isAnyLeft
  }

  #forReplacing(): ReplacingHost {
    const { memoryLimitMb } = this.#config
    const loads = new Loads(this.#memory.loads, 0)
    return {
      isEnding: () => this.#stopping !== undefined,
      isEmpty: () => this.#isEmpty(),
      nameOf: (worker) => this.#threads.at(worker)!.name,
      bury: (worker, cause) => this.#bury(worker, cause),
      start: (worker) => this.#tryStart(worker, memoryLimitMb, () => true),
      close: (worker, cause) => {
        const { name: thread } = this.#threads.at(worker)!
        const place = loads.close(worker)
        this.#threads.tellOthers(worker, {
          kind: 'closed',
          place,
          thread,
          reason: messageOf(cause),
        })
      },
      open: (worker) => loads.open(worker),
      holdBack: () => this.#reserve.take(),
      pause: (ms) => delay(ms, undefined, { ref: false }),
      print: this.#print.error,
      failed: (name, cause) => this.#died(name, cause),
      done: () => {
        this.#reserve.takeLater()
        if (this.#isEmpty()) void this.#stop(1, 0)
      },
    }
  }

  #forDedicated(): DedicatedHost {
    const { memoryLimitMb } = this.#config
    const loads = new Loads(this.#memory.loads, 0)
    return {
      isEnding: () => this.#stopping !== undefined,
      places: this.#threads.places(),
      threadAt: (worker) => this.#threads.at(worker),
      empty: (worker) => this.#threads.put(worker, undefined),
      loadOf: (worker) => loads.of(worker),
      bury: (worker, cause) => this.#bury(worker, cause),
      start: (worker, limitMb, isWanted) =>
        this.#tryStart(worker, limitMb || memoryLimitMb, isWanted),
      started: () => {
        if (this.#replacing.isDone) this.#reserve.takeLater()
      },
      print: this.#print.error,
      lostAll: () => {
        if (this.#replacing.isDone) void this.#stop(1, 0)
      },
    }
  }

  /** A thread ended that should not have: nothing can be trusted to go on without it. */
  #died(thread: string, cause: unknown): void {
    if (this.#stopping !== undefined) return
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    const shown = new SkynetError('ERR_THREAD_DIED', { thread, reason })
    this.#print.error(withHint(shown.message))
    const info = { thread, reason: messageOf(cause) }
    this.fault = new SkynetError('ERR_THREAD_DIED', info, { cause })
    this.#reporting = this.#reportCrash(thread, cause)
    void this.#stop(1, 0)
  }

  writeCrashReport(what: string, fault: unknown): string | undefined {
    return this.#crashes.begin(what, fault).write()
  }

  /** Living workers are asked at once, before they are told anything else. */
  async #reportCrash(thread: string, cause: unknown): Promise<void> {
    if (!this.#crashes.isOn) return
    const report = this.#crashes.begin(thread, cause)
    report.write(await Promise.all(this.#threads.workers().map((thread) => this.#inspect(thread))))
  }

  async #inspect(thread: Thread): Promise<ThreadState> {
    const { inspectMs, stackMs } = this.#config.budgets
    const answer = await thread.ask({ kind: 'inspect' }, 'inspected', inspectMs)
    if (answer !== undefined) return { thread: thread.name, mailboxes: answer.mailboxes }
    if (thread.hasEnded) return { thread: thread.name }
    return { thread: thread.name, stack: await stackOf(thread.worker, stackMs) }
  }

  #watchWorkers(): Watch {
    const { monitorMs, monitorAction, budgets } = this.#config
    return new Watch({
      monitor: this.#monitor,
      handles: this.#handles,
      limitMs: monitorMs,
      action: monitorAction,
      stackMs: budgets.stackMs,
      threadOf: (worker) => this.#threads.at(worker),
      print: this.#print.error,
    })
  }

  reopenLog(): void {
    if (this.#stopping === undefined) this.#threads.at(0)!.tell({ kind: 'reopenLog' })
  }

  stop(options: StopOptions = {}): Promise<void> {
    checkOptions('stop a node', 'options', options, ['graceMs'])
    const { graceMs = this.#config.graceMs } = options
    checkInteger('stop a node', 'graceMs', graceMs, 0, TIMER_MS_MAX)
    return this.#stop(0, graceMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #stop(code: number, graceMs: number): Promise<void> {
    this.#stopping ??= this.#end(code, graceMs)
    return this.#stopping
  }

  async #end(code: number, graceMs: number): Promise<void> {
    const { exitMs, budgets } = this.#config
    const { flushMs } = budgets
    if (graceMs > 0) {
      await within(graceMs + flushMs, this.#threads.tellAll({ kind: 'drain', graceMs }, 'drained'))
    }
    this.#watch.stop()
    // A little more than the hooks may take: a worker that is late by that does not answer at all.
    const stopMs = exitMs + flushMs
    const latest = monotonicNow() + stopMs
    const isStopped = await within(stopMs, this.#threads.tellAll({ kind: 'stop' }, 'stopped'))
    if (!isStopped) await this.#printStuck()
    // The logger has what the others have left of their time.
    const logMs = Math.max(flushMs, latest - monotonicNow())
    const isLogged = await within(logMs, this.#threads.tellAll({ kind: 'stopLogger' }, 'stopped'))
    if (!isLogged && isStopped) this.#print.error('Cannot write all of the log before the end')
    await this.#bringBack(flushMs)
    this.#orders.exit(flushMs)
    const workers = this.#threads.workers()
    const { socket } = this.#threads
    const threads = socket === undefined ? workers : [socket, ...workers]
    const released = Promise.all(threads.map(({ ended }) => ended)).then(() => this.#release())
    await within(flushMs * 2, socket?.ended ?? released)
    for (const worker of workers) worker.tell({ kind: 'leave' })
    if (!(await within(flushMs, released))) {
      for (const worker of workers) void worker.kill('it did not leave')
    }
    await this.#reporting
    this.#setExited(isStopped ? code : 1)
  }

  /** No thread is left, which may be after `exited`: one in native code cannot be ended. */
  #release(): void {
    this.#reserve.close()
    this.#orders.close()
    dropBlocks(this.#memory, this.#orders.bells, this.#os.blocks)
    removeLoop(this.#orders)
  }

  /** Services that do not let go of their worker are cut off: say which. */
  async #printStuck(): Promise<void> {
    this.#monitor.check()
    await delay(LOOK_MS)
    const stuck = this.#monitor.check().map(({ destination }) => formatHandle(destination))
    const who = stuck.length > 0 ? `: ${stuck.join(', ')} did not come back` : ''
    this.#print.error(`Cannot stop in good order within ${this.#config.exitMs} ms${who}`)
  }

  /** What the logger has not written is said on standard error, and counted where it is gone. */
  async #bringBack(flushMs: number): Promise<void> {
    if (this.#ledger.unwritten === 0) return
    await within(flushMs, this.#threads.tellAll({ kind: 'bringBack' }, 'broughtBack'))
    const lost = this.#ledger.unwritten
    if (lost > 0)
      this.#print.error(`${lost} lines for the log were lost: not written before the end`)
  }
}
