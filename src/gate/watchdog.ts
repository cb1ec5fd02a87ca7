/** What the service `gate` tells its watchdog, and how a watchdog takes it. */
import { checkFunction, checkOptions } from '../base/check.ts'
import { isThenable } from '../service/sendable.ts'

/** The arguments of a watchdog's method `socket`. */
export type GateEvent =
  /** A client has connected, from `ip:port`. It is read once it was forwarded, or accepted. */
  | readonly [event: 'open', fd: number, address: string]
  /** A client that is forwarded to nobody has sent a message. */
  | readonly [event: 'data', fd: number, message: Buffer]
  /** A client is gone, or was kicked: told once of each, as the last. */
  | readonly [event: 'close', fd: number]
  /** A connection has failed, or the agent of a client has ended; `close` follows. */
  | readonly [event: 'error', fd: number, reason: string]
  /** So many KiB wait to be sent to a client: told at each doubling; 0: all has left. */
  | readonly [event: 'warning', fd: number, kib: number]

/** What a service has that the gate tells: the methods of `watchdog`, or its own. */
export interface WatchdogMethods {
  socket(...event: GateEvent): unknown
}

type Told<K extends GateEvent[0]> = Extract<GateEvent, readonly [K, ...unknown[]]>
type Handler<K extends GateEvent[0]> =
  Told<K> extends readonly [string, ...infer Args] ? (...args: Args) => unknown : never

/** What a watchdog does of each event. Those that are not named are left out. */
export type WatchdogHandlers = { readonly [K in GateEvent[0]]?: Handler<K> }

const EVENTS = ['open', 'data', 'close', 'error', 'warning'] as const satisfies GateEvent[0][]
const WHAT = 'watch a gate'

/**
 * The method `socket` of a watchdog: `return { ...watchdog({ open, close }), start }`.
 *
 * The events of one client come one after the other: when a handler returns a promise, the next
 * event of the same client waits for it. So `close` finds the agent that `open` has launched.
 *
 * @throws `TypeError` for a handler of what is no event, or that is no function.
 */
export function watchdog(handlers: WatchdogHandlers): WatchdogMethods {
  checkOptions(WHAT, 'handlers', handlers ?? null, EVENTS)
  for (const event of EVENTS) {
    if (handlers[event] !== undefined) checkFunction(WHAT, event, handlers[event])
  }
  /** The last event of each client that is handled, or waits. */
  const last = new Map<number, Promise<unknown>>()
  return {
    socket(...[event, fd, about]: GateEvent): unknown {
      // Whoever sends may name what every object has.
      if (!EVENTS.includes(event)) return undefined
      const handler = handlers[event] as ((fd: number, about: unknown) => unknown) | undefined
      if (handler === undefined) return undefined
      const handle = (): unknown => handler(fd, about)
      const before = last.get(fd)
      const result = before === undefined ? handle() : before.then(handle)
      if (!isThenable(result)) return result
      const done = Promise.resolve(result).then(
        () => {},
        () => {},
      )
      last.set(fd, done)
      void done.then(() => {
        if (last.get(fd) === done) last.delete(fd)
      })
      // What it rejects with is logged, as it is of every method.
      return result
    },
  }
}
