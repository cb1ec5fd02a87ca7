/**
 * The socket server: the loop of the socket thread, and the orders it takes. It knows sockets and
 * numbers of owners, never a service. What a socket does when it becomes ready is in tcp.ts.
 */
import { Budget, costOf } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import type { Doorbells } from '../base/doorbell.ts'
import { READ_BYTES_MIN, SOCKETS_MAX } from '../base/limits.ts'
import { lock, tryLock, unlock } from '../base/lock.ts'
import type { Region } from '../base/memory.ts'
import type { ManyRing } from '../base/ring.ts'
import type { DatagramBatch, Os } from '../os/os.ts'
import { INTEREST, type Poller, READY } from '../os/poll/poller.ts'
import { acceptAll } from './accept.ts'
import { connected } from './connect.ts'
import { Deadlines } from './deadlines.ts'
import { EVENT } from './event.ts'
import { expire } from './expiry.ts'
import type { Link } from './links.ts'
import { runCommand } from './orders.ts'
import { SEND_POLICY, type SocketSettings } from './settings.ts'
import { SLOT, type Slots, TRAIT } from './slots.ts'
import type { Socket } from './socket.ts'
import { type Input, nextState, STATE } from './state.ts'
import { discard, flush, hungUp, losesBytes, readable } from './tcp.ts'
import { TOTAL, type Totals, type TotalsRow } from './totals.ts'
import { dropDatagrams, flushDatagrams, readDatagrams } from './udp.ts'

const WAKEUP_TAG = 0xffffffff
/** Orders of one turn, and how long they may take; and so for deadlines. */
const COMMANDS_PER_TURN = 4096
const DEADLINES_PER_TURN = 4096
const TURN_MS = 4
/** After a batch, looks at the poller before sleeping in it: a thread that slept wakes late. */
const LOOKS = 2
/** Datagrams of one system call, each of any size. */
const DATAGRAMS_PER_CALL = 32
const DATAGRAM_BYTES_MAX = 65_535

export interface ServerOptions {
  readonly os: Os
  readonly clock: Clock
  readonly slots: Slots
  readonly totals: Totals
  readonly commands: { readonly ring: ManyRing; readonly region: Region }
  readonly bells: Doorbells
  /** True: descriptors are left to others now, and clients wait. Default: never. */
  readonly areAcceptsHeld?: () => boolean
  /** This thread's number among the doorbells. */
  readonly self: number
  readonly wakeupFd: number
  readonly links: readonly Link[]
  /** The worker that holds an owner, or -1: there is no such owner any more. */
  readonly workerOf: (owner: number) => number
  /** Of every socket that was not told otherwise. */
  readonly settings: SocketSettings
  /** Events that one wait brings. */
  readonly eventsPerWait: number
  readonly log: (text: string) => void
  /** The sockets by slot, all undefined. Tests hand it in: making it takes longer than they do. */
  readonly sockets?: (Socket | undefined)[]
}

export class SocketServer {
  readonly os: Os
  readonly clock: Clock
  readonly slots: Slots
  /** This thread's row. */
  readonly totals: TotalsRow
  readonly poller: Poller
  readonly scratch: Region
  readonly staging = Buffer.allocUnsafeSlow(64 * 1024)
  readonly log: (text: string) => void
  readonly sockets: (Socket | undefined)[]
  readonly #deadlines = new Deadlines<Socket>()
  readonly settings: SocketSettings
  count = 0
  /** Whole milliseconds since the node began, as of this turn. */
  now = 0
  #batch: DatagramBatch | undefined
  /** The last wait brought events. */
  #hasWorked = false
  reserveFd: number
  /** Set by `exit`: the time at which the loop ends, whatever is left. */
  exitAt = 0
  readonly #options: ServerOptions
  readonly #orders: Budget
  readonly #expiries: Budget
  readonly #tags: Uint32Array
  readonly #ready: Uint8Array

  constructor(options: ServerOptions) {
    this.#options = options
    this.os = options.os
    this.clock = options.clock
    this.slots = options.slots
    this.totals = options.totals.row(options.self)
    this.log = options.log
    this.settings = options.settings
    this.sockets = options.sockets ?? new Array<undefined>(SOCKETS_MAX).fill(undefined)
    this.#orders = new Budget(options.clock, COMMANDS_PER_TURN, TURN_MS)
    this.#expiries = new Budget(options.clock, DEADLINES_PER_TURN, TURN_MS)
    this.#tags = new Uint32Array(options.eventsPerWait)
    this.#ready = new Uint8Array(options.eventsPerWait)
    this.poller = options.os.createPoller()
    this.scratch = options.os.region(new SharedArrayBuffer(64 * 1024))
    this.reserveFd = options.os.reserveFd()
    this.poller.add(options.wakeupFd, WAKEUP_TAG, INTEREST.read)
  }

