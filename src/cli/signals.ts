/** What signals do: the first SIGINT or SIGTERM stops the node, a second one ends the process. */
import { constants } from 'node:os'
import { monotonicNow } from '../base/event-loop.ts'

/** npm hands on the SIGINT of a Ctrl-C that the terminal has sent us already: they count once. */
const ECHO_MS_MAX = process.env.npm_lifecycle_event === undefined ? 0 : 100

export interface SignalHandlers {
  /** Called once. Signals during the start count too. */
  readonly stop: (signal: NodeJS.Signals) => void
  /** SIGHUP, where it does not stop: the log file was renamed. */
  readonly reopenLog: (() => void) | undefined
}

/**
 * Handle signals from now on. Without a log file SIGHUP says what it says to any program, that the
 * terminal is gone, and stops the node.
 */
export function watchSignals({ stop, reopenLog }: SignalHandlers): void {
  let firstAt = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = monotonicNow()
    if (firstAt > 0) {
      if (signal === 'SIGINT' && now - firstAt < ECHO_MS_MAX) return
      process.exit(128 + constants.signals[signal])
    }
    firstAt = now
    stop(signal)
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  process.on('SIGHUP', reopenLog ?? onSignal)
}
