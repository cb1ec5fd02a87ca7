/** The options of a launch, checked. */

import { checkArgs, checkChoice, checkInteger, refusal } from '../base/check.ts'
import { MEMORY_LIMIT_MB_MAX, MEMORY_LIMIT_MB_MIN } from '../base/limits.ts'
import type { ArgsOf } from '../modules/definition.ts'
import type { CheckedArgs } from '../service/message-value.ts'
import { checkWait, WAIT_NAMES, WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { checkNodePlacement, type NodePlacement, type Placement } from './placement.ts'

export interface LaunchOptions<Args extends readonly unknown[]> extends WaitOptions {
  /** What setup gets after `skynet`: any message values. They are copied. */
  readonly args?: Args
  /** Default `least-loaded`. A worker of its own (`dedicated`) ends with its last service. */
  readonly on?: Placement
  /** Only of a dedicated worker: its JavaScript heap in MiB, beyond which it dies. */
  readonly memoryLimitMb?: number
  /** On which node of the cluster. Default: this one. */
  readonly node?: NodePlacement
  /**
   * What a fault does that nobody else is told of: `log` it and go on, which is the default, or
   * `end` the service as well, with the reason `crash`.
   */
  readonly onFault?: 'log' | 'end'
}
/** Options may be left out only for a service that takes no arguments. */
export type LaunchRest<S> =
  [] extends ArgsOf<S>
    ? [options?: LaunchOptions<CheckedArgs<ArgsOf<S>>>]
    : [options: LaunchOptions<CheckedArgs<ArgsOf<S>>> & { readonly args: CheckedArgs<ArgsOf<S>> }]

/** The same for who does not choose where it is: it is there already, perhaps. */
type Elsewhere<T extends readonly unknown[]> = {
  [I in keyof T]: T[I] & { readonly node?: never; readonly on?: Exclude<Placement, 'same'> }
}
/** Of a service that is one in the cluster. */
export type ClusterUniqueRest<S> = Elsewhere<LaunchRest<S>>

export const LAUNCH_KEYS = ['args', 'on', 'memoryLimitMb', 'node', 'onFault', ...WAIT_NAMES]

const NONE = Object.freeze({})

export function launchOptions(given: unknown): LaunchOptions<readonly unknown[]> {
  const options = (given === undefined ? NONE : given) as LaunchOptions<readonly unknown[]>
  checkWait('launch', options, LAUNCH_KEYS)
  if (options.args !== undefined) checkArgs('launch', options.args)
  if (options.memoryLimitMb !== undefined) {
    const [min, max] = [MEMORY_LIMIT_MB_MIN, MEMORY_LIMIT_MB_MAX]
    checkInteger('launch', 'memoryLimitMb', options.memoryLimitMb, min, max)
    if (options.on !== 'dedicated') {
      throw refusal('value', 'launch', 'on', `'dedicated' for 'memoryLimitMb'`, options.on)
    }
  }
  if (options.node !== undefined) checkNodePlacement(options.node, options.on)
  if (options.onFault !== undefined) {
    checkChoice('launch', 'onFault', options.onFault, ['log', 'end'])
  }
  return options
}

const UNLIMITED = new WaitLimits({ timeoutMs: 0 })

/**
 * A launch is no call: it takes as long as its setup does, unless its caller says otherwise.
 *
 * @param options They are checked.
 */
export function launchLimits(options: WaitOptions = {}): WaitLimits {
  if (WaitLimits.is(options)) return options
  const { timeoutMs = 0, signal } = options
  return timeoutMs === 0 && signal === undefined ? UNLIMITED : new WaitLimits({ timeoutMs, signal })
}
