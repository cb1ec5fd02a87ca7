/**
 * Whose `AsyncLocalStorage` stores code sees. What runs in a microtask or a timer inherits those of
 * whoever set it off; here that is often somebody else: one drain of a worker runs handlers for
 * many. So what was registered keeps the context of who registered it, and all else runs in that of
 * nobody. As long as no store is used on this thread, all of it costs a comparison.
 */
import { AsyncLocalStorage, AsyncResource, executionAsyncId } from 'node:async_hooks'

const TYPE = 'skynet-ts'
/** The context of nobody: of who loaded this. No code runs in it itself, see `freshIn`. */
let nobody = new AsyncResource(TYPE)
let isInUse = false

export const areStoresUsed = (): boolean => isInUse

const make = (): AsyncResource => new AsyncResource(TYPE)

/**
 * A place of its own in that context. Before Node.js 24 `enterWith` writes on the resource that
 * code runs in, so what runs next in the same one would see that store.
 */
const freshIn = (context: AsyncResource): AsyncResource => context.runInAsyncScope(make)

/** Run code in the context of nobody. */
export const asNobody = <T>(run: () => T): T =>
  isInUse ? freshIn(nobody).runInAsyncScope(run) : run()

/** `task`, in the context of nobody whoever sets it off. */
export const ofNobody = (task: () => void): (() => void) => {
  return () => {
    if (isInUse) freshIn(nobody).runInAsyncScope(task)
    else task()
  }
}

/** The way back to the context at hand, any number of times; undefined: there is no other. */
export function contextNow(): (<T>(run: () => T) => T) | undefined {
  return isInUse ? wayTo(make()) : undefined
}

/** Apart from `contextNow`: a closure in it would cost whoever has no store. */
function wayTo(context: AsyncResource): <T>(run: () => T) => T {
  return (run) => freshIn(context).runInAsyncScope(run)
}

/**
 * Notice the first store of this thread, which is ours alone. Each has to come through one of these
 * two, and with the first one they are again as they were.
 */
export function noticeStores(): void {
  const { prototype } = AsyncLocalStorage
  const { run, enterWith } = prototype
  const noticed = (): void => {
    isInUse = true
    // Unless somebody has put his own there meanwhile: what he has of ours goes on as theirs.
    if (prototype.run === noticingRun) prototype.run = run
    if (prototype.enterWith === noticingEnterWith) prototype.enterWith = enterWith
  }
  const noticingRun: typeof run = function (this: AsyncLocalStorage<unknown>, ...args: never) {
    noticed()
    return Reflect.apply(run, this, args)
  }
  const noticingEnterWith: typeof enterWith = function (this: AsyncLocalStorage<unknown>, store) {
    noticed()
    enterWith.call(this, store)
  }
  prototype.run = noticingRun
  prototype.enterWith = noticingEnterWith
}

/**
 * As if there were a store from now on: for a thread of somebody else, of which nothing is changed.
 * What nobody set off counts as set off by who calls this: a test runner asks for that.
 */
export function assumeStores(): void {
  const options = { triggerAsyncId: executionAsyncId() }
  nobody = nobody.runInAsyncScope(() => new AsyncResource(TYPE, options))
  isInUse = true
}
