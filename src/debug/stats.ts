/** What services and their workers hold at one moment: for who looks for the one that grows. */
import { getHeapStatistics } from 'node:v8'
import { isSkynetError } from '../base/errors.ts'
import { STATS_MS } from '../base/limits.ts'
import type { Context } from '../kernel/context.ts'
import type { WorkerOrder } from '../kernel/message.ts'
import type { TimerOwner } from '../kernel/timers.ts'
import { type OrderingHost, orderOf } from '../service/ordering.ts'
import type { PartHost } from '../service/part.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'

/**
 * Bytes of heap that one of each holds, as measured on Node.js 20, rounded: a message with one
 * number, a call and the request at its other end, a timer whose function is shared.
 */
const BYTES = { mqlen: 400, task: 400, timers: 64 } as const

/** One service at one moment. */
export interface ServiceStats {
  readonly handle: number
  /** As in logs: the end of the path of its module. */
  readonly title: string
  readonly worker: number
  /** Messages handled so far. */
  readonly message: number
  /** Messages in its mailbox. */
  readonly mqlen: number
  /** Rows of `tasks()`. */
  readonly task: number
  /** Timers of `timeout` and `interval` that are pending. */
  readonly timers: number
  /** Sockets that it owns, listeners included. */
  readonly sockets: number
  /**
   * For how many milliseconds its code has held the worker since `profile` was turned on: handlers
   * and tasks, each up to its first `await`. Undefined while it is off.
   */
  readonly cpuMs: number | undefined
  /**
   * An estimate of the heap that the runtime holds for it: 400 bytes a message that waits, 400 a
   * task, 64 a timer. Long values in messages, buffers of sockets, and what its own code keeps are
   * not in it: no heap tells whose an object is.
   */
  readonly memoryBytes: number
}

/** One worker at one moment: its heap is that of all its services, and of the runtime. */
export interface WorkerStats {
  readonly worker: number
  /** JavaScript heap in use, garbage that was not collected yet included. */
  readonly heapUsedBytes: number
  /** JavaScript heap reserved. */
  readonly heapTotalBytes: number
  /** Outside of the heap, but held by it: buffers above all. */
  readonly externalBytes: number
  /** In the order of their launch. */
  readonly services: readonly ServiceStats[]
}

/** What is told of a service. */
export interface CountedService extends TimerOwner, PartHost {
  readonly context: Context
  readonly taskCount: number
  readonly profile: { readonly ms: number } | undefined
}

/** The worker that tells. */
export interface CountedWorker {
  readonly worker: number
  readonly timers: { countOf(owner: TimerOwner): number }
  services(): Iterable<CountedService>
  /**
   * Sockets that a service owns, listeners included. Handed in by `src/skynet/features.ts`: this
   * folder may not import `sockets`.
   */
  socketsOf(service: CountedService): number
}

function statsOf(service: CountedService, host: CountedWorker): ServiceStats {
  const { context, profile } = service
  const counts = {
    mqlen: context.mailbox?.length ?? 0,
    task: service.taskCount,
    timers: host.timers.countOf(service),
  }
  const { mqlen, task, timers } = counts
  const memoryBytes = mqlen * BYTES.mqlen + task * BYTES.task + timers * BYTES.timers
  return {
    handle: context.handle,
    title: context.title,
    worker: host.worker,
    message: context.handled,
    ...counts,
    sockets: host.socketsOf(service),
    cpuMs: profile?.ms,
    memoryBytes,
  }
}

export function workerStats(host: CountedWorker): WorkerStats {
  // Not process.memoryUsage(): that opens a file, which a process without descriptors cannot.
  const heap = getHeapStatistics()
  return {
    worker: host.worker,
    heapUsedBytes: heap.used_heap_size,
    heapTotalBytes: heap.total_heap_size,
    externalBytes: heap.external_memory,
    services: [...host.services()].map((service) => statsOf(service, host)),
  }
}

/** Ask every worker. Those that do not answer in time, or die meanwhile, are left out. */
export async function askStats(
  service: OrderingHost,
  options?: WaitOptions,
): Promise<WorkerStats[]> {
  const { loads } = service.runtime
  checkWait('ask workers', options)
  const limits = { timeoutMs: STATS_MS, ...options }
  const answers = loads.inUse().map(async (worker) => {
    try {
      const order: WorkerOrder = { order: 'stats' }
      return (await orderOf(service, loads.placeOf(worker), order, limits)) as WorkerStats
    } catch (error) {
      const isSilent = isSkynetError(error, 'ERR_CALL_TIMEOUT')
      if (isSilent || isSkynetError(error, 'ERR_CALL_DEAD')) return undefined
      throw error
    }
  })
  return (await Promise.all(answers)).filter((answer) => answer !== undefined)
}
