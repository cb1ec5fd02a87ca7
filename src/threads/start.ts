/** A node: its memory, its threads, and their end. Runs on the main thread. */
import { checkInteger } from '../base/check.ts'
import { Doorbells } from '../base/doorbell.ts'
import { abortError, formatHandle, SkynetError } from '../base/errors.ts'
import { COMMAND_RING_BYTES, SHUTDOWN_MS_MAX, TIMER_MS_MAX, WORKERS_MAX } from '../base/limits.ts'
import { ManyRing } from '../base/ring.ts'
import { withHint } from '../base/thrown.ts'
import { Handles } from '../kernel/handles.ts'
import { Loads } from '../kernel/loads.ts'
import { Monitor } from '../kernel/monitor.ts'
import { Snapshots } from '../kernel/snapshots.ts'
import { COMMAND } from '../net/commands.ts'
import { Slots } from '../net/slots.ts'
import { type SocketTotals, Totals } from '../net/totals.ts'
import type { Os } from '../os/os.ts'
import { posixOs } from '../os/posix.ts'
import { formatLine, type LogLine } from '../service/log.ts'
import { copy } from '../wire/copy.ts'
import { unpack } from '../wire/seri.ts'
import { CrashReporter, type ThreadState } from './crash-report.ts'
import { createNodeMemory, type NodeMemory, socketThreadOf } from './memory.ts'
import type { ResolvedConfig } from './options.ts'
import type { Control, Report, SocketStart, WorkerStart } from './protocol.ts'
import { stackOf } from './stack.ts'
import { Thread } from './thread.ts'
import { Watch } from './watch.ts'

/** How long a worker may take to tell its mailboxes for a crash report. */
const INSPECT_MS_MAX = 200
/** How long what was written may take to leave when the node stops. */
const FLUSH_MS = 150

/** Of locks: any number that no worker has. */
const MAIN_HOLDER = WORKERS_MAX + 1

/** What a node holds at one moment. */
export interface NodeStats {
  readonly services: number
  /** Socket slots in use, listeners included. */
  readonly sockets: number
  /** Services on each worker, those whose launch is under way included. */
  readonly load: readonly number[]
  /** What the sockets did since the node began: also those that are gone. */
  readonly socketTotals: SocketTotals
}

export interface StopOptions {
  /** How long stop hooks may take, in milliseconds, 0..`TIMER_MS_MAX`; 0: they are not run. */
  readonly graceMs?: number
}

/** A running node. */
export interface Node extends AsyncDisposable {
  /** Counted anew at each call, over all socket slots: for tests and reports. */
  stats(): NodeStats
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
   * 2 seconds more; what is not done by then is cut off.
   */
  stop(options?: StopOptions): Promise<void>
}

/**
 * Start a node and wait until its first service has been launched.
 *
 * @throws {SkynetError} `ERR_PLATFORM` no foreign functions here; `ERR_SERVICE_LAUNCH` the first
 * service failed: see `cause`. Nothing of the node is left then. `ABORT_ERR` when `signal` aborted
 * meanwhile; later it stops the node.
 */
