/** A node of Skynet itself in a harbor cluster, where it is installed: see SKYNET_ORIGINAL. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { ORIGINAL_PATHS, ORIGINAL_PROGRAM } from './original.ts'
import { until } from './until.ts'

interface Joining {
  readonly harbor: number
  /** Where the master is. */
  readonly master: string
  /** The master is this node. */
  readonly isMaster?: boolean
}

const configOf = ({ harbor, master, isMaster = false }: Joining, address: string): string => `
thread = 2
harbor = ${harbor}
address = "${address}"
master = "${master}"
${isMaster ? `standalone = "${master}"` : ''}
start = "harbor_main"
${ORIGINAL_PATHS}`

export class OriginalHarbor implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #folder: string
  #log = ''

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process
    this.#folder = folder
    process.stdout?.on('data', (data: Buffer) => {
      this.#log += data.toString()
    })
  }

  /** Resolves once it has joined, and its first service has the global name `LUA<harbor>`. */
  static async start(joining: Joining): Promise<OriginalHarbor> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-harbor-'))
    const config = join(folder, 'config')
    writeFileSync(config, configOf(joining, `127.0.0.1:${await freePort()}`))
    const started = spawn(ORIGINAL_PROGRAM, [config], { cwd: folder })
    const node = new OriginalHarbor(started, folder)
    try {
      await until(`harbor ${joining.harbor} of Skynet is ready`, () => {
        if (node.hasEnded) throw new Error(`it has ended: ${node.log}`)
        return node.log.includes(`harbor ${joining.harbor} is ready`)
      })
      return node
    } catch (error) {
      await node[Symbol.asyncDispose]()
      throw error
    }
  }

  get log(): string {
    return this.#log
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal)
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