  get areAcceptsHeld(): boolean {
    return this.#options.areAcceptsHeld?.() ?? false
  }

  /** The socket thread: turns until `exit`. */
  run(waitMs = -1): void {
    while (this.turn(waitMs));
    this.closeEverything()
  }

  /**
   * One turn of the loop; everything the server does is one of these lines.
   *
   * @param waitMs Longest sleep; -1: until something happens.
   * @returns False when `exit` was ordered and the loop is over.
   */
  turn(waitMs: number): boolean {
    if (this.#isOver()) return false
    this.#orders.begin(this.clock.now())
    this.runCommands(this.#orders)
    this.#options.bells.lieDown(this.#options.self)
    this.#retryBlocked()
    this.#announce()
    const count = this.#wait(waitMs)
    this.now = this.clock.now() | 0
    for (let event = 0; event < count; event++) this.#dispatch(event)
    this.#expire()
    this.#announce()
    return true
  }

  #isOver(): boolean {
    return this.exitAt > 0 && (this.count === 0 || this.clock.now() >= this.exitAt)
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
        runCommand(this, type, a, b, session, region.bytes, at, length)
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
        if (this.sockets[socket.id & (SOCKETS_MAX - 1)] !== socket || !socket.reading) continue
        this.#serve(socket, READY.read)
        // The ring is full again: the others are first when it is not.
        if (socket.stalled) break
        if (socket.fd < 0 || !socket.reading) continue
        this.watch(socket, socket.interest | INTEREST.read)
      }
    }
  }

  /** Sleep until something is ready. See doorbell.ts for why no command can be overlooked. */
  #wait(waitMs: number): number {
    const { bells, self, commands } = this.#options
    // Now: the next time may be far away.
    this.totals.set(TOTAL.calls, this.os.calls)
    let count = 0
    for (let look = 0; this.#hasWorked && count === 0 && look < LOOKS; look++) {
      this.os.yield()
      count = this.poller.wait(this.#tags, this.#ready, 0)
      this.totals.waited(count)
    }
    if (count === 0) {
      const timeoutMs = commands.ring.isEmpty ? this.#timeoutMs(waitMs) : 0
      count = this.poller.wait(this.#tags, this.#ready, timeoutMs)
      this.totals.waited(count)
    }
    this.#hasWorked = count > 0
    bells.getUp(self)
    if (count < 0) this.log(`socket-server error: ${this.os.errorText(count)}`)
    return count
  }

  #announce(): void {
    for (const link of this.#options.links) link.announce()
  }

  #timeoutMs(waitMs: number): number {
    if (this.#isOver()) return 0
    const next = this.#deadlines.next() ?? Number.POSITIVE_INFINITY
    const at = this.exitAt > 0 ? Math.min(next, this.exitAt) : next
    if (at === Number.POSITIVE_INFINITY) return waitMs
    const leftMs = Math.max(0, Math.ceil(at - this.clock.now()))
    return waitMs < 0 ? leftMs : Math.min(waitMs, leftMs)
  }

  #dispatch(event: number): void {
    const tag = this.#tags[event]!
    const ready = this.#ready[event]!
    if (tag === WAKEUP_TAG) {
      this.os.clearWakeup(this.#options.wakeupFd)
      return
    }
    const socket = this.sockets[tag]
    // Closed by an earlier event or command of this turn.
    if (socket !== undefined) this.#serve(socket, ready)
  }

  #serve(socket: Socket, ready: number): void {
    try {
      this.#becameReady(socket, ready)
    } catch (error) {
      this.#broken(socket.id, error)
    }
  }

  #becameReady(socket: Socket, ready: number): void {
    const state = this.stateOf(socket)
    if (state === STATE.LISTEN) acceptAll(this, socket)
    else if (state === STATE.CONNECTING) connected(this, socket)
    else if (socket.udp !== undefined) {
      if ((ready & READY.write) !== 0) flushDatagrams(this, socket)
      if ((ready & ~READY.write) !== 0 && socket.fd >= 0) this.read(socket)
    } else {
      if ((ready & READY.write) !== 0) flush(this, socket)
      if ((ready & ~READY.write) === 0 || socket.fd < 0) return
      if (socket.closing) discard(this, socket)
      else if (socket.reading && !socket.stalled) this.read(socket)
      else if ((ready & (READY.error | READY.hangup)) !== 0) hungUp(this, socket)
    }
  }

  /** Take what the kernel has for a socket. */
  read(socket: Socket): void {
    if (socket.udp === undefined) readable(this, socket)
    else if (socket.reading && !socket.stalled && !socket.closing) {
      this.#batch ??= this.os.createBatch(DATAGRAMS_PER_CALL, DATAGRAM_BYTES_MAX)
      readDatagrams(this, socket, this.#batch)
    }
  }

  /** The ring of its owner is full: it is read again when there is room. */
  stall(socket: Socket, link: Link): void {
    socket.stalled = true
    link.stalled.push(socket)
    link.wantRoom()
    this.ignore(socket, INTEREST.read)
  }

  /** More of them than there is time for are due in the next turn, which does not sleep then. */
  #expire(): void {
    if (this.#deadlines.next() === undefined) return
    const now = this.clock.now()
    this.#expiries.begin(now)
    for (;;) {
      const at = this.#deadlines.next()
      const socket = this.#deadlines.take(now)
      if (at === undefined || socket === undefined) return
      try {
        expire(this, socket, now - at)
      } catch (error) {
        this.#broken(socket.id, error)
      }
      if (!this.#expiries.spend(1)) return
    }
  }

  /** A fault of ours with one socket costs that socket, not the node. */
  #broken(id: number, error: unknown): void {
    this.log(`socket-server error: socket ${id}: ${(error as Error).stack}`)
    const socket = this.find(id)
    if (socket === undefined) return
    try {
      if (!socket.closeTold) {
        this.emit(socket.owner, EVENT.ERROR, id, 0, (error as Error).message)
      }
      this.free(socket)
    } catch (worse) {
      this.log(`socket-server error: socket ${id} is lost: ${(worse as Error).stack}`)
    }
  }

  closeEverything(): void {
    for (const socket of this.sockets) if (socket !== undefined) this.free(socket)
    if (this.reserveFd >= 0) this.os.close(this.reserveFd)
    this.poller.close()
  }

  /** The socket of `id`, or undefined when it is gone. */
  find(id: number): Socket | undefined {
    const socket = this.sockets[id & (SOCKETS_MAX - 1)]
    return socket !== undefined && socket.id === id ? socket : undefined
  }

  add(socket: Socket): void {
    this.sockets[socket.id & (SOCKETS_MAX - 1)] = socket
    this.count++
    Atomics.store(this.slots.cells, socket.at + SLOT.owner, socket.owner)
  }

  /** The descriptor of a socket, also for the workers that write to it. */
  adopt(socket: Socket, fd: number): void {
    socket.fd = fd
    Atomics.store(this.slots.cells, socket.at + SLOT.fd, fd)
  }

  /** Change settings, and what the workers see of them. An idle timeout begins anew. */
  configure(socket: Socket, changes: Partial<SocketSettings> | undefined): void {
    if (changes !== undefined) socket.settings = { ...socket.settings, ...changes }
    const { sendLimitBytes, sendPolicy, idleTimeoutMs, readBytesMax } = socket.settings
    Atomics.store(this.slots.cells, socket.at + SLOT.limit, sendLimitBytes)
    this.setTraits(socket, 0b11 << TRAIT.policyShift, SEND_POLICY[sendPolicy] << TRAIT.policyShift)
    socket.readBytes = Math.max(READ_BYTES_MIN, Math.min(socket.readBytes, readBytesMax))
    const state = this.stateOf(socket)
    // Who connects has none; a close that lingers, a write that waits for memory has its own.
    if (state <= STATE.CONNECTING || socket.closing || socket.starved) return
    this.setDeadline(socket, idleTimeoutMs)
  }

  setTraits(socket: Socket, mask: number, bits: number): void {
    const { cells } = this.slots
    const at = socket.at + SLOT.traits
    Atomics.store(cells, at, (cells[at]! & ~mask) | bits)
  }

  stateOf(socket: Socket): number {
    return Atomics.load(this.slots.cells, socket.at + SLOT.state)
  }

  move(socket: Socket, input: Input): void {
    Atomics.store(this.slots.cells, socket.at + SLOT.state, nextState(this.stateOf(socket), input))
  }

  setOwner(socket: Socket, owner: number): void {
    socket.owner = owner
    Atomics.store(this.slots.cells, socket.at + SLOT.owner, owner)
  }

  linkOf(owner: number): Link | undefined {
    return this.#options.links[this.#options.workerOf(owner)]
  }

  /** False: the owner is gone, nobody was told. */
  emit(
    owner: number,
    kind: number,
    id: number,
    ud: number,
    payload?: Uint8Array | string,
  ): boolean {
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    const link = this.linkOf(owner)
    link?.emit(kind, owner, id, ud, bytes)
    return link !== undefined
  }

  /** Tell the owner what went wrong. CLOSE, or the end of the socket, is up to the caller. */
  fail(socket: Socket, errno: number): void {
    this.emit(socket.owner, EVENT.ERROR, socket.id, 0, this.os.errorText(errno))
  }

  /** @param sign 1: everything has left; -1: the socket is gone. */
  answerDrains(socket: Socket, sign: 1 | -1): void {
    const { queue } = socket
    if (queue.drainsWanted === 0) return
    this.emit(socket.owner, EVENT.DRAIN, socket.id, sign * queue.drainsWanted)
    queue.drainsWanted = 0
  }

  /** Tell the owner, once, that nothing more will come. */
  tellClose(socket: Socket): void {
    if (socket.heir !== 0) {
      // Somebody waits for a handover that will not come any more.
      this.emit(socket.heir, EVENT.ERROR, socket.id, 0, 'socket closed')
      socket.heir = 0
    }
    if (socket.closeTold) return
    socket.closeTold = true
    this.emit(socket.owner, EVENT.CLOSE, socket.id, 0)
  }

  /** Choose what the poller reports of a socket. */
  watch(socket: Socket, interest: number): void {
    const result = this.tryWatch(socket, interest)
    if (result < 0) throw new Error(`watch: ${this.os.errorText(result)}`)
  }

  /** No more of this. One that is not watched has hung up, and the poller would go on saying so. */
  ignore(socket: Socket, interest: number): void {
    if (socket.polled) this.watch(socket, socket.interest & ~interest)
  }

  /** Returns an errno: of a new descriptor that the poller does not take, a file for example. */
  tryWatch(socket: Socket, interest: number): number {
    if (socket.polled && socket.interest === interest) return 0
    const tag = socket.id & (SOCKETS_MAX - 1)
    if (socket.polled) this.poller.change(socket.fd, tag, interest)
    else {
      const result = this.poller.add(socket.fd, tag, interest)
      if (result < 0) return result
      socket.polled = true
    }
    this.#showInterest(socket, interest)
    return 0
  }

  #showInterest(socket: Socket, interest: number): void {
    socket.interest = interest
    const isReading = (interest & INTEREST.read) !== 0 ? TRAIT.reading : 0
    const isWriting = (interest & INTEREST.write) !== 0 ? TRAIT.writing : 0
    this.setTraits(socket, TRAIT.reading | TRAIT.writing, isReading | isWriting)
  }

  unwatch(socket: Socket): void {
    if (!socket.polled) return
    this.poller.remove(socket.fd, socket.id & (SOCKETS_MAX - 1))
    socket.polled = false
    this.#showInterest(socket, 0)
  }

  /** Look at the socket again in `ms`; 0: no more. */
  setDeadline(socket: Socket, ms: number): void {
    if (ms === 0) this.#deadlines.clear(socket)
    else this.#deadlines.set(socket, ms, this.clock.now())
  }

  hasDeadline(socket: Socket): boolean {
    return this.#deadlines.has(socket)
  }

  /** The write token; a worker that has it gives it back after its write. */
  takeToken(socket: Socket): void {
    lock(this.slots.cells, socket.at + SLOT.token, this.#options.self + 1)
  }

  /** The write token, if nobody has it. */
  tryToken(socket: Socket): boolean {
    return tryLock(this.slots.cells, socket.at + SLOT.token, this.#options.self + 1)
  }

  releaseToken(socket: Socket): void {
    unlock(this.slots.cells, socket.at + SLOT.token)
  }

  /** Account for sends that are written or dropped. */
  settle(at: number, sends: number, bytes: number): void {
    Atomics.sub(this.slots.cells, at + SLOT.pending, sends)
    Atomics.sub(this.slots.cells, at + SLOT.queued, bytes)
  }

  dropQueue(socket: Socket): void {
    const { queue } = socket
    if (queue.length > 0) {
      const { bytes } = queue
      this.settle(socket.at, queue.clear(), bytes)
    }
    dropDatagrams(this, socket)
  }

  /**
   * Close the descriptor and give the slot back. The token is taken for it: a worker that is in
   * write(2) finishes first, and a later one finds the state INVALID.
   */
  free(socket: Socket): void {
    this.unwatch(socket)
    this.setDeadline(socket, 0)
    const { cells } = this.slots
    this.takeToken(socket)
    if (socket.isStream && this.stateOf(socket) >= STATE.CONNECTED) this.totals.add(TOTAL.closed, 1)
    if (losesBytes(this, socket)) this.os.setOption(socket.fd, 'lingerSeconds', 0)
    this.slots.free(socket.at)
    Atomics.store(cells, socket.at + SLOT.fd, -1)
    Atomics.store(cells, socket.at + SLOT.remainder, 0)
    this.releaseToken(socket)
    if (socket.borrowed === 'blocking') this.os.setNonBlocking(socket.fd, false)
    if (socket.fd >= 0 && socket.borrowed === undefined) this.os.close(socket.fd)
    socket.fd = -1
    // After the descriptor. CLOSE may have been told at the peer's FIN: it ends no such wait.
    this.answerDrains(socket, -1)
    this.tellClose(socket)
    this.dropQueue(socket)
    this.sockets[socket.id & (SOCKETS_MAX - 1)] = undefined
    this.count--
  }
}
