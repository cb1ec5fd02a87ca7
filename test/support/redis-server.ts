/** A redis-server of a test: started, killed, held and started again as the test says. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { listens } from './listens.ts'
import { until } from './until.ts'

const COMMAND = 'redis-server'

/** What a test says that needs it where it is not installed. */
export const REDIS_LEFT_OUT =
  'left out: what needs redis-server, which is not installed: apt-get install redis-server'

export const isRedisInstalled = (): boolean =>
  spawnSync(COMMAND, ['--version'], { stdio: 'ignore' }).status === 0

export class RedisServer implements AsyncDisposable {
  readonly port: number
  readonly #folder: string
  readonly #args: readonly string[]
  #process: ChildProcess | undefined

  private constructor(port: number, args: readonly string[]) {
    this.port = port
    this.#args = args
    this.#folder = mkdtempSync(join(tmpdir(), 'skynet-redis-'))
  }

  /** @param args As on its command line: `'--requirepass', 'secret'`. */
  static async start(...args: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args)
    await server.start()
    return server
  }

  /** Again, at the same port, with nothing in it. Resolves once it listens. */
  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#folder]
    const nothingKept = ['--save', '', '--appendonly', 'no', '--enable-debug-command', 'yes']
    const words = [...own, ...nothingKept, ...this.#args]
    const server = spawn(COMMAND, words, { stdio: 'ignore' })
    this.#process = server
    await until(`${COMMAND} listens`, () => {
      if (server.exitCode !== null) throw new Error(`${COMMAND} ended with ${server.exitCode}`)
      return listens(this.port)
    })
  }

  /** `SIGKILL` ends it, `SIGSTOP` holds it, `SIGCONT` lets it go on. */
  async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const process = this.#process!
    process.kill(signal)
    if (signal === 'SIGKILL' && process.exitCode === null && process.signalCode === null) {
      await once(process, 'exit')
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.signal('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
