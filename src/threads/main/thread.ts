/** A thread of a node as the main thread sees it: what it reports, and how it ends. */
import { realpathSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { SkynetError } from '../../base/errors.ts'
import { standardError, standardOutput } from '../../base/output.ts'
import { messageOf } from '../../base/thrown.ts'
import { koffiFile } from '../../os/libc.ts'
import { entryOf } from '../entries.ts'
import type { Control, Report, SocketStart, ThreadStart, WorkerStart } from '../protocol.ts'
import { Answers } from './answers.ts'
import { watchEnd } from './ends.ts'
import { v8LimitMb } from './heap-limit.ts'
import { Loading } from './loading.ts'

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

/**
 * Node.js starts no worker in a folder that has been removed, as a deployment removes the old one.
 * Nothing is to be found from there, so the root is as good.
 */
function leaveGoneFolder(): void {
  try {
    // By the system: `process.cwd()` answers what it was.
    realpathSync.native('.')
  } catch {
    process.chdir('/')
  }
}

/** A thread that V8 has ended says nothing of the limit that was set. */
function withLimit(cause: unknown, memoryLimitMb: number): unknown {
  const isIt = (cause as { code?: string } | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY'
  if (!isIt) return cause
  return new Error(`${messageOf(cause)} (memoryLimitMb is ${memoryLimitMb})`, { cause })
}

export class Thread {
  readonly name: string
  readonly worker: Worker
  /** Resolves when it is over. */
  readonly ended: Promise<void>
  readonly #options: ThreadOptions
  readonly #answers: Answers
  readonly #loading = new Loading()
  #isReady = false
  #hasEnded = false
  #isLeaving = false
  #systemId = 0
  #past: readonly number[] | undefined
  #fault: unknown

  /** @throws {SkynetError} `ERR_THREAD_DIED` the system has none to give. */
  constructor(entry: 'worker' | 'socket', options: ThreadOptions) {
    this.#options = options
    this.name = options.name
    this.#answers = new Answers(options.name)
    try {
      leaveGoneFolder()
      this.worker = this.#begin(entry)
    } catch (cause) {
      // The end of the process would wait for it.
      this.#loading.end()
      const info = { thread: options.name, reason: messageOf(cause) }
      throw new SkynetError('ERR_THREAD_DIED', info, { cause })
    }
    // By default both go to streams of this thread: one that fails would end the process.
    this.worker.stdout.on('data', (text: Uint8Array) => standardOutput().add(text))
    this.worker.stderr.on('data', (text: Uint8Array) => standardError().add(text))
    this.worker.on('message', (report: Report) => this.#hear(report))
    this.worker.on('error', (error) => {
      const { memoryLimitMb = 0 } = options
      this.#fault = memoryLimitMb > 0 ? withLimit(error, memoryLimitMb) : error
    })
    this.ended = new Promise((resolve) => {
      this.worker.once('exit', (code) => {
        this.#over(code)
        resolve()
        options.onEnd(this.#fault)
      })
    })
    watchEnd(this.worker, this.ended)
  }

  #begin(entry: 'worker' | 'socket'): Worker {
    const { name, start, memoryLimitMb = 0 } = this.#options
    const loaded = this.#loading.memory
    const workerData: ThreadStart & (WorkerStart | SocketStart) = {
      ...start,
      loaded,
      koffi: koffiFile(),
    }
    const limits = memoryLimitMb > 0 && { maxOldGenerationSizeMb: v8LimitMb(memoryLimitMb) }
    return new Worker(entryOf(entry), {
      name,
      workerData,
      stdout: true,
      stderr: true,
      ...(limits && { resourceLimits: limits }),
    })
  }

  #hear(report: Report): void {
    if (report.kind === 'ready') {
      this.#isReady = true
      this.#systemId = report.systemId ?? 0
    }
    this.#loading.end()
    this.#options.onReport(report)
    this.#answers.heard(report)
  }

  #over(code: number): void {
    this.#loading.end()
    this.#fault ??= new Error(`exit code ${code}`)
    this.#hasEnded = true
    this.#answers.over(this.#fault)
  }

  /** It has begun to work. It may have ended since. */
  get isReady(): boolean {
    return this.#isReady
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** It was told to end, and will. */
  get isLeaving(): boolean {
    return this.#isLeaving
  }

  /** What the system calls it; 0: unknown. */
  get systemId(): number {
    return this.#systemId
  }

  /** The services that it had when it was told to leave without any; undefined: it was not. */
  get past(): readonly number[] | undefined {
    return this.#past
  }

  /** It has no services any more, and ends. */
  leave(past: readonly number[]): void {
    this.#past = past
    this.tell({ kind: 'leave' })
  }

  /** End it, whatever it does. Resolves when it is over; `onEnd` is told this reason. */
  async kill(reason: string): Promise<void> {
    this.#fault ??= new Error(reason)
    this.#isLeaving = true
    await this.#loading.done()
    await this.worker.terminate()
  }

  tell(message: Control): void {
    this.#isLeaving ||= message.kind === 'leave'
    this.worker.postMessage(message)
  }

  /**
   * The next report of one of these kinds.
   *
   * @throws {SkynetError} `ERR_THREAD_DIED` when the thread ends before.
   */
  next(...kinds: readonly Report['kind'][]): Promise<Report> {
    return this.#answers.next(...kinds)
  }

  /**
   * Ask a question; see `ask` of answers.ts.
   *
   * @param answer What the report is called.
   * @returns Undefined: no answer within `ms`, or the thread is over.
   */
  ask<K extends Report['kind']>(
    question: Control,
    answer: K,
    ms: number,
  ): Promise<(Report & { kind: K }) | undefined> {
    return this.#answers.ask(answer, ms, () => this.tell(question))
  }
}
