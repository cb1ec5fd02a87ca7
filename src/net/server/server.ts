/**
 * The socket server: the loop of the socket thread, one turn after the other. Orders are obeyed,
 * what is ready is served, what is due expires.
 */
import { Budget, costOf } from '../../base/budget.ts'
import { INTEREST, READY } from '../../os/poll/poller.ts'
import type { Doorbells } from '../../shm/doorbell.ts'
import type { Region } from '../../shm/memory.ts'
import type { ManyRing } from '../../shm/ring.ts'
import { EVENT } from '../event.ts'
import { TOTAL, type Totals } from '../totals.ts'
import { expire } from './expiry.ts'
import { runCommand } from './orders.ts'
import { becameReady } from './ready.ts'
import type { Socket } from './socket.ts'
import { Sockets, type SocketsOptions } from './sockets.ts'

const WAKEUP_TAG = 0xffffffff
/** Orders of one turn, and how long they may take; and so for deadlines. */
const COMMANDS_PER_TURN = 4096
const DEADLINES_PER_TURN = 4096
const TURN_MS = 4
/** After a batch, looks at the poller before sleeping in it: a thread that slept wakes late. */
const LOOKS = 2

export interface ServerOptions extends Omit<SocketsOptions, 'totals'> {
  readonly totals: Totals
  readonly commands: { readonly ring: ManyRing; readonly region: Region }
  readonly bells: Doorbells
  readonly wakeupFd: number
  /** Events that one wait brings. */
  readonly eventsPerWait: number
  /** False: turns end by what was done alone, so no order is a matter of time. Default: true. */
  readonly hasTimedTurns?: boolean
}

export class SocketServer {
  readonly sockets: Sockets
  readonly #options: ServerOptions
  readonly #orders: Budget
  readonly #expiries: Budget
  readonly #tags: Uint32Array
  readonly #ready: Uint8Array
  /** The last wait brought events. */
  #hasWorked = false
  /** How long the last wait may have slept. */
  #sleepMs = 0

  constructor(options: ServerOptions) {
    this.#options = options
    this.sockets = new Sockets({ ...options, totals: options.totals.row(options.self) })
    const { clock, hasTimedTurns = true } = options
    const ms = hasTimedTurns ? TURN_MS : Number.POSITIVE_INFINITY
    this.#orders = new Budget(clock, COMMANDS_PER_TURN, ms)
    this.#expiries = new Budget(clock, DEADLINES_PER_TURN, ms)
    this.#tags = new Uint32Array(options.eventsPerWait)
    this.#ready = new Uint8Array(options.eventsPerWait)
    this.sockets.poller.add(options.wakeupFd, WAKEUP_TAG, INTEREST.read)
  }

