/**
 * Daemon mode: the command starts itself again, in a session of its own and without a terminal, and
 * stays until it knows how that went.
 */
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { SkynetError } from '../base/errors.ts'
import { clearTimeout, setTimeout } from '../base/event-loop.ts'
import { START_NOTICE_MS } from '../base/limits.ts'
import { STDERR, STDOUT } from '../base/output.ts'
import { LOG_FLAGS, makeFolderOf } from '../base/own-file.ts'
import { messageOf } from '../base/thrown.ts'
import { explain, report, say } from './report.ts'

/** Set in the environment of the second process. */
const MARK = 'SKYNET_DAEMON'

/** Not SIGHUP: a daemon outlives the terminal. */
const ENDS = ['SIGINT', 'SIGTERM'] as const

/** Daemon → the command that started it. */
type Outcome = { readonly ready: true } | { readonly failure: string }

export const isDaemon = (): boolean => process.env[MARK] !== undefined

/**
 * Start this command again, as a daemon, and wait until its first service is ready.
 *
 * Whoever ends the command while it waits ends the daemon, too: nobody would know of it.
 *
 * @param log What it says goes there; without, nowhere.
 * @param stopMs How long it may take to stop; beyond that it is killed.
 * @returns Its pid.
 * @throws {Error} What it failed with.
 */
export async function startDaemon(log: string | undefined, stopMs: number): Promise<number> {
  const out = log === undefined ? 'ignore' : openLog(log)
  const { fork } = await import('node:child_process')
  const [, file = '', ...args] = process.argv
  const child = fork(file, args, {
    detached: true,
    stdio: ['ignore', out, out, 'ipc'],
    env: { ...process.env, [MARK]: '1' },
  })
  const notice = setTimeout(() => {
    say(`the daemon is not up after ${START_NOTICE_MS} ms, pid = ${child.pid}; its log may say why`)
  }, START_NOTICE_MS)
  const stop = (signal: NodeJS.Signals): void => {
    say(`${signal}: the daemon is not up, and is stopped, pid = ${child.pid}`)
    child.kill('SIGTERM')
    // It may be held before it hears of that.
    setTimeout(() => child.kill('SIGKILL'), stopMs).unref()
  }
  for (const signal of ENDS) process.on(signal, stop)
  const outcome = await outcomeOf(child)
  for (const signal of ENDS) process.off(signal, stop)
  clearTimeout(notice)
  if ('failure' in outcome) throw new Error(outcome.failure)
  child.disconnect()
  child.unref()
  return child.pid!
}

/** A failure is told when the process has ended: nothing of it is left then, no pid file either. */
function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let outcome: Outcome = { failure: 'Cannot start: it ended before it was up' }
  return new Promise((resolve) => {
    child.once('message', (told: Outcome) => {
      outcome = told
      if ('ready' in outcome) resolve(outcome)
    })
    child.on('error', (error) => resolve({ failure: error.message }))
    // `exit` may come before the last message, `disconnect` does not.
    child.once('disconnect', () => {
      const hasEnded = child.exitCode !== null || child.signalCode !== null
      if (hasEnded) resolve(outcome)
      else child.once('exit', () => resolve(outcome))
    })
  })
}

/**
 * In the second process: take the pid file.
 *
 * @returns To be called when the node is up: the command that waits may go.
 */
export async function becomeDaemon(pidFile: string): Promise<() => void> {
  delete process.env[MARK]
  const [{ posixOs }, { takePidFile }] = await Promise.all([
    import('../os/posix.ts'),
    import('./pid-file.ts'),
  ])
  takePidFile(pidFile, posixOs())
  return () => void tell({ ready: true })
}

/**
 * Tell the command that waits, if there is one, why this process will end.
 *
 * @returns Whether it was told.
 */
export function tellFailure(error: unknown): Promise<boolean> {
  return tell({ failure: explain(error) })
}

/** True: it was told. False: it cannot be, which must not keep anybody from going on. */
function tell(outcome: Outcome): Promise<boolean> {
  return new Promise((resolve) => {
    if (process.connected) process.send!(outcome, (error: Error | null) => resolve(error === null))
    else resolve(false)
  })
}

/** Standard output and error of a daemon are its log: when that was renamed, the new one. */
export async function redirectOutput(log: string | undefined): Promise<void> {
  if (log === undefined) return
  try {
    const { posixOs } = await import('../os/posix.ts')
    const os = posixOs()
    const fd = openLog(log)
    os.duplicate(fd, STDOUT)
    os.duplicate(fd, STDERR)
    closeSync(fd)
  } catch (error) {
    report(error)
  }
}

/** A link to the log is followed; a named pipe that nobody reads is refused, and holds nobody. */
function openLog(file: string): number {
  makeFolderOf(file)
  try {
    return openSync(file, LOG_FLAGS)
  } catch (cause) {
    const info = { call: `open log file ${file} (config key 'logger')`, reason: messageOf(cause) }
    throw new SkynetError('ERR_SYSCALL', info, { cause })
  }
}
