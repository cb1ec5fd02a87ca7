/** The options of a launch, checked. */
import { checkInteger, checkNames, checkOptions, shown } from '../base/check.ts'
import type { ArgsOf } from './definition.ts'
import type { Placement } from './placement.ts'
import type { WaitOptions } from './wait.ts'

export interface LaunchOptions<Args extends readonly unknown[]> extends WaitOptions {
  /** What setup gets after `skynet`: any message values. They are copied. */
  readonly args?: Args
  /** Default `least-loaded`. A worker of its own (`dedicated`) ends with its last service. */
  readonly on?: Placement
  /** Only of a dedicated worker: its JavaScript heap in MiB, beyond which it dies. */
  readonly memoryLimitMb?: number
  /**
   * What a fault does that nobody else is told of: `log` it and go on, which is the default, or
   * `end` the service as well, with the reason `crash`.
   */
  readonly onFault?: 'log' | 'end'
}
/** Options may be left out only for a service that takes no arguments. */
export type LaunchRest<S> =
  [] extends ArgsOf<S>
    ? [options?: LaunchOptions<ArgsOf<S>>]
    : [options: LaunchOptions<ArgsOf<S>> & { readonly args: ArgsOf<S> }]

/** Less would not hold Node's own modules. */
const MEMORY_MB_MIN = 16
export const LAUNCH_KEYS = ['args', 'on', 'memoryLimitMb', 'onFault', 'timeoutMs', 'signal']

export function launchOptions(given: unknown): LaunchOptions<readonly unknown[]> {
  checkOptions('launch', 'options', given)
  const options = (given ?? {}) as LaunchOptions<readonly unknown[]>
  checkNames('launch', options, LAUNCH_KEYS)
  if (options.args !== undefined && !Array.isArray(options.args)) {
    throw new TypeError(
      `Cannot launch as 'args' must be an array: current value is ${shown(options.args)}`,
    )
  }
  if (options.memoryLimitMb !== undefined) {
    checkInteger('launch', 'memoryLimitMb', options.memoryLimitMb, MEMORY_MB_MIN, 1024 * 1024)
    if (options.on !== 'dedicated') {
      throw new TypeError(`Cannot launch with 'memoryLimitMb' as 'on' must be 'dedicated' for it`)
    }
  }
  if (options.onFault !== undefined && !['log', 'end'].includes(options.onFault)) {
    const now = shown(options.onFault)
    throw new TypeError(
      `Cannot launch as 'onFault' must be 'log' or 'end': current value is ${now}`,
    )
  }
  return options
}

/** A launch is no call: it takes as long as its setup does, unless its caller says otherwise. */
export function launchLimits({ timeoutMs = 0, signal }: WaitOptions = {}): WaitOptions {
  return { timeoutMs, signal }
}
