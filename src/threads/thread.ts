/** A thread of a node as the main thread sees it: what it reports, and how it ends. */
import { Worker } from 'node:worker_threads'
import { SkynetError } from '../base/errors.ts'
import { standardError, standardOutput } from '../base/output.ts'
import { messageOf } from '../base/thrown.ts'
import { Loading } from './loading.ts'
import type { Control, Report, SocketStart, ThreadStart, WorkerStart } from './protocol.ts'

export interface ThreadOptions {
  readonly name: string
  readonly start: WorkerStart | SocketStart
  /** JavaScript heap in MiB; 0, or none: as much as Node gives it. */
  readonly memoryLimitMb?: number
  /** Every report; who waits for one by `next` is told as well. */
  readonly onReport: (report: Report) => void
  /** It is over, asked or unasked: why, as an error that it did not catch or an exit code. */
  readonly onEnd: (reason: unknown) => void
}

export class Thread {
  readonly name: string
  readonly worker: Worker
  /** Resolves when it is over. */
  readonly ended: Promise<void>
  /** It has begun to work. */
  isReady = false
  /** Set when it was told to leave: the services that it had. */
  past: readonly number[] | undefined
  readonly #waiting = new Set<(report: Report) => void>()
  readonly #loading = new Loading()
  #fault: unknown

  /** @param entry Name of its entry module, which lies in `threads` and has our own extension. */
  constructor(entry: 'worker' | 'socket', options: ThreadOptions) {
    const { name, start, memoryLimitMb = 0, onReport, onEnd } = options
    this.name = name
    // Through the folder: joined with all the others, this module lies in another one.
    const url = new URL(`../threads/${entry}${import.meta.url.slice(-3)}`, import.meta.url)
    const limits = memoryLimitMb > 0 && { maxOldGenerationSizeMb: memoryLimitMb }
    this.worker = new Worker(url, {
      name,
      workerData: { ...start, loaded: this.#loading.memory } satisfies ThreadStart,
      stdout: true,
      stderr: true,
      ...(limits && { resourceLimits: limits }),
    })
    // By default both go to streams of this thread: one that fails would end the process.
    this.worker.stdout.on('data', (text: Uint8Array) => standardOutput().add(text))
    this.worker.stderr.on('data', (text: Uint8Array) => standardError().add(text))
    this.worker.on('message', (report: Report) => {
      if (report.kind === 'ready') this.isReady = true
      this.#loading.end()
      onReport(report)
      for (const look of this.#waiting) look(report)
    })
    this.worker.on('error', (error) => {
      this.#fault = error
    })
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.#loading.end()
        this.#fault ??= new Error(`exit code ${code}`)
        resolve()
        onEnd(this.#fault)
      })
    })
  }

  /** End it, whatever it does. Resolves when it is over; `onEnd` is told this reason. */
  async kill(reason: string): Promise<void> {
    this.#fault ??= new Error(reason)
    await this.#loading.done()
    await this.worker.terminate()
  }

  tell(message: Control): void {
    this.worker.postMessage(message)
  }

  /**
   * The next report of one of these kinds.
   *
   * @throws {SkynetError} `ERR_THREAD_DIED` when the thread ends before.
   */
  next(...kinds: Report['kind'][]): Promise<Report> {
    return new Promise((resolve, reject) => {
      const look = (report: Report): void => {
        if (!kinds.includes(report.kind)) return
        this.#waiting.delete(look)
        resolve(report)
      }
      this.#waiting.add(look)
      void this.ended.then(() => {
        const info = { thread: this.name, reason: messageOf(this.#fault) }
        reject(new SkynetError('ERR_THREAD_DIED', info, { cause: this.#fault }))
      })
    })
  }
}
