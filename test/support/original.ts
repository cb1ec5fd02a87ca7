/** A node of Skynet itself, where there is one: built, in the folder SKYNET_ORIGINAL. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { until } from './until.ts'

const FOLDER = process.env.SKYNET_ORIGINAL ?? ''
const SERVICES = new URL('../../../test/fixtures/original/', import.meta.url).pathname

/** What a test says that needs it where it is not. */
export const ORIGINAL_LEFT_OUT =
  'left out: nodes of Skynet itself: SKYNET_ORIGINAL=<folder where it is built> npm run long -- …'

export const isOriginalThere = (): boolean => FOLDER !== '' && existsSync(ORIGINAL_PROGRAM)

/** Where a node finds what comes with Skynet, and the services of tests. */
export const ORIGINAL_PATHS = `
bootstrap = "snlua bootstrap"
luaservice = "${FOLDER}/service/?.lua;${SERVICES}?.lua"
lualoader = "${FOLDER}/lualib/loader.lua"
lua_path = "${FOLDER}/lualib/?.lua;${FOLDER}/lualib/?/init.lua"
lua_cpath = "${FOLDER}/luaclib/?.so"
cpath = "${FOLDER}/cservice/?.so"
`
export const ORIGINAL_PROGRAM = join(FOLDER, 'skynet')

const configOf = (port: number): string => `
${ORIGINAL_PATHS}
thread = 2
harbor = 0
start = "main"
snax = "${SERVICES}?.lua"
port = ${port}
`

/** The process of a node of Skynet, and the folder that it runs in. */
export class OriginalProcess implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #folder: string
  #log = ''

  protected constructor(process: ChildProcess, folder: string) {
    this.#process = process
    this.#folder = folder
    process.stdout?.on('data', (data: Buffer) => {
      this.#log += data.toString()
    })
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

/** It runs the services of `test/fixtures/original`. */
export class OriginalNode extends OriginalProcess {
  readonly port: number

  private constructor(port: number, process: ChildProcess, folder: string) {
    super(process, folder)
    this.port = port
  }

  /** @param port Default: one that is free. Resolves once it listens. */
  static async start(port?: number): Promise<OriginalNode> {
    const folder = mkdtempSync(join(tmpdir(), 'skynet-original-'))
    const at = port ?? (await freePort())
    const config = join(folder, 'config')
    writeFileSync(config, configOf(at))
    const started = spawn(ORIGINAL_PROGRAM, [config], { cwd: folder })
    const node = new OriginalNode(at, started, folder)
    await until('a node of Skynet listens', () => {
      if (started.exitCode !== null) throw new Error(`it has ended: ${node.log}`)
      return node.log.includes('peer is open')
    })
    return node
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }
}
