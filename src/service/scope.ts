/**
 * What an asynchronous piece of code belongs to: the critical section it runs in, and the task of
 * the service that began it. It follows promises (`AsyncLocalStorage`), and that costs every
 * `await` of the thread. So it is switched on by its users, and off again when the last has gone;
 * meanwhile nobody pays more than a comparison.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** Whoever holds a critical section: known by identity. */
export interface Holder {
  /** Entries that are not done; 0: it is over. */
  readonly users: number
}

/** One entry into a critical section, and the one around it. */
export interface Entry {
  readonly holder: Holder
  readonly outer: Entry | undefined
}

export interface Scope {
  /** Handle of the service that the task is of. */
  readonly service: number
  /** What began: `get from :0000000a`, `fork`, `timeout`. */
  readonly task: string
  /** Into the innermost critical section that the code is in. */
  readonly entry: Entry | undefined
  /** Id of the trace (trace.ts) that the code is part of. */
  readonly trace: string | undefined
}

const storage = new AsyncLocalStorage<Scope | undefined>()
let users = 0

/** Whether anybody on this thread wants to know its scope. */
export const hasScopes = (): boolean => users > 0

/** From now on scopes are followed. Each call is made up for by one of `leaveScopes`. */
export function useScopes(): void {
  // What runs now, a turn of the worker say, may have been begun in a scope followed earlier.
  if (users++ === 0) storage.enterWith(undefined)
}

export function leaveScopes(): void {
  users--
  if (users === 0) storage.disable()
}

/** @returns The scope at hand. Undefined: none, or nobody follows them. */
export const scopeNow = (): Scope | undefined => (users === 0 ? undefined : storage.getStore())

/**
 * Begin something new. What runs in a microtask inherits the scope of whoever woke it, so every
 * message, fork and timer has to come in through here while scopes are followed.
 */
export const enterScope = <T>(scope: Scope | undefined, run: () => T): T => storage.run(scope, run)

/**
 * Change the scope of the code that runs now, up to its next `await` or its end and all that it
 * begins. Whoever does so sets it back, before scopes are left.
 */
export const setScope = (scope: Scope | undefined): void => storage.enterWith(scope)
