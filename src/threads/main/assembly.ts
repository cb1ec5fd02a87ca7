/**
 * Joins the parts of a node. Each says in its own file what it needs; here is where it gets that,
 * and nothing else. On the main thread.
 */
import { type Clock, realClock } from '../../base/clock.ts'
import { delay, epochNow } from '../../base/event-loop.ts'
import { messageOf } from '../../base/thrown.ts'
import { BusyWatch } from '../../kernel/busy.ts'
import { Handles } from '../../kernel/handles.ts'
import { Loads } from '../../kernel/loads.ts'
import type { Os } from '../../os/os.ts'
import { LogLedger } from '../../service/log-ledger.ts'
import type { NodeMemory } from '../memory.ts'
import type { ResolvedConfig } from '../options.ts'
import type { Report } from '../protocol.ts'
import { type BurialHost, bury } from './burial.ts'
import { CrashReporter } from './crash-report.ts'
import { type DeathsHost, workerEnded } from './deaths.ts'
import { Dedicated } from './dedicated.ts'
import { type LaunchHost, launch } from './launch.ts'
import { addLoop, removeLoop } from './loops.ts'
import { NodeEnd } from './node-end.ts'
import { createNodeMemory } from './node-memory.ts'
import { NodeState } from './node-state.ts'
import { type Printer, printer } from './print.ts'
import { ProgramCalls } from './program-calls.ts'
import { clearUp, dropBlocks } from './recovery.ts'
import { Replacing } from './replacing.ts'
import { Reporting } from './reporting.ts'
import { acceptsHolder, Reserve } from './reserve.ts'
import { type ShutdownHost, shutDown } from './shutdown.ts'
import { SocketOrders } from './socket-orders.ts'
import { Spawner, type SpawnerHost } from './spawner.ts'
import type { Thread } from './thread.ts'
import { ThreadTable } from './thread-table.ts'
import { Watch } from './watch.ts'

/** What parts of a node are made of, and have in common. */
interface Base {
  readonly config: ResolvedConfig
  readonly os: Os
  readonly print: Printer
  readonly startedAt: number
  readonly clock: Clock
  readonly memory: NodeMemory
  readonly handles: Handles
  readonly loads: Loads
  readonly monitor: BusyWatch
  readonly ledger: LogLedger
  readonly state: NodeState
  readonly threads: ThreadTable
  readonly orders: SocketOrders
  /** No service is left but those of the node's own making. */
  readonly isEmpty: () => boolean
}

/** What its door needs of a node. */
export interface AssembledNode
  extends Pick<Base, 'memory' | 'os' | 'handles' | 'threads' | 'state' | 'print'> {
  readonly program: ProgramCalls
  readonly crashes: CrashReporter
  readonly end: NodeEnd
  readonly launch: () => Promise<void>
}

/** Starts no thread. When it throws, nothing is left. */
export function assembleNode(config: ResolvedConfig, os: Os): AssembledNode {
  const base = makeBase(config, os)
  const { memory, handles, threads, state, print } = base
  const program = programCallsOf(base)
  const reserve = new Reserve(os, acceptsHolder(memory.acceptsHeld, base.clock))
  const watch = watchOf(base)
  const crashes = crashReporterOf(base)
  const reporting = reportingOf(base, crashes)
  const end = nodeEndOf(base, reserve, watch, reporting)
  const burying = buryingOf(base, reporting)
  // What threads say, and that they end, leads to parts below: they begin when those are there.
  const spawner = spawnerOf(base, reserve, {
    heard: (report, thread) => hear(report, thread),
    workerEnded: (worker, thread, reason) => workerEnded(deaths, worker, thread, reason),
    socketEnded: (name, reason) => end.died(name, reason),
  })
  const replacing = replacingOf(base, reserve, end, burying, spawner)
  const dedicated = dedicatedOf(base, reserve, end, burying, spawner, replacing)
  const deaths = deathsOf(base, end, replacing, dedicated)
  const endIfEmpty = (): void => {
    if (state.name === 'running' && replacing.isDone && base.isEmpty()) void end.stop()
  }
  const hear = hearingOf(base, end, dedicated, program, endIfEmpty)
  const begin = async (): Promise<void> => {
    watch.start()
    await launch(launchHostOf(base, spawner))
    state.move('launched')
    reserve.take()
    endIfEmpty()
  }
  return { memory, os, handles, threads, state, print, program, crashes, end, launch: begin }
}

