/**
 * The sockets of the socket thread, and what is done to any of them, whatever its kind: found,
 * moved to another state, configured, freed. It knows numbers of owners, never a service. What a
 * kind does when it becomes ready stands above: tcp.ts, udp.ts, accept.ts, connect.ts.
 */
import type { Clock } from '../../base/clock.ts'
import { READ_BYTES_MIN, SOCKETS_MAX } from '../../base/limits.ts'
import type { Os } from '../../os/os.ts'
import { INTEREST, type Poller } from '../../os/poll/poller.ts'
import { SEND_POLICY, type SocketSettings } from '../settings.ts'
import { SLOT, type Slots, TRAIT } from '../slots.ts'
import { type Input, nextState, STATE } from '../state.ts'
import { TOTAL, type TotalsRow } from '../totals.ts'
import { Buffers } from './buffers.ts'
import { Datagrams } from './datagrams.ts'
import { Deadlines } from './deadlines.ts'
import type { Link } from './links.ts'
import { Owners } from './owners.ts'
import { Running } from './running.ts'
import type { Socket } from './socket.ts'
import { SpareDescriptor } from './spare-descriptor.ts'
import { Tokens } from './tokens.ts'
import { Watching } from './watching.ts'

export interface SocketsOptions {
  /** The sockets by slot, all undefined: for who begins with a slot far up, where `[]` is slow. */
  readonly sockets?: (Socket | undefined)[] | undefined
  readonly os: Os
  readonly clock: Clock
  readonly slots: Slots
  /** The row of this thread. */
  readonly totals: TotalsRow
  /** The number of this thread among the doorbells. */
  readonly self: number
  readonly links: readonly Link<Socket>[]
  /** The worker that holds an owner, or -1: there is no such owner any more. */
  readonly workerOf: (owner: number) => number
  /** True: descriptors are left to others now, and clients wait. Default: never. */
  readonly areAcceptsHeld?: (() => boolean) | undefined
  /** Of every socket that was not told otherwise. */
  readonly settings: SocketSettings
  readonly log: (text: string) => void
}

export class Sockets {
  readonly os: Os
  readonly clock: Clock
  readonly running: Running
  readonly slots: Slots
  readonly totals: TotalsRow
  readonly settings: SocketSettings
  readonly log: (text: string) => void
  readonly poller: Poller
  readonly owners: Owners
  readonly watching: Watching
  readonly tokens: Tokens
  readonly deadlines = new Deadlines<Socket>()
  /** By slot. It grows with the slots that were ever taken: a node with few sockets keeps few. */
  readonly all: (Socket | undefined)[]
  count = 0
  readonly buffers: Buffers
  readonly spare: SpareDescriptor
  /** Whole milliseconds since the node began, as of this turn. */
  now = 0
  /** Set by the order `exit`: the time at which the loop ends, whatever is left. */
  exitAt = 0
  /** How long it may take until then. */
  exitMs = 0
  readonly #areAcceptsHeld: () => boolean

  constructor(options: SocketsOptions) {
    const { os, slots, self, links, workerOf } = options
    const errorText = (errno: number): string => os.errorText(errno)
    this.os = os
    this.clock = options.clock
    this.running = new Running(options.clock)
    this.slots = slots
    this.totals = options.totals
    this.settings = options.settings
    this.log = options.log
    this.poller = os.createPoller()
    this.owners = new Owners({ links, workerOf, errorText })
    this.watching = new Watching({
      poller: this.poller,
      errorText,
      setTraits: (socket, mask, bits) => this.setTraits(socket, mask, bits),
    })
    this.tokens = new Tokens(slots, self)
    this.all = options.sockets ?? []
    this.buffers = new Buffers(os)
    this.spare = new SpareDescriptor(os)
    this.#areAcceptsHeld = options.areAcceptsHeld ?? (() => false)
  }

  /** Descriptors are left to others now, and clients wait. */
  get areAcceptsHeld(): boolean {
    return this.#areAcceptsHeld()
  }

  /** The socket of `id`, or undefined when it is gone. */
  find(id: number): Socket | undefined {
    const socket = this.all[id & (SOCKETS_MAX - 1)]
    return socket !== undefined && socket.id === id ? socket : undefined
  }

  add(socket: Socket): void {
    this.all[socket.id & (SOCKETS_MAX - 1)] = socket
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

  /** The ring of its owner is full: it is read again when there is room. */
  stall(socket: Socket, link: Link<Socket>): void {
    socket.stalled = true
    link.stalled.push(socket)
    link.wantRoom()
    this.watching.ignore(socket, INTEREST.read)
  }

  /** Look at the socket again in `ms`; 0: no more. */
  setDeadline(socket: Socket, ms: number): void {
    if (ms === 0) this.deadlines.clear(socket)
    else this.deadlines.set(socket, ms, this.clock.now())
  }

  hasDeadline(socket: Socket): boolean {
    return this.deadlines.has(socket)
  }

  /** Account for sends that are written or dropped. */
  settle(at: number, sends: number, bytes: number): void {
    Atomics.sub(this.slots.cells, at + SLOT.pending, sends)
    Atomics.sub(this.slots.cells, at + SLOT.queued, bytes)
  }

  /** Forget what waits to be sent. */
  dropQueue(socket: Socket): void {
    const { queue } = socket
    if (queue.length > 0) {
      const { bytes } = queue
      this.settle(socket.at, queue.clear(), bytes)
    }
    const { udp } = socket
    if (udp === undefined || udp.queue.length === 0) return
    this.settle(socket.at, udp.queue.length, udp.bytes)
    socket.udp = new Datagrams()
  }

  /**
   * Close the descriptor and give the slot back. The token is taken for it: a worker that is in
   * write(2) finishes first, and a later one finds the state INVALID.
   */
  free(socket: Socket): void {
    this.watching.unwatch(socket)
    this.setDeadline(socket, 0)
    const { cells } = this.slots
    this.tokens.take(socket)
    if (socket.isStream && this.stateOf(socket) >= STATE.CONNECTED) this.totals.add(TOTAL.closed, 1)
    if (this.#losesBytes(socket)) this.os.setOption(socket.fd, 'lingerSeconds', 0)
    this.slots.free(socket.at)
    Atomics.store(cells, socket.at + SLOT.fd, -1)
    Atomics.store(cells, socket.at + SLOT.remainder, 0)
    this.tokens.release(socket)
    if (socket.borrowed === 'blocking') this.os.setNonBlocking(socket.fd, false)
    if (socket.fd >= 0 && socket.borrowed === undefined) this.os.close(socket.fd)
    socket.fd = -1
    // After the descriptor. CLOSE may have been told at the peer's FIN: it ends no such wait.
    this.owners.answerDrains(socket, -1)
    this.owners.tellClose(socket)
    this.dropQueue(socket)
    this.all[socket.id & (SOCKETS_MAX - 1)] = undefined
    this.count--
  }

  /**
   * Would a close now drop bytes that were taken for sending? Then it must be RST: half an answer
   * must not look whole. Asked under the token. What is sent after `close` or `end` is no part of
   * it.
   */
  #losesBytes(socket: Socket): boolean {
    if (!socket.isStream || this.stateOf(socket) < STATE.CONNECTED) return false
    if (socket.cut || socket.queue.length > 0 || this.tokens.isOwed(socket)) return true
    if (socket.closing || socket.ending) return false
    return Atomics.load(this.slots.cells, socket.at + SLOT.pending) > 0
  }

  closeAll(): void {
    for (const socket of this.all) if (socket !== undefined) this.free(socket)
    this.spare.giveUp()
    this.poller.close()
  }
}
