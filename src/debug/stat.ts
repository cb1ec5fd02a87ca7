/** Counts of a service that it may look at itself: Skynet's STAT. */
import { checkChoice } from '../base/check.ts'
import type { Context } from '../kernel/context.ts'
import type { Handles } from '../kernel/handles.ts'
import { STAT_NAMES } from './commands.ts'

export type StatName = (typeof STAT_NAMES)[number]

/** What the counts are taken from. */
export interface StatHost {
  readonly handle: number
  readonly context: Context
  readonly taskCount: number
  readonly profile: { readonly ms: number; readonly current: number } | undefined
  readonly runtime: { readonly handles: Handles }
}

const STATS: { readonly [K in StatName]: (service: StatHost) => number } = {
  /** Messages in its mailbox. */
  mqlen: (service) => service.context.mailbox?.length ?? 0,
  /** Messages handled so far. */
  message: (service) => service.context.handled,
  /** Rows of `tasks()`. */
  task: (service) => service.taskCount,
  /** Milliseconds that its code has held the worker; 0 while nobody measures. */
  cpu: (service) => service.profile?.ms ?? 0,
  /** Milliseconds since the code began that runs now; 0 while nobody measures. */
  time: (service) => service.profile?.current ?? 0,
  /** 1: since this was asked last it was reported to hold its worker for `monitorMs`; else 0. */
  endless: ({ handle, runtime }) => (runtime.handles.takeEndless(handle) ? 1 : 0),
}

export function stat(service: StatHost, what: StatName): number {
  checkChoice('count', 'what', what, STAT_NAMES)
  return STATS[what](service)
}
