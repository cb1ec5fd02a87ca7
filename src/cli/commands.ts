/** The commands of `skynet`. */
import { createRequire } from 'node:module'
import { inspect } from 'node:util'
import { cluster } from './cluster.ts'
import { hasCode } from './coded.ts'
import { CONFIG_KEYS } from './config.ts'
import { tellFailure } from './daemon.ts'
import { report, UsageError } from './report.ts'
import { start } from './start.ts'

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
  cluster: {
    usage: 'cluster permissions <cluster> <node>… [--seeds folder]',
    help: 'what a server of NATS lets each node do, for its config; makes their nkeys',
    run: cluster,
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

/**
 * Run one command. Errors become one line on stderr and the exit code 1; with `SKYNET_DEBUG` in the
 * environment the stack comes along.
 *
 * @param argv The words after `skynet`.
 */
export async function main(argv: string[]): Promise<void> {
  // What Node.js prints by itself, and a config module: that nobody reads it ends no node.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    const [word, ...args] = argv.some((arg) => arg === '--help' || arg === '-h') ? ['help'] : argv
    if (word === undefined) throw new UsageError('Cannot run without a command')
    const name = Object.hasOwn(ALIASES, word) ? ALIASES[word]! : word
    if (!Object.hasOwn(COMMANDS, name))
      throw new UsageError(`Cannot run '${word}': no such command`)
    await COMMANDS[name]!.run(args)
  } catch (error) {
    // The log of a refused daemon is that of the node that runs: only who started it is told.
    const isTold = await tellFailure(error)
    if (!isTold || !hasCode(error, 'ERR_NODE_RUNNING')) report(error)
    // Not exitCode: what a failed start left behind must not keep the process alive.
    process.exit(1)
  }
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
  const column = name.length > 14 ? 36 : 14
  const begin = name.length < column ? name.padEnd(column) : `${name}\n${' '.repeat(column + 2)}`
  return `  ${begin}${text}`
}

function version(): void {
  const { version } = createRequire(import.meta.url)('skynet-ts/package.json')
  console.log(version)
}