  /** The socket thread: turns until `exit`. */
  run(waitMs = -1): void {
    while (this.#turn(waitMs));
    this.sockets.closeAll()
  }

  /**
   * One turn of the loop, for whoever has the thread for other things as well: what passed since
   * the last one was theirs, and no stop of the process.
   *
   * @param waitMs Longest sleep; -1: until something happens.
   * @returns False when `exit` was ordered and the loop is over.
   */
  turn(waitMs: number): boolean {
    const { running } = this.sockets
    running.now(Number.POSITIVE_INFINITY)
    const goesOn = this.#turn(waitMs)
    running.now()
    return goesOn
  }

  /** Everything the server does is one of these lines. */
  #turn(waitMs: number): boolean {
    const { running } = this.sockets
    this.#orders.begin(running.now())
    if (this.#isOver()) return false
    this.runCommands(this.#orders)
    this.#options.bells.lieDown(this.#options.self)
    this.#retryBlocked()
    this.#announce()
    const count = this.#wait(waitMs)
    this.sockets.now = running.now(this.#sleepMs) | 0
    for (let event = 0; event < count; event++) this.#dispatch(event)
    this.#expire()
    this.#announce()
    return true
  }

  #isOver(): boolean {
    const { exitAt, count, running } = this.sockets
    return exitAt > 0 && (count === 0 || running.seenAt >= this.#exitAt)
  }

  get #exitAt(): number {
    const { exitAt, exitMs, running } = this.sockets
    return running.endOf(exitAt, exitMs)
  }

  /**
   * The orders that have come: at each turn, as long as `budget` lasts; who shares the thread may
   * say so at once, and gets all of them done.
   */
  runCommands(budget?: Budget): void {
    const { ring, region } = this.#options.commands
    const limit = budget === undefined ? Number.POSITIVE_INFINITY : COMMANDS_PER_TURN
    const count = ring.read(limit, (type, a, b, session, at, length) => {
      try {
        runCommand(this.sockets, type, a, b, session, region.bytes, at, length)
      } catch (error) {
        this.#broken(a, error)
      }
      return budget?.spend(costOf(length))
    })
    if (count > 0) this.#options.bells.announceRoom(this.#options.self)
  }

  /**
   * Owners whose ring was full: try again. We lay down before, and ask for room before the try:
   * else room made in between would be announced in vain, see doorbell.ts.
   */
  #retryBlocked(): void {
    for (const link of this.#options.links) {
      if (!link.isBlocked) continue
      link.wantRoom()
      if (!link.flush()) continue
      for (let left = link.stalled.length; left > 0; left--) {
        const socket = link.stalled.shift()!
        socket.stalled = false
        if (this.sockets.find(socket.id) !== socket || !socket.reading) continue
        this.#serve(socket, READY.read)
        // The ring is full again: the others are first when it is not.
        if (socket.stalled) break
        if (socket.fd < 0 || !socket.reading) continue
        this.sockets.watching.watch(socket, socket.interest | INTEREST.read)
      }
    }
  }

  /** Sleep until something is ready. See doorbell.ts for why no command can be overlooked. */
  #wait(waitMs: number): number {
    const { bells, self, commands } = this.#options
    // Now: the next time may be far away.
    this.sockets.totals.set(TOTAL.calls, this.sockets.os.calls)
    let count = 0
    this.#sleepMs = 0
    for (let look = 0; this.#hasWorked && count === 0 && look < LOOKS; look++) {
      this.sockets.os.yield()
      count = this.sockets.poller.wait(this.#tags, this.#ready, 0)
      this.sockets.totals.waited(count)
    }
    if (count === 0) {
      const timeoutMs = commands.ring.isEmpty ? this.#timeoutMs(waitMs) : 0
      this.#sleepMs = timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs
      count = this.sockets.poller.wait(this.#tags, this.#ready, timeoutMs)
      this.sockets.totals.waited(count)
    }
    this.#hasWorked = count > 0
    bells.getUp(self)
    if (count < 0) this.sockets.log(`socket-server error: ${this.sockets.os.errorText(count)}`)
    return count
  }

  #announce(): void {
    for (const link of this.#options.links) link.announce()
  }

  #timeoutMs(waitMs: number): number {
    if (this.#isOver()) return 0
    const next = this.sockets.deadlines.next() ?? Number.POSITIVE_INFINITY
    const at = this.sockets.exitAt > 0 ? Math.min(next, this.#exitAt) : next
    if (at === Number.POSITIVE_INFINITY) return waitMs
    const untilMs = Math.max(0, Math.ceil(at - this.sockets.clock.now()))
    const leftMs = this.sockets.running.sleepMs(untilMs)
    return waitMs < 0 ? leftMs : Math.min(waitMs, leftMs)
  }

  #dispatch(event: number): void {
    const tag = this.#tags[event]!
    const ready = this.#ready[event]!
    if (tag === WAKEUP_TAG) {
      this.sockets.os.clearWakeup(this.#options.wakeupFd)
      return
    }
    const socket = this.sockets.all[tag]
    // Closed by an earlier event or command of this turn.
    if (socket !== undefined) this.#serve(socket, ready)
  }

  #serve(socket: Socket, ready: number): void {
    try {
      becameReady(this.sockets, socket, ready)
    } catch (error) {
      this.#broken(socket.id, error)
    }
  }

  /** More of them than there is time for are due in the next turn, which does not sleep then. */
  #expire(): void {
    if (this.sockets.deadlines.next() === undefined) return
    const now = this.sockets.running.now()
    this.#expiries.begin(now)
    for (;;) {
      const socket = this.sockets.deadlines.take(now)
      if (socket === undefined) return
      try {
        expire(this.sockets, socket)
      } catch (error) {
        this.#broken(socket.id, error)
      }
      if (!this.#expiries.spend(1)) return
    }
  }

  /** A fault of ours with one socket costs that socket, not the node. */
  #broken(id: number, error: unknown): void {
    this.sockets.log(`socket-server error: socket ${id}: ${(error as Error).stack}`)
    const socket = this.sockets.find(id)
    if (socket === undefined) return
    try {
      if (!socket.closeTold) {
        this.sockets.owners.emit(socket.owner, EVENT.ERROR, id, 0, (error as Error).message)
      }
      this.sockets.free(socket)
    } catch (worse) {
      this.sockets.log(`socket-server error: socket ${id} is lost: ${(worse as Error).stack}`)
    }
  }
}
