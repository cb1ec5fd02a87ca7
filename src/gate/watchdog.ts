/** What the service `gate` tells its watchdog, and how a watchdog takes it. */
import { checkFunction, checkGiven } from '../base/check.ts'
import { formatHandle } from '../base/errors.ts'
import { isThenable } from '../service/sendable.ts'
import { Skynet } from '../skynet/skynet.ts'
import { whenEnded } from '../skynet/when-ended.ts'

/** The arguments of a watchdog's method `socket`. */
export type GateEvent =
  /** A client has connected, from `ip:port`. It is read once it was forwarded, or accepted. */
  | readonly [event: 'open', fd: number, address: string]
  /** A client that is forwarded to nobody has sent a message. */
  | readonly [event: 'data', fd: number, message: Buffer]
  /** A client is gone, or was kicked: told once of each, as the last. */
  | readonly [event: 'close', fd: number]
  /** A connection has failed, the agent of a client or the gate has ended; `close` follows. */
  | readonly [event: 'error', fd: number, reason: string]
  /** So many KiB wait to be sent to a client: told at each doubling; 0: all has left. */
  | readonly [event: 'warning', fd: number, kib: number]

/** What a service has that the gate tells: the methods of `watchdog`, or its own. */
export interface WatchdogMethods {
  socket(...event: [...GateEvent]): unknown
}

type Told<K extends GateEvent[0]> = Extract<GateEvent, readonly [K, ...unknown[]]>
type Handler<K extends GateEvent[0]> =
  Told<K> extends readonly [string, ...infer Args] ? (...args: Args) => unknown : never

/** What a watchdog does of each event. Those that are not named are left out. */
export type WatchdogHandlers = { readonly [K in GateEvent[0]]?: Handler<K> }

const EVENTS = ['open', 'data', 'close', 'error', 'warning'] as const satisfies GateEvent[0][]
const WHAT = 'watch a gate'

/**
 * The method `socket` of a watchdog: `return { ...watchdog(skynet, { open, close }), start }`.
 *
 * The events of one client come one after the other: when a handler returns a promise, the next
 * event of the same client waits for it. So `close` finds the agent that `open` has launched.
 *
 * What `open` throws closes its client. When the gate ends, `error` and `close` are told of each of
 * its clients.
 *
 * @throws `TypeError` for a handler of what is no event, or that is no function.
 */
export function watchdog(skynet: Skynet, handlers: WatchdogHandlers): WatchdogMethods {
  checkGiven(WHAT, 'handlers', handlers, EVENTS)
  for (const event of EVENTS) {
    if (handlers[event] !== undefined) checkFunction(WHAT, event, handlers[event])
  }
  const watch = new Watch(skynet, handlers)
  // What it rejects with is logged, as it is of every method.
  return { socket: (...event) => watch.told(event) }
}

/** A client whose end was not told. */
interface Watched {
  /** Handle of its gate; 0: nobody's. */
  readonly gate: number
  /** That was told. */
  hasFailed: boolean
}

class Watch {
  readonly #skynet: Skynet
  readonly #handlers: WatchdogHandlers
  readonly #clients = new Map<number, Watched>()
  /** Handles of those whose end is waited for. */
  readonly #gates = new Set<number>()
  /** The last event of each client that is handled, or waits. */
  readonly #last = new Map<number, Promise<unknown>>()

  constructor(skynet: Skynet, handlers: WatchdogHandlers) {
    // Now, and not by each event.
    Skynet.serviceOf(skynet)
    this.#skynet = skynet
    this.#handlers = handlers
  }

  told(event: GateEvent): unknown {
    const [what, fd] = event
    // Whoever sends may name what every object has.
    if (!EVENTS.includes(what)) return undefined
    const client = this.#clients.get(fd) ?? this.#meet(fd)
    if (client === undefined) return undefined
    if (what === 'close') this.#clients.delete(fd)
    if (what === 'error') client.hasFailed = true
    return what === 'open' ? this.#open(client, event) : this.#handle(event)
  }

  /** Of whom nobody takes care, nobody would read, either: it would stay. */
  #open({ gate }: Watched, event: GateEvent): unknown {
    const [, fd] = event
    const kick = (error: unknown): never => {
      if (gate !== 0) Skynet.serviceOf(this.#skynet).sendMethod(gate, ['kick', fd])
      throw error
    }
    try {
      const result = this.#handle(event)
      return isThenable(result) ? result.then(undefined, kick) : result
    } catch (error) {
      return kick(error)
    }
  }

  /** Undefined: its gate has ended, and with it all its clients. */
  #meet(fd: number): Watched | undefined {
    const { source: gate } = this.#skynet.context()
    if (gate !== 0 && !this.#gates.has(gate)) {
      if (!this.#skynet.isAlive(gate)) return undefined
      this.#gates.add(gate)
      whenEnded(this.#skynet, gate, (reason) => this.#ended(gate, reason))
    }
    const client = { gate, hasFailed: false }
    this.#clients.set(fd, client)
    return client
  }

  #handle([what, fd, about]: GateEvent): unknown {
    const handler = this.#handlers[what] as ((fd: number, about: unknown) => unknown) | undefined
    if (handler === undefined) return undefined
    const handle = (): unknown => handler(fd, about)
    const last = this.#last
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
    return result
  }

  #ended(gate: number, reason: string): void {
    this.#gates.delete(gate)
    // Everybody ends.
    if (reason === 'stop') return
    const why = `gate ${formatHandle(gate)} has ended: ${reason}`
    for (const [fd, client] of this.#clients) {
      if (client.gate !== gate) continue
      this.#clients.delete(fd)
      this.#skynet.fork(() => this.#tellEnd(fd, client.hasFailed ? undefined : why))
    }
  }

  async #tellEnd(fd: number, why: string | undefined): Promise<void> {
    try {
      if (why !== undefined) await this.#handle(['error', fd, why])
    } finally {
      await this.#handle(['close', fd])
    }
  }
}
