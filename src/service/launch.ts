/** The options of a launch: checked, and turned into a place. */
import { checkOptions, shown } from '../base/check.ts'
import type { ArgsOf } from './definition.ts'
import type { WaitOptions } from './wait.ts'

/** Where a new service lives: the worker with the fewest services, the caller's, or that number. */
export type Placement = 'least-loaded' | 'same' | number

export interface LaunchOptions<Args extends readonly unknown[]> extends WaitOptions {
  /** What setup gets after `skynet`: any message values. They are copied. */
  readonly args?: Args
  /** Default `least-loaded`. */
  readonly on?: Placement
}
/** Options may be left out only for a service that takes no arguments. */
export type LaunchRest<S> =
  [] extends ArgsOf<S>
    ? [options?: LaunchOptions<ArgsOf<S>>]
    : [options: LaunchOptions<ArgsOf<S>> & { readonly args: ArgsOf<S> }]

const LAUNCH_KEYS = ['args', 'on', 'timeoutMs', 'signal']

export function launchOptions(given: unknown): LaunchOptions<readonly unknown[]> {
  checkOptions('launch', 'options', given)
  const options = (given ?? {}) as LaunchOptions<readonly unknown[]>
  const unknown = Object.keys(options).find((key) => !LAUNCH_KEYS.includes(key))
  if (unknown !== undefined) {
    const known = LAUNCH_KEYS.join(', ')
    throw new TypeError(`Cannot launch with option '${unknown}': there are ${known}`)
  }
  if (options.args !== undefined && !Array.isArray(options.args)) {
    throw new TypeError(
      `Cannot launch as 'args' must be an array: current value is ${shown(options.args)}`,
    )
  }
  return options
}

/** A launch is no call: it takes as long as its setup does, unless its caller says otherwise. */
export function launchLimits({ timeoutMs = 0, signal }: WaitOptions = {}): WaitOptions {
  return { timeoutMs, signal }
}

export function placeOf(
  placement: Placement,
  own: number,
  loads: { workers: number; least(): number; add(worker: number): void },
): number {
  const worker =
    placement === 'same' ? own : placement === 'least-loaded' ? loads.least() : placement
  if (!(Number.isInteger(worker) && worker >= 0 && worker < loads.workers)) {
    throw new RangeError(
      `Cannot launch as 'on' must be a worker in 0..${loads.workers - 1}, 'same' or ` +
        `'least-loaded': current value is ${String(placement)}`,
    )
  }
  loads.add(worker)
  return worker
}
