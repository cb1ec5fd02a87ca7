/** A process of a benchmark, which does what it is asked: see serve.ts for its side. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { BenchOptions } from './bench.ts'
import type { Answer, Request } from './serve.ts'

const node = process.execPath

/** Nothing that is measured takes so long: rather an error than a benchmark that never ends. */
const ANSWER_MS_MAX = 120_000
const STOP_MS_MAX = 5_000

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  private constructor(name: string, process: ChildProcess) {
    this.#name = name
    this.#process = process
    process.on('message', (answer: Answer) => this.#answered(answer))
    process.on('exit', (code, signal) => this.#failAll(`it ended with ${signal ?? code}`))
  }

  /**
   * Start a process and wait until it serves.
   *
   * @param module Compiled, relative to bench/.
   * @param before A command that runs the process: `ip netns exec n1`. It must become the process.
   */
  static async start(
    module: string,
    args: readonly string[],
    { profile }: Pick<BenchOptions, 'profile'>,
    before: readonly string[] = [],
  ): Promise<Child> {
    const path = fileURLToPath(new URL(`../${module}`, import.meta.url))
    const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    const [command, ...words] = [...before, node, '--expose-gc', ...flags]
    const process = fork(path, args, {
      execPath: command!,
      execArgv: words,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    const child = new Child(module, process)
    await child.request('ready')
    return child
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** @throws What the process threw, or that it has ended. */
  request<T = unknown>(name: string, params: object = {}): Promise<T> {
    const id = ++this.#lastId
    const request: Request = { id, name, params }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#fail(id, `no answer to ${name}`), ANSWER_MS_MAX)
      const done = (): void => clearTimeout(timer)
      this.#waiting.set(id, {
        resolve: (value) => {
          done()
          resolve(value as T)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
      if (!this.#process.connected) this.#fail(id, 'it has ended')
      else this.#process.send(request)
    })
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`${this.#name}: ${error}`))
  }

  #fail(id: number, reason: string): void {
    this.#answered({ id, error: reason })
  }

  #failAll(reason: string): void {
    for (const id of [...this.#waiting.keys()]) this.#fail(id, reason)
  }

  /** The process leaves by itself when nobody can ask it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#process
    if (exitCode !== null || signalCode !== null) return
    const ended = once(this.#process, 'exit')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS_MAX)
    if (this.#process.connected) this.#process.disconnect()
    await ended
    clearTimeout(timer)
  }
}
