/** The `skynet` command in a process of its own, as a user runs it. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import type { NodeConfig } from 'skynet-ts/node'
import { until } from './until.ts'

export const CLI = join(import.meta.dirname, '../../lib/cli/main.js')
const FIXTURES = join(import.meta.dirname, '../fixtures')

/** A folder for one test, gone with it; before that, what is in it is shown to `leave`. */
export function scratchFolder(t: TestContext, leave?: (folder: string) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'skynet-cli-'))
  t.after(() => {
    leave?.(folder)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

/** Its text, or '' while there is none. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

export class Cli {
  readonly folder: string
  readonly child: ChildProcess
  out = ''
  err = ''
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>

  /**
   * Start a node from a config that is written into `folder`.
   *
   * @param config Its `start` names a module of test/fixtures.
   * @param shell What a shell does first.
   * @param stdio Where its output goes, if not here.
   */
  constructor(
    t: TestContext,
    folder: string,
    config: NodeConfig,
    shell?: string,
    stdio: StdioOptions = 'pipe',
  ) {
    this.folder = folder
    const start = resolve(FIXTURES, config.start)
    writeFileSync(join(folder, 'c.json'), JSON.stringify({ thread: 1, ...config, start }))
    const words = [CLI, 'start', join(folder, 'c.json')]
    // Under npm a Ctrl-C comes twice, and counts once: here each signal counts.
    const { npm_lifecycle_event: _, ...env } = process.env
    this.child =
      shell === undefined
        ? spawn(process.execPath, words, { env, stdio })
        : spawn('sh', ['-c', `${shell}; exec "$0" "$@"`, process.execPath, ...words], {
            env,
            stdio,
          })
    this.child.stdout?.on('data', (chunk) => {
      this.out += chunk
    })
    this.child.stderr?.on('data', (chunk) => {
      this.err += chunk
    })
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve({ code, signal }))
    })
    t.after(() => this.child.kill('SIGKILL'))
  }

  /** Wait until standard output and error together match. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`a line like ${pattern}`, () => pattern.exec(this.out + this.err), {
      on: [
        [this.child.stdout!, 'data'],
        [this.child.stderr!, 'data'],
      ],
    })
  }

  /** Wait until the file of that name in the folder matches. */
  wrote(name: string, pattern: RegExp): Promise<RegExpExecArray> {
    const file = join(this.folder, name)
    return until(`${pattern} in ${name}`, () => pattern.exec(textOf(file)))
  }

  /** Signal the process and wait for its end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM') {
    this.child.kill(signal)
    return this.ended
  }
}
