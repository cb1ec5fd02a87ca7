/**
 * What no task of a service caught, in a process that is not ours: its runner hears of it, and
 * fails the test. An error that is known to be of a service is told to its node instead, as it is
 * in a worker, and to nobody else.
 */
import { runInThisContext } from 'node:vm'

/** @param what It was: `uncaught exception`. */
export type Take = (what: string) => void

const EVENTS: ReadonlyMap<unknown, string> = new Map([
  ['unhandledRejection', 'unhandled rejection'],
  ['uncaughtException', 'uncaught exception'],
])
/** One for the thread, also where a runner loads this file anew for each file of tests. */
const KEY = Symbol.for('skynet-ts takes errors of services')

interface Real {
  emit: (this: unknown, event: unknown, ...args: unknown[]) => boolean
  [KEY]?: WeakMap<object, Take>
}

/** That of Node.js itself: what Jest gives to tests is a copy, which is told of nothing. */
const real = runInThisContext('process') as Real

/** From now on `take` is told when nobody has caught that error. */
export function takeStray(error: object, take: Take): void {
  taken().set(error, take)
}

function taken(): WeakMap<object, Take> {
  const known = real[KEY]
  if (known !== undefined) return known
  const takes = new WeakMap<object, Take>()
  const { emit } = real
  // Not a listener: those of the runner would be told as well, whatever ours does.
  real.emit = function (event, ...args) {
    const what = EVENTS.get(event)
    const take = what === undefined ? undefined : takes.get(args[0] as object)
    if (take === undefined) return emit.call(this, event, ...args)
    take(what!)
    return true
  }
  Object.defineProperty(real, KEY, { value: takes })
  return takes
}
