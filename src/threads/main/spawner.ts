/** Starts the threads of a node. Of the main thread. */
import { isMainThread } from 'node:worker_threads'
import type { SkynetError } from '../../base/errors.ts'
import type { NodeMemory } from '../memory.ts'
import type { ResolvedConfig } from '../options.ts'
import type { Report, SocketStart, WorkerStart } from '../protocol.ts'
import { HeapWatch } from './heap-watch.ts'
import { Thread } from './thread.ts'

/**
 * The longest sleep of the socket thread when the node is held by a worker thread of its user:
 * `terminate()` of that runs no code of ours, and waits until the socket thread looks up.
 */
const NAP_MS = 200

/** What starting threads needs of its node. */
export interface SpawnerHost {
  readonly config: ResolvedConfig
  readonly memory: NodeMemory
  readonly startedAt: number
  readonly wakeup: SocketStart['wakeup']
  /** That worker has a thread now. */
  put(worker: number, thread: Thread): void
  isEnding(): boolean
  /** Start a thread with descriptors that are held back, where there are too few others. */
  withReserve(start: () => Promise<Started>, isWanted: () => boolean): Promise<Started>
  /** A thread says something. */
  heard(report: Report, thread: Thread): void
  /** A worker is over. */
  workerEnded(worker: number, thread: Thread, reason: unknown): void
  /** The socket thread is over. */
  socketEnded(name: string, reason: unknown): void
}

/** A thread that is ready, or why it is not. */
export type Started = Thread | SkynetError<'ERR_THREAD_DIED'>

export class Spawner {
  readonly #node: SpawnerHost
  readonly #heaps = new HeapWatch()

  constructor(node: SpawnerHost) {
    this.#node = node
  }

  socket(): Thread {
    const { config, memory, startedAt, wakeup } = this.#node
    const name = 'skynet socket'
    const start: SocketStart = {
      memory,
      harbor: config.harbor,
      config: config.socket,
      startedAt,
      wakeup,
      waitMs: isMainThread ? -1 : NAP_MS,
    }
    const thread: Thread = new Thread('socket', {
      name,
      start,
      onReport: (report) => this.#node.heard(report, thread),
      onEnd: (reason) => this.#node.socketEnded(name, reason),
    })
    return thread
  }

  /**
   * Resolves when it is ready.
   *
   * @param memoryLimitMb Of its heap; 0: what the config says.
   * @throws {SkynetError} `ERR_THREAD_DIED`.
   */
  async worker(worker: number, memoryLimitMb = 0): Promise<Thread> {
    const thread = this.#begin(worker, memoryLimitMb || this.#node.config.memoryLimitMb)
    this.#node.put(worker, thread)
    await thread.next('ready')
    return thread
  }

  /** Start a worker while the node runs. Resolves when it is ready, or with why it is not. */
  tryWorker(worker: number, memoryLimitMb: number, isWanted: () => boolean): Promise<Started> {
    const start = async (): Promise<Started> => {
      try {
        return await this.worker(worker, memoryLimitMb)
      } catch (error) {
        return error as SkynetError<'ERR_THREAD_DIED'>
      }
    }
    return this.#node.withReserve(start, () => !this.#node.isEnding() && isWanted())
  }

  #begin(worker: number, memoryLimitMb: number): Thread {
    const { config, memory, startedAt, wakeup } = this.#node
    const heapBeats = new SharedArrayBuffer(4)
    const start: WorkerStart = {
      memory,
      worker,
      memoryLimitMb,
      heapBeats,
      config,
      startedAt,
      wakeupFd: wakeup.writeFd,
    }
    const outgrown = (usedMb: number): void =>
      void thread.kill(`its heap has ${usedMb} MiB, memoryLimitMb is ${memoryLimitMb}`)
    const thread: Thread = new Thread('worker', {
      name: `skynet worker ${worker}`,
      start,
      memoryLimitMb,
      onReport: (report) => {
        if (report.kind === 'outgrown') outgrown(report.usedMb)
        else this.#node.heard(report, thread)
      },
      onEnd: (reason) => this.#node.workerEnded(worker, thread, reason),
    })
    if (memoryLimitMb > 0) this.#heaps.add(thread, memoryLimitMb, heapBeats, outgrown)
    return thread
  }
}
