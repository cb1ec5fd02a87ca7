/** `skynet start`: a node from a config file, until a signal or the end of its services. */
import { parseArgs } from 'node:util'
import type { Node } from '../threads/main/running-node.ts'
import { END_FLUSHES, type ResolvedConfig } from '../threads/options.ts'
import { hasCode } from './coded.ts'
import { loadConfig } from './config.ts'
import { becomeDaemon, isDaemon, redirectOutput, startDaemon } from './daemon.ts'
import { report, say, sayAs, UsageError } from './report.ts'
import { watchSignals } from './signals.ts'
import { outliveTerminal } from './terminal.ts'

/** What a node may need to stop, besides what its phases wait for. */
const END_MS_MAX = 1000

/** Never less than its phases: what they find at last, as lines that are lost, is still said. */
const stopMsMax = ({ graceMs, exitMs, budgets }: ResolvedConfig): number =>
  graceMs + exitMs + END_FLUSHES * budgets.flushMs + END_MS_MAX

/** @param args The words after `start`. */
export async function start(args: string[]): Promise<void> {
  const { file, overrides } = parseStart(args)
  const config = await loadConfig(file, overrides)
  if (config.daemon === undefined) {
    sayAs(config.logFormat)
    await run(config, () => {})
  } else if (isDaemon()) {
    sayAs(config.logFormat)
    await run(config, await becomeDaemon(config.daemon))
  } else {
    const pid = await startDaemon(config.logger, stopMsMax(config))
    say(`running as a daemon, pid = ${pid}`)
  }
}

/** @param onReady Called when the first service is ready. */
async function run(config: ResolvedConfig, onReady: () => void): Promise<void> {
  // Loaded only now: help and config errors need neither threads nor FFI.
  const [{ startNode }, { ranFor }, { posixOs }] = await Promise.all([
    import('../threads/main/node.ts'),
    import('../threads/main/within.ts'),
    import('../os/posix.ts'),
  ])
  outliveTerminal(posixOs())
  const stop = new AbortController()
  const isLogged = config.logger !== undefined || config.logservice !== undefined
  let node: Node | undefined
  let isRenamed = false
  const reopenLog = (): void => {
    // Before the node is up it is told when it is: its log may be open already.
    if (node === undefined) isRenamed = true
    else node.reopenLog()
    if (config.daemon !== undefined) void redirectOutput(config.logger)
  }
  watchSignals({
    stop: (signal) => {
      const limitMs = stopMsMax(config)
      announceStop(signal, limitMs, ranFor(limitMs))
      stop.abort()
    },
    reopenLog: isLogged || config.daemon !== undefined ? reopenLog : undefined,
  })
  try {
    node = await startNode(config, { signal: stop.signal })
    if (isRenamed) node.reopenLog()
    const { writeCrashReport } = node
    process.on('uncaughtExceptionMonitor', (error) => {
      writeCrashReport.call(node, 'main thread', error)
    })
    onReady()
    const code = await node.exited
    say(code === 0 ? 'stopped' : `stopped with exit code ${code}`)
    process.exit(code)
  } catch (error) {
    // Stopped before it had started: that is what was asked for.
    if (!hasCode(error, 'ABORT_ERR') || !stop.signal.aborted) throw error
    say('stopped')
    process.exit(0)
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

/**
 * Say what happens now. A stop that takes longer than it may is cut off.
 *
 * @param over When it may take no longer.
 */
function announceStop(signal: NodeJS.Signals, limitMs: number, over: Promise<void>): void {
  say(`${signal}: stopping, for at most ${limitMs} ms; another signal ends it at once`)
  void over.then(() => {
    report(new Error(`Cannot stop in good order: not done within ${limitMs} ms`))
    process.exit(1)
  })
}
