/** What the main thread and the others tell each other, beside the rings: seldom, and never hot. */

import type { WorkerStats } from '../debug/stats.ts'
import type { LogLine } from '../service/log.ts'
import type { MailboxInfo, WorkerDeath, WorkerLoss } from '../service/runtime.ts'
import type { NodeMemory } from './memory.ts'
import type { ResolvedConfig, SocketConfig } from './options.ts'

/** `workerData` of a worker. */
export interface WorkerStart {
  readonly memory: NodeMemory
  readonly worker: number
  /** Of this worker: a dedicated one may have its own. 0: none. */
  readonly memoryLimitMb: number
  /** One cell: how often it has looked at its heap by itself. See heap-watch.ts. */
  readonly heapBeats: SharedArrayBuffer
  readonly config: ResolvedConfig
  readonly startedAt: number
  /** Signalled to wake the socket thread. */
  readonly wakeupFd: number
}

/** What every thread gets besides. */
export interface ThreadStart {
  /** See loaded.ts. */
  readonly loaded: SharedArrayBuffer
  /** Where the main thread has found the native library. */
  readonly koffi: string | undefined
}

/** `workerData` of the socket thread. */
export interface SocketStart {
  readonly memory: NodeMemory
  readonly harbor: number
  readonly config: SocketConfig
  readonly startedAt: number
  readonly wakeup: { readonly readFd: number; readonly writeFd: number }
  /** Longest sleep; -1: until something happens. */
  readonly waitMs: number
}

/** Main thread → worker. */
export type Control =
  /** Launch the first service of the node, which launches the others. */
  | { readonly kind: 'bootstrap' }
  /** Answer `inspected`. */
  | { readonly kind: 'inspect' }
  /** Answer `stats`. */
  | { readonly kind: 'stats' }
  /** Tell the logger that its file was renamed. */
  | { readonly kind: 'reopenLog' }
  /** Close listeners, run the stop hooks; answer `drained`. */
  | { readonly kind: 'drain'; readonly graceMs: number }
  /** Launch again what the node needs of services and has lost; answer as to `bootstrap`. */
  | { readonly kind: 'restore' }
  /** A worker died: whoever waits for one of its services is told. */
  | ({ readonly kind: 'died' } & WorkerDeath)
  /** No other could be started in its place: whoever ordered something there since is told. */
  | ({ readonly kind: 'closed' } & WorkerLoss)
  /** End all services but the logger; answer `stopped`. */
  | { readonly kind: 'stop' }
  /** End the logger, if it lives here; answer `stopped`. */
  | { readonly kind: 'stopLogger' }
  /** The logger did not write all: say it elsewhere; answer `broughtBack`. */
  | { readonly kind: 'bringBack' }
  /** The answer to `dedicate`: a worker, or -1. */
  | { readonly kind: 'dedicated'; readonly token: number; readonly worker: number }
  /** A call of the program that started the node, which is answered; a send, if `token` is 0. */
  | {
      readonly kind: 'ask'
      readonly token: number
      readonly to: number | string
      /** `[method, ...args]`, packed. */
      readonly message: Uint8Array
      readonly timeoutMs: number | undefined
    }
  /** It does not wait for that answer any more. */
  | { readonly kind: 'giveUp'; readonly token: number }
  /** End the thread. */
  | { readonly kind: 'leave' }

/** Worker or socket thread → main thread. */
export type Report =
  /** Of a worker with what the system calls its thread; 0: unknown. */
  | { readonly kind: 'ready'; readonly systemId?: number }
  | { readonly kind: 'bootstrapped' }
  /** The error, packed. */
  | { readonly kind: 'failed'; readonly error: Uint8Array }
  | { readonly kind: 'inspected'; readonly mailboxes: readonly MailboxInfo[] }
  | { readonly kind: 'stats'; readonly stats: WorkerStats }
  | { readonly kind: 'drained' }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'broughtBack' }
  /** The last service of the node's own making has ended. */
  | { readonly kind: 'empty' }
  /** Start a dedicated worker; answered with the same token. */
  | { readonly kind: 'dedicate'; readonly token: number; readonly memoryLimitMb: number }
  /** That dedicated worker has no services, and had these. */
  | { readonly kind: 'vacant'; readonly worker: number; readonly handles: readonly number[] }
  /** The heap of the worker has outgrown its limit: it is to be ended. */
  | { readonly kind: 'outgrown'; readonly usedMb: number }
  /** The answer to `ask`, packed: a value, or the error. */
  | {
      readonly kind: 'answered'
      readonly token: number
      readonly isGood: boolean
      readonly value: Uint8Array
    }
  /** A service called `skynet.abort()`. */
  | { readonly kind: 'abort' }
  | { readonly kind: 'log'; readonly line: LogLine }
