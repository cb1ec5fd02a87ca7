/**
 * Where code of a service begins, and what it belongs to from then on: the critical section it runs
 * in, and the task of the service that began it. That follows promises (`AsyncLocalStorage`), and
 * costs every `await` of the thread. So it is switched on by its users, and off again when the last
 * has gone; meanwhile nobody pays more than a comparison.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { areStoresUsed, asNobody, contextNow } from '../base/async-context.ts'

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

const { run, enterWith } = AsyncLocalStorage.prototype
/** Its own methods: they are not noticed as a store of somebody (async-context.ts). */
const storage = Object.assign(new AsyncLocalStorage<Scope | undefined>(), { run, enterWith })
let users = 0

/** Nobody on this thread has a store, or wants to know a scope: code may begin by a plain call. */
export const isPlain = (): boolean => users === 0 && !areStoresUsed()

/**
 * Code of a service begins: a message, a task, a timer, a hook. It runs in `scope` and sees no
 * store of whoever set it off, which another request may be. What runs in a microtask would inherit
 * both, so all of it comes in through here.
 */
export const begin = <T>(task: () => T, scope?: Scope): T =>
  users === 0 ? asNobody(task) : beginIn(scope, task)

/** Apart from it: a closure in it would cost whoever needs none. */
const beginIn = <T>(scope: Scope | undefined, task: () => T): T =>
  asNobody(() => storage.run(scope, task))

/** `task` for later: it will see the stores that are at hand now, in the scope it begins in. */
export function kept<Args extends readonly unknown[], T>(
  task: (...args: Args) => T,
): (...args: Args) => T {
  const within = contextNow()
  return within === undefined ? task : keptWithin(within, task)
}

function keptWithin<Args extends readonly unknown[], T>(
  within: NonNullable<ReturnType<typeof contextNow>>,
  task: (...args: Args) => T,
): (...args: Args) => T {
  return (...args) => {
    const scope = scopeNow()
    return within(() => (users === 0 ? task(...args) : storage.run(scope, task, ...args)))
  }
}

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

/** Run code of a service that has begun in another scope. Only while scopes are followed. */
export const enterScope = <T>(scope: Scope | undefined, task: () => T): T =>
  storage.run(scope, task)

/**
 * Change the scope of the code that runs now, up to its next `await` or its end and all that it
 * begins. Whoever does so sets it back, before scopes are left.
 */
export const setScope = (scope: Scope | undefined): void => storage.enterWith(scope)
