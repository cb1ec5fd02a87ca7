/**
 * The tasks of a service, for who looks for one that hangs: what each waits for, and, while it is
 * traced, since when, where in the code, and what had begun it.
 */

import { shortPath } from '../base/paths.ts'
import { placeIn, stackAbove } from '../base/thrown.ts'
import { type Scope, scopeNow } from './scope.ts'

/** Where a wait began. */
export interface TaskOrigin {
  /** Milliseconds since the node started, as `now()`. */
  readonly since: number
  /** `file:line:column` of the code that waits; empty: not known. */
  readonly where: string
  /** The task that waits: `method get from :0000000a`, `fork`, `timeout`; empty: not known. */
  readonly by: string
}

/**
 * Something that is not done yet. `request`: a handler that has not answered; `response`: an answer
 * that was deferred; all others: what somebody waits for.
 */
export type TaskKind =
  | 'request'
  | 'response'
  | 'call'
  | 'sleep'
  | 'wait'
  | 'queue'
  | 'select'
  | 'channel'
  | 'share'
  | 'socket'

/**
 * An id is `number * 3` and one of these, so that what it names is found without looking through
 * all. The number of a call or a request is its session; others are numbered as they are listed.
 */
export const TASK_KEPT = { call: 0, request: 1, other: 2 } as const

export const taskId = (number: number, kept: keyof typeof TASK_KEPT): number =>
  number * 3 + TASK_KEPT[kept]

/** The number of an id; undefined: what it names is not kept there. */
export const taskNumber = (id: number, kept: keyof typeof TASK_KEPT): number | undefined =>
  id % 3 === TASK_KEPT[kept] ? (id - TASK_KEPT[kept]) / 3 : undefined

/** One row of `skynet.tasks()`. The last three are there while the service is traced. */
export interface TaskInfo extends Partial<TaskOrigin> {
  /** For `killTask`. */
  readonly id: number
  readonly kind: TaskKind
  /** `get of :0000000a`, `until 1234.5`, `read from socket 70000`. */
  readonly what: string
}

/** Frames that are looked through for the first of somebody else. */
const FRAMES = 12

/** Notes where the waits of one service begin. Each costs a stack: it is off unless asked for. */
export class Tracer {
  readonly #handle: number
  readonly #now: () => number

  constructor(handle: number, now: () => number) {
    this.#handle = handle
    this.#now = now
  }

  /** The scope of a task of this service that begins now. */
  scope(task: string): Scope {
    return { service: this.#handle, task, entry: undefined, trace: undefined }
  }

  origin(): TaskOrigin {
    const scope = scopeNow()
    const by = scope?.service === this.#handle ? scope.task : ''
    return { since: this.#now(), where: shortPath(callerPlace()), by }
  }
}

/** `/srv/main.ts:12:5`: the first place of the stack that is no code of ours. */
export function callerPlace(): string {
  return placeIn(String(stackAbove(callerPlace, FRAMES).stack))
}
