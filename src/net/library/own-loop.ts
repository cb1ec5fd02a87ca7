/**
 * The loop of the socket server on the thread of its only client. An order is obeyed before the
 * call that gives it returns, so nothing of ours waits in a ring while the loop sleeps.
 */
import type { Clock } from '../../base/clock.ts'
import { POLL_EVENTS_MAX } from '../../base/limits.ts'
import type { Os } from '../../os/os.ts'
import { SocketClient } from '../client/client.ts'
import { SocketServer } from '../server/server.ts'
import type { Sockets } from '../server/sockets.ts'
import type { SocketSettings } from '../settings.ts'
import type { SocketTotals } from '../totals.ts'
import { Callbacks } from './own-callbacks.ts'
import { OwnEvents } from './own-events.ts'
import { CLIENT, OwnMemory, SERVER } from './own-memory.ts'
import type { SocketEvent } from './socket-event.ts'

export class OwnLoop {
  readonly client: SocketClient
  readonly sockets: Sockets
  readonly callbacks: Callbacks
  readonly #os: Os
  readonly #clock: Clock
  readonly #memory: OwnMemory
  readonly #server: SocketServer
  readonly #events: OwnEvents
  #isClosed = false

  /** @throws {SkynetError} `ERR_SYSCALL`. */
  constructor(os: Os, clock: Clock, settings: SocketSettings, log?: (text: string) => void) {
    this.#os = os
    this.#clock = clock
    this.callbacks = new Callbacks(log)
    const memory = new OwnMemory(os)
    this.#memory = memory
    const { slots, totals, bells, orders, link, wakeup } = memory
    const shared = { os, clock, slots, totals, bells }
    const commands = orders.ring
    this.client = new SocketClient({ ...shared, commands, self: CLIENT, socketThread: SERVER })
    this.#events = new OwnEvents(link, this.client)
    try {
      this.#server = new SocketServer({
        ...shared,
        commands: orders,
        self: SERVER,
        wakeupFd: wakeup.readFd,
        links: [link],
        workerOf: () => CLIENT,
        settings,
        eventsPerWait: POLL_EVENTS_MAX,
        log: (text) => this.callbacks.say(text),
      })
      this.sockets = this.#server.sockets
    } catch (error) {
      memory.close()
      throw error
    }
  }

  /** Give an order. It is obeyed on return. */
  order(...order: Parameters<SocketClient['order']>): void {
    this.client.order(...order)
    this.obey()
  }

  /** Do what was ordered, then call back. */
  obey(): void {
    this.#server.runCommands()
    this.callbacks.run()
  }

  /**
   * What was told and not taken yet, in order; else what the next turns bring.
   *
   * @param timeoutMs How long they may take. Undefined: until there is something, or no socket.
   */
  poll(timeoutMs: number | undefined): SocketEvent[] {
    const until = this.#clock.now() + (timeoutMs ?? Number.POSITIVE_INFINITY)
    let events = this.#take()
    let isLate = false
    while (events.length === 0 && !isLate) {
      if (timeoutMs === undefined && this.sockets.count === 0) break
      this.#turn(timeoutMs === undefined ? -1 : Math.max(0, Math.ceil(until - this.#clock.now())))
      if (this.#isClosed) return [] // by one who was told
      events = this.#take()
      isLate = this.#clock.now() >= until
    }
    return events
  }

  /** @param waitMs Longest sleep; -1: until something happens. */
  #turn(waitMs: number): void {
    // What waited for room in the ring has it now, and is an event without any sleep.
    this.#server.turn(this.#memory.link.isBlocked ? 0 : waitMs)
    this.callbacks.run()
  }

  /** Nobody is called back meanwhile. */
  #take(): SocketEvent[] {
    return this.#events.take(() => this.#server.runCommands())
  }

  totals(): SocketTotals {
    // Server and client have a row each, and count the system calls of the same thread in both.
    return { ...this.#memory.totals.read(), calls: this.#os.calls }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Close every socket, and what they have in common. What they did can still be asked for. */
  close(): void {
    this.#isClosed = true
    this.sockets.closeAll()
    this.#memory.close()
    this.callbacks.run()
  }
}