export async function startNode(
  config: ResolvedConfig,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Node> {
  const { signal } = options
  // A worker would get them without a word as something else.
  const args = copy(checkConfig(config).args, 'args') as readonly unknown[]
  if (signal?.aborted) throw abortError(signal)
  const node = new RunningNode({ ...config, args }, posixOs())
  signal?.addEventListener('abort', () => void node.stop(), { once: true })
  try {
    await node.launch()
  } catch (error) {
    await node.stop({ graceMs: 0 })
    throw signal?.aborted ? abortError(signal) : error
  }
  return node
}

/** For callers without types: what `resolveConfig` makes has all of these. */
function checkConfig(config: ResolvedConfig): ResolvedConfig {
  const isComplete = typeof config === 'object' && config !== null && Array.isArray(config.args)
  if (!isComplete || typeof config.start !== 'string' || !Number.isInteger(config.harbor)) {
    throw new TypeError(
      'Cannot start a node as its config is not complete: use resolveConfig or loadConfig',
    )
  }
  checkInteger('start a node', 'thread', config.thread, 1, WORKERS_MAX)
  return config
}

class RunningNode implements Node {
  readonly exited: Promise<number>
  readonly #config: ResolvedConfig
  readonly #memory: NodeMemory
  readonly #os: Os
  readonly #wakeup: { readonly readFd: number; readonly writeFd: number }
  readonly #commands: ManyRing
  readonly #bells: Doorbells
  readonly #workers: Thread[]
  readonly #socket: Thread
  readonly #monitor: Monitor
  readonly #crashes: CrashReporter
  /** Crash reports that are being written. */
  #reporting: Promise<unknown> = Promise.resolve()
  #watch: Watch | undefined
  #stopping: Promise<void> | undefined
  #isLaunched = false
  #setExited!: (code: number) => void

  constructor(config: ResolvedConfig, os: Os) {
    this.#config = config
    this.#os = os
    this.#wakeup = os.createWakeup()
    const memory = createNodeMemory(config.thread)
    this.#memory = memory
    this.#monitor = new Monitor(memory.monitor, memory.workers)
    this.#crashes = new CrashReporter({
      folder: config.crashFolder,
      memory,
      monitor: this.#monitor,
      print: printError,
    })
    this.#commands = new ManyRing(os.region(memory.commands), 0, COMMAND_RING_BYTES)
    const { writeFd } = this.#wakeup
    const socketThread = socketThreadOf(memory)
    this.#bells = new Doorbells(memory.bells, {
      thread: socketThread,
      wake: () => os.signalWakeup(writeFd),
    })
    this.exited = new Promise((resolve) => {
      this.#setExited = resolve
    })
    const startedAt = performance.timeOrigin + performance.now()
    const socketStart: SocketStart = {
      memory,
      harbor: config.harbor,
      config: config.socket,
      startedAt,
      wakeup: this.#wakeup,
    }
    this.#socket = this.#thread('socket', 'skynet socket', socketStart)
    this.#workers = Array.from({ length: config.thread }, (_, worker) => {
      const start: WorkerStart = { memory, worker, config, startedAt, wakeupFd: writeFd }
      return this.#thread('worker', `skynet worker ${worker}`, start)
    })
    process.on('exit', this.#leaveLoop)
  }

  stats(): NodeStats {
    const { workers, loads, totals } = this.#memory
    const slots = new Slots(this.#memory.slots)
    const each = new Loads(loads, 0)
    return {
      services: this.#handles().count,
      sockets: slots.countUsed(),
      load: Array.from({ length: workers }, (_, worker) => each.of(worker)),
      socketTotals: new Totals(totals, slots).read(),
    }
  }

  #handles(): Handles {
    return new Handles(this.#memory.handles, this.#config.harbor)
  }

  async launch(): Promise<void> {
    const threads = [this.#socket, ...this.#workers]
    await Promise.all(threads.map((thread) => thread.next('ready')))
    const first = this.#workers[0]!
    first.tell({ kind: 'bootstrap' })
    const report = await first.next('bootstrapped', 'failed')
    if (report.kind === 'failed') {
      const bytes = Buffer.from(report.error)
      throw unpack(bytes, 0, bytes.length)
    }
    this.#isLaunched = true
    this.#stopIfEmpty()
    this.#watch = this.#watchWorkers()
  }

  /** All services but the node's own have ended: there is nothing left to do. */
  #stopIfEmpty(): void {
    if (this.#isLaunched && this.#handles().users === 0) void this.stop()
  }

  #thread(entry: 'worker' | 'socket', name: string, start: WorkerStart | SocketStart): Thread {
    const onEnd = (reason: unknown): void => {
      if (this.#stopping === undefined) this.#died(name, reason)
    }
    return new Thread(entry, { name, start, onReport: this.#reported, onEnd })
  }

  readonly #reported = (report: Report): void => {
    if (report.kind === 'log') printLine(report.line)
    else if (report.kind === 'abort') void this.stop()
    else if (report.kind === 'empty') this.#stopIfEmpty()
  }

  /** A thread ended that should not have: nothing can be trusted to go on without it. */
  #died(thread: string, cause: unknown): void {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
    const error = new SkynetError('ERR_THREAD_DIED', { thread, reason })
    printError(withHint(error.message))
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
    report.write(await Promise.all(this.#workers.map((worker) => this.#inspect(worker))))
  }

  async #inspect(thread: Thread): Promise<ThreadState> {
    let state: ThreadState = { thread: thread.name }
    const answered = thread.next('inspected').then(
      (report) => {
        if (report.kind === 'inspected') state = { ...state, mailboxes: report.mailboxes }
      },
      () => {},
    )
    thread.tell({ kind: 'inspect' })
    if (!(await within(INSPECT_MS_MAX, answered))) {
      state = { ...state, stack: await stackOf(thread.worker) }
    }
    return state
  }

  #watchWorkers(): Watch {
    const { monitorMs, monitorAction } = this.#config
    return new Watch({
      monitor: this.#monitor,
      limitMs: monitorMs,
      action: monitorAction,
      threadOf: (worker) => this.#workers[worker]!.worker,
      print: printError,
      kill: (worker) => void this.#workers[worker]!.worker.terminate(),
    })
  }

  reopenLog(): void {
    if (this.#stopping === undefined) this.#workers[0]!.tell({ kind: 'reopenLog' })
  }

  stop({ graceMs = this.#config.graceMs }: StopOptions = {}): Promise<void> {
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
    this.#watch?.stop()
    this.#monitor.check()
    if (graceMs > 0) {
      await within(graceMs + FLUSH_MS, this.#tellAll({ kind: 'drain', graceMs }, 'drained'))
    }
    // A little more than the hooks may take: a worker that is late by that does not answer at all.
    const isStopped = await within(
      SHUTDOWN_MS_MAX + FLUSH_MS,
      this.#tellAll({ kind: 'stop' }, 'stopped'),
    )
    if (!isStopped) this.#printStuck()
    await within(FLUSH_MS, this.#tellAll({ kind: 'stopLogger' }, 'stopped'))
    this.#orderExit(FLUSH_MS)
    const isOut = await within(FLUSH_MS * 2, this.#socket.ended)
    for (const worker of this.#workers) worker.tell({ kind: 'leave' })
    const ended = Promise.all(this.#workers.map((worker) => worker.ended))
    const areOut = await within(FLUSH_MS, ended)
    if (areOut) new Snapshots(this.#memory.snapshots, this.#os.blocks, MAIN_HOLDER).clear()
    else for (const { worker } of this.#workers) void worker.terminate()
    if (isOut) {
      this.#os.close(this.#wakeup.readFd)
      this.#os.close(this.#wakeup.writeFd)
      process.off('exit', this.#leaveLoop)
    }
    await this.#reporting
    this.#setExited(isStopped ? code : 1)
  }

  /** Services that do not let go of their worker are cut off: say which. */
  #printStuck(): void {
    const stuck = this.#monitor.check().map(({ destination }) => formatHandle(destination))
    const who = stuck.length > 0 ? `: ${stuck.join(', ')} did not come back` : ''
    printError(`Cannot stop in good order within ${SHUTDOWN_MS_MAX} ms${who}`)
  }

  /** Tell all workers, and wait for the answer of each. */
  async #tellAll(control: Control, answer: Report['kind']): Promise<void> {
    const answers = this.#workers.map((worker) => {
      const answered = worker.next(answer).catch(() => undefined)
      worker.tell(control)
      return answered
    })
    await Promise.all(answers)
  }

  /** @param flushMs How long the socket thread may go on to send what was written. */
  #orderExit(flushMs: number): void {
    const none = new Int32Array(0)
    this.#commands.write(COMMAND.exit, 0, flushMs, 0, new Uint8Array(0), none, 0)
    this.#bells.ring(socketThreadOf(this.#memory))
  }

  /**
   * The process ends without `stop`. The socket thread must not be killed inside its system call,
   * so it is told to leave, and this waits until it has.
   */
  readonly #leaveLoop = (): void => {
    this.#orderExit(0)
    Atomics.wait(new Int32Array(this.#memory.socketDone), 0, 0, 1000)
  }
}

/** True when `work` was done in time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms)
  })
  const isDone = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return isDone
}

const printLine = (line: LogLine): void => {
  process.stderr.write(`${formatLine(line)}\n`)
}

/** A line of the node itself, for when no logger can be relied on. */
const printError = (text: string): void =>
  printLine({ at: Date.now(), level: 'error', handle: 0, title: '', text })
