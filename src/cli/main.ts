#!/usr/bin/env node
/** The `skynet` command. */
import { existsSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { inspect, parseArgs } from 'node:util'
import { isSkynetError } from '../base/errors.ts'
import type { Node } from '../threads/start.ts'
import { CONFIG_KEYS, loadConfig } from './config.ts'
import { watchSignals } from './signals.ts'

interface Command {
  readonly usage: string
  readonly help: string
  run(args: string[]): void | Promise<void>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: {
    usage: 'start <config> [--set key=value]…',
    help: 'run a node until a signal or the end of its services',
    run: start,
  },
  help: { usage: 'help', help: 'show this text', run: help },
  '--version': { usage: '--version', help: 'show the version', run: version },
}

/** Other ways to say a command. */
const ALIASES: Readonly<Record<string, string>> = {
  '--help': 'help',
  '-h': 'help',
  '-v': '--version',
}

/** From the end of the grace to a forced end. `stop` takes at most `SHUTDOWN_MS_MAX` of it. */
const STOP_MS_MAX = 2000

/** The user's words make no sense: the answer ends with where to look. */
class UsageError extends Error {}

/**
 * Run one command. Errors become one line on stderr and the exit code 1; with `SKYNET_DEBUG` in the
 * environment the stack comes along.
 *
 * @param argv The words after `skynet`.
 */
export async function main(argv: string[]): Promise<void> {
  try {
    const [word, ...args] = argv.some((arg) => arg === '--help' || arg === '-h') ? ['help'] : argv
    if (word === undefined) throw new UsageError('Cannot run without a command')
    const name = Object.hasOwn(ALIASES, word) ? ALIASES[word]! : word
    if (!Object.hasOwn(COMMANDS, name))
      throw new UsageError(`Cannot run '${word}': no such command`)
    await COMMANDS[name]!.run(args)
  } catch (error) {
    report(error)
    // Not exitCode: what a failed start left behind must not keep the process alive.
    process.exit(1)
  }
}

async function start(args: string[]): Promise<void> {
  const { file, overrides } = parseStart(args)
  const config = await loadConfig(file, overrides)
  // Loaded only now: help and config errors need neither threads nor FFI.
  const { startNode } = await import('../threads/start.ts')
  const stop = new AbortController()
  const hasLog = config.logger !== undefined || config.logservice !== undefined
  let node: Node | undefined
  watchSignals({
    stop: (signal) => {
      announceStop(signal, config.graceMs)
      stop.abort()
    },
    reopenLog: hasLog ? () => node?.reopenLog() : undefined,
  })
  try {
    node = await startNode(config, { signal: stop.signal })
    const code = await node.exited
    say(code === 0 ? 'stopped' : `stopped with exit code ${code}`)
    process.exit(code)
  } catch (error) {
    // Stopped before it had started: that is what was asked for.
    if (isSkynetError(error, 'ABORT_ERR') && stop.signal.aborted) process.exit(0)
    throw error
  }
}

function parseStart(args: string[]): { file: string; overrides: string[] } {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { set: { type: 'string', multiple: true } },
      allowPositionals: true,
    })
    const [file, ...rest] = positionals
    if (file === undefined) throw new Error('a config file is needed')
    if (rest.length > 0) throw new Error(`one config file, not also '${rest[0]}'`)
    return { file, overrides: values.set ?? [] }
  } catch (cause) {
    // Node adds sentences of advice that does not fit here.
    const reason = (cause as Error).message.split('. ', 1)[0]
    throw new UsageError(`Cannot start: ${reason}`, { cause })
  }
}

/** Say what happens now. A stop that takes longer than it may is cut off. */
function announceStop(signal: NodeJS.Signals, graceMs: number): void {
  const limitMs = graceMs + STOP_MS_MAX
  say(`${signal}: stopping, for at most ${limitMs} ms; another signal ends it at once`)
  setTimeout(() => {
    report(new Error(`Cannot stop in good order: not done within ${limitMs} ms`))
    process.exit(1)
  }, limitMs)
}

function say(text: string): void {
  process.stderr.write(`skynet: ${text}\n`)
}

function help(): void {
  const commands = Object.values(COMMANDS).map((each) => row(each.usage, each.help))
  const keys = Object.entries(CONFIG_KEYS).map(([key, { check, fallback, help: line }]) => {
    const value = fallback?.()
    const shown = value === undefined ? [] : [`default ${inspect(value)}`]
    const need = fallback === undefined ? ['required'] : []
    return row(key, [line, check.expected, ...shown, ...need].join('; '))
  })
  console.log(['usage: skynet <command>', ...commands, '', 'config keys:', ...keys].join('\n'))
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(name.length > 14 ? 36 : 14)}${text}`
}

function version(): void {
  const { version } = createRequire(import.meta.url)('skynet-ts/package.json')
  console.log(version)
}

function report(error: unknown): void {
  const message = error instanceof Error ? error.message : inspect(error)
  const lines = message.split('\n').map((line) => line.trim())
  const hint = error instanceof UsageError ? `; see 'skynet help'` : ''
  say(`${lines.join(' ')}${hint}`)
  if (process.env.SKYNET_DEBUG) process.stderr.write(`${inspect(error)}\n`)
}

/** npm starts us through a link. */
function isEntry(): boolean {
  const started = process.argv[1]
  if (started === undefined || !existsSync(started)) return false
  return realpathSync(started) === fileURLToPath(import.meta.url)
}

if (isEntry()) await main(process.argv.slice(2))