function makeBase(config: ResolvedConfig, os: Os): Base {
  const memory = createNodeMemory(config.thread + config.dedicated, config.cluster !== undefined)
  const handles = new Handles(memory.handles, config.harbor)
  const startedAt = epochNow()
  return {
    config,
    os,
    print: printer(config.logFormat),
    startedAt,
    clock: realClock(startedAt),
    memory,
    handles,
    loads: new Loads(memory.loads, 0),
    monitor: new BusyWatch(memory.monitor, memory.workers),
    ledger: new LogLedger(memory.log),
    state: new NodeState(),
    threads: new ThreadTable(config.thread, config.dedicated),
    isEmpty: () => handles.users === 0,
    // Last: of all this it alone has to be given back.
    orders: new SocketOrders(os, memory),
  }
}

function programCallsOf({ state, threads, handles }: Base): ProgramCalls {
  const isAtWork = (thread: Thread | undefined): boolean =>
    thread?.isReady === true && !thread.hasEnded && !thread.isLeaving
  return new ProgramCalls({
    isEnding: () => state.isEnding,
    desk: () => {
      for (let worker = 0; worker < threads.shared; worker++) {
        const thread = threads.at(worker)
        if (isAtWork(thread)) return thread
      }
      return undefined
    },
    isAlive: (handle) => handles.workerOf(handle) >= 0,
  })
}

function watchOf({ config, monitor, handles, threads, print }: Base): Watch {
  return new Watch({
    monitor,
    handles,
    limitMs: config.monitorMs,
    action: config.monitorAction,
    stackMs: config.budgets.stackMs,
    threadOf: (worker) => threads.at(worker),
    print: print.error,
  })
}

function crashReporterOf({ config, memory, monitor, print }: Base): CrashReporter {
  return new CrashReporter({ folder: config.crashFolder, memory, monitor, print: print.error })
}

function reportingOf({ config, threads }: Base, crashes: CrashReporter): Reporting {
  const { inspectMs, stackMs } = config.budgets
  return new Reporting({ crashes, inspectMs, stackMs, workers: () => threads.workers() })
}

function nodeEndOf(base: Base, reserve: Reserve, watch: Watch, reporting: Reporting): NodeEnd {
  const { config, os, memory, monitor, ledger, state, threads, orders, print } = base
  const shutdown: ShutdownHost = {
    exitMs: config.exitMs,
    flushMs: config.budgets.flushMs,
    tellAll: (control, answer) => threads.tellAll(control, answer),
    workers: () => threads.workers(),
    socketThread: () => threads.socket,
    unwatch: () => watch.stop(),
    stuck: () => monitor.check(),
    unwritten: () => ledger.unwritten,
    orderExit: (flushMs) => orders.exit(flushMs),
    release: () => {
      reserve.close()
      orders.close()
      dropBlocks(memory, orders.bells, os.blocks)
      removeLoop(orders)
    },
    reported: () => reporting.done,
    pause: (ms) => delay(ms),
    print: print.error,
  }
  return new NodeEnd({
    state,
    graceMs: config.graceMs,
    shutDown: (graceMs) => shutDown(shutdown, graceMs),
    report: (thread, reason) => reporting.begin(thread, reason),
    print: print.error,
  })
}

type Burying = (worker: number, cause: unknown) => Promise<boolean>

function buryingOf(base: Base, reporting: Reporting): Burying {
  const { config, os, memory, monitor, ledger, threads, orders, print, isEmpty } = base
  const host: BurialHost = {
    threadAt: (worker) => threads.at(worker),
    report: (thread, cause) => reporting.begin(thread, cause),
    unwatch: (worker) => monitor.forget(worker),
    mend: (worker) => clearUp(memory, config.harbor, orders.bells, os.blocks, worker),
    isEmpty,
    buryLines: (worker, isAlive) => ledger.buried(worker, isAlive),
    tellOthers: (worker, control) => threads.tellOthers(worker, control),
    tellSocketThread: (worker) => orders.died(worker),
    pause: (ms) => delay(ms),
    print: print.error,
  }
  return (worker, cause) => bury(host, worker, cause)
}

function spawnerOf(
  { config, memory, startedAt, orders, state, threads }: Base,
  reserve: Reserve,
  events: Pick<SpawnerHost, 'heard' | 'workerEnded' | 'socketEnded'>,
): Spawner {
  return new Spawner({
    config,
    memory,
    startedAt,
    wakeup: orders.wakeup,
    put: (worker, thread) => threads.put(worker, thread),
    isEnding: () => state.isEnding,
    withReserve: (start, isWanted) => reserve.start(start, isWanted),
    ...events,
  })
}

function replacingOf(
  { loads, state, threads, print, isEmpty }: Base,
  reserve: Reserve,
  end: NodeEnd,
  burying: Burying,
  spawner: Spawner,
): Replacing {
  return new Replacing({
    isEnding: () => state.isEnding,
    isEmpty,
    nameOf: (worker) => threads.at(worker)!.name,
    bury: burying,
    start: (worker) => spawner.tryWorker(worker, 0, () => true),
    close: (worker, cause) => {
      const { name: thread } = threads.at(worker)!
      const place = loads.close(worker)
      threads.tellOthers(worker, { kind: 'closed', place, thread, reason: messageOf(cause) })
    },
    open: (worker) => loads.open(worker),
    holdBack: () => reserve.take(),
    pause: (ms) => delay(ms, undefined, { ref: false }),
    print: print.error,
    failed: (name, cause) => end.died(name, cause),
    done: () => {
      reserve.takeLater()
      if (isEmpty()) end.lostAll()
    },
  })
}

function dedicatedOf(
  { loads, state, threads, print }: Base,
  reserve: Reserve,
  end: NodeEnd,
  burying: Burying,
  spawner: Spawner,
  replacing: Replacing,
): Dedicated {
  return new Dedicated({
    isEnding: () => state.isEnding,
    places: threads.places(),
    threadAt: (worker) => threads.at(worker),
    empty: (worker) => threads.put(worker, undefined),
    loadOf: (worker) => loads.of(worker),
    bury: burying,
    start: (worker, limitMb, isWanted) => spawner.tryWorker(worker, limitMb, isWanted),
    started: () => {
      if (replacing.isDone) reserve.takeLater()
    },
    print: print.error,
    lostAll: () => {
      if (replacing.isDone) end.lostAll()
    },
  })
}

function deathsOf(
  { state, threads, config }: Base,
  end: NodeEnd,
  replacing: Replacing,
  dedicated: Dedicated,
): DeathsHost {
  const vacate = async (worker: number, reason: unknown): Promise<void> => {
    await dedicated.lost(worker, reason)
    // That may have been the one of the cluster. One that is replaced itself does this then.
    // While the node starts nothing was lost: who launches it fails, and says why.
    const first = threads.at(0)
    const mayHave = config.cluster !== undefined && state.name === 'running'
    if (mayHave && first?.isReady === true && !first.hasEnded) {
      await replacing.restore(first)
    }
  }
  return {
    state,
    shared: threads.shared,
    forgetAsker: (thread) => dedicated.forget(thread),
    replace: (worker, reason) => void replacing.replace(worker, reason),
    vacate: (worker, reason) => void vacate(worker, reason),
    endNode: (thread, reason) => end.died(thread, reason),
  }
}

/** What threads say that nobody has asked for. Answers are heard by who asks. */
function hearingOf(
  { print }: Base,
  end: NodeEnd,
  dedicated: Dedicated,
  program: ProgramCalls,
  endIfEmpty: () => void,
): SpawnerHost['heard'] {
  type Hearing = { [K in Report['kind']]?: (report: Report & { kind: K }, thread: Thread) => void }
  const table: Hearing = {
    log: ({ line }) => print.line(line),
    abort: () => end.abort(),
    empty: endIfEmpty,
    vacant: ({ worker, handles }) => dedicated.vacate(worker, handles),
    dedicate: (report, thread) => void dedicated.start(thread, report),
    answered: (report) => program.heard(report),
  }
  return (report, thread) => {
    const hear = table[report.kind] as ((report: Report, thread: Thread) => void) | undefined
    hear?.(report, thread)
  }
}

function launchHostOf(
  { config, state, threads, orders, print }: Base,
  spawner: Spawner,
): LaunchHost {
  return {
    config,
    isEnding: () => state.isEnding,
    startSocketThread: () => {
      const thread = spawner.socket()
      threads.socket = thread
      // After the first thread of all was made: see there.
      addLoop(orders)
      return thread
    },
    startWorker: (worker) => spawner.worker(worker),
    firstWorker: () => threads.at(0)!,
    print: print.error,
  }
}
