/**
 * Brings a message to the mailbox it is for: on this worker directly, on another one through that
 * worker's ring. Either way the receiver gets a value of its own, with the same meaning.
 */

import { type Budget, costOf } from '../base/budget.ts'
import type { Blocks, Region } from '../shm/memory.ts'
import type { ManyRing } from '../shm/ring.ts'
import { copy, copyMade } from '../wire/copy.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import { unpack, unreadAnswer } from '../wire/unpack.ts'
import type { Context } from './context.ts'
import type { Handles } from './handles.ts'
import type { Message, SystemMessage, WorkerOrder } from './message.ts'
import type { Outbox } from './outbox.ts'
import { BLOCK_FLAG, deadlineBits, deadlineOf, MESSAGE_TYPE_MASK } from './record-type.ts'
import type { Inlet, Scheduler } from './scheduler.ts'

export interface RouterOptions {
  readonly worker: number
  readonly handles: Handles
  readonly scheduler: Scheduler
  /** Empty, for the router alone to change. */
  readonly contexts: Map<number, Context>
  /** By worker number; the own one is never used. */
  readonly outboxes: readonly Outbox[]
  /** That of the outboxes. */
  readonly packer: { readonly bytes: Buffer; pack(value: unknown, root?: string): number }
  readonly inbox: { readonly ring: ManyRing; readonly region: Region }
  readonly blocks: Blocks
  readonly bells: { announceRoom(worker: number): void }
  /** A message to the worker itself (destination 0). */
  readonly onSystem: (message: SystemMessage) => void
  /** A binder of its own for each of those. */
  readonly newBinder: () => NonNullable<SystemMessage['binder']>
  /**
   * What was published on a channel; the bytes are the receiver's, none: the channel is gone.
   * Returns how many got it.
   */
  readonly onPublished: (channel: number, source: number, bytes: Buffer) => number
  /** What a peer sent could not be unpacked: a bug, never a crash. */
  readonly onFault: (text: string) => void
}

export class Router implements Inlet {
  readonly #options: RouterOptions
  readonly #contexts: Map<number, Context>
  /** Takes what is for other harbors, on the worker to which that goes: see handles.ts. */
  abroad: Context | undefined
  /**
   * On the worker of the cluster: a message has come for a handle that is not there any more. What
   * it gives is told to who waits for an answer; undefined: that there is no such service.
   */
  whyGone: ((message: Message, to: number) => unknown) | undefined
  /** Of the drain under way; none: it ends with its records. */
  #budget: Budget | undefined

  constructor(options: RouterOptions) {
    this.#options = options
    this.#contexts = options.contexts
  }

  get contexts(): ReadonlyMap<number, Context> {
    return this.#contexts
  }

  add(context: Context): void {
    this.#contexts.set(context.handle, context)
  }

  remove(context: Context): void {
    this.#contexts.delete(context.handle)
  }

  /** Memory of what waits here for room in the ring of the worker of `to`. */
  waitingBytesTo(to: number): number {
    const { worker, handles, outboxes } = this.#options
    const home = handles.workerOf(to)
    return home < 0 || home === worker ? 0 : outboxes[home]!.waitingBytes
  }

  /**
   * Send, in order with everything this worker sent to `to` before.
   *
   * @param timeoutMs How long its sender waits, for who passes it on to another node; 0: unsaid.
   * @param isMade The value is an array that was made for this, which nobody else has or changes.
   * @returns False when there is no such service; nothing was sent then.
   * @throws What cannot be part of a message, or `ERR_LINK_FULL`: its node takes no more of what
   * nobody waits for an answer to. Nothing was sent then.
   */
  send(
    type: number,
    to: number,
    source: number,
    session: number,
    value: unknown,
    timeoutMs = 0,
    isMade = false,
  ): boolean {
    const { worker, handles, scheduler, outboxes } = this.#options
    const home = handles.workerOf(to)
    if (home < 0) return false
    if (home !== worker) {
      // Who waits for an answer is told by who passes it on.
      if (session === 0 && handles.isRemote(to)) {
        handles.remotes!.checkRoom(to, outboxes[home]!.waitingBytes)
      }
      const recordType = timeoutMs === 0 ? type : type | deadlineBits(timeoutMs)
      outboxes[home]!.send(recordType, to, source, session, value, isMade)
      return true
    }
    const context = this.#contexts.get(to) ?? this.#contextAbroad(to)
    if (context === undefined) return false
    if (context.forwarder !== undefined) {
      const { packer } = this.#options
      const length = packer.pack(value, type === PTYPE.LUA ? 'args' : 'value')
      const { bytes } = packer
      context.forwarder.forward(to, type, source, session, timeoutMs, bytes, 0, length, false)
      return true
    }
    const { receiver } = context
    const root = type === PTYPE.LUA ? 'args' : 'value'
    const own = isMade ? copyMade(value as unknown[], root, receiver) : copy(value, root, receiver)
    scheduler.deliver(context, { type, source, session, value: own })
    return true
  }

  /**
   * As `send`, of a message that was packed elsewhere: it lies in `bytes[at .. at + length)`. If it
   * is none, its source is told.
   */
  sendPacked(
    type: number,
    to: number,
    source: number,
    session: number,
    bytes: Buffer,
    at: number,
    length: number,
  ): boolean {
    const { worker, handles, outboxes } = this.#options
    const home = handles.workerOf(to)
    if (home < 0) return false
    if (home !== worker) {
      outboxes[home]!.sendBytes(type, to, source, session, bytes, at, length)
      return true
    }
    const context = this.#contexts.get(to) ?? this.#contextAbroad(to)
    if (context === undefined) return false
    this.#arrived(context, type, to, source, session, bytes, at, length)
    return true
  }

  #contextAbroad(to: number): Context | undefined {
    return this.abroad !== undefined && this.#options.handles.isAbroad(to) ? this.abroad : undefined
  }

  /** Send to a worker itself, not to a service on it. The order is that worker's from then on. */
  sendToWorker(worker: number, source: number, session: number, order: WorkerOrder): void {
    if (worker !== this.#options.worker) {
      this.#options.outboxes[worker]!.send(PTYPE.SYSTEM, 0, source, session, order)
      return
    }
    const { onSystem, newBinder } = this.#options
    const message = { type: PTYPE.SYSTEM, source, session, value: order, binder: undefined }
    // Another node may have sent anything.
    if (!Array.isArray(order.args) || order.args.length === 0) {
      onSystem(message)
      return
    }
    const binder = newBinder()
    // As deep as they are within the order: it goes to any worker, or to none.
    const own = copy({ args: order.args }, 'value', binder) as Pick<WorkerOrder, 'args'>
    onSystem({ ...message, value: { ...order, ...own }, binder })
  }

  /** Tell the sender of a request that nobody will answer it. */
  refuse(message: Message, by: number, reason?: unknown): void {
    const isRequest = message.type !== PTYPE.RESPONSE && message.type !== PTYPE.ERROR
    if (message.session <= 0 || !isRequest) return
    this.send(PTYPE.ERROR, message.source, by, message.session, reason)
  }

  get isEmpty(): boolean {
    return this.#options.inbox.ring.isEmpty
  }

  get written(): number {
    return this.#options.inbox.ring.written
  }

  hasRead(mark: number): boolean {
    return this.#options.inbox.ring.hasRead(mark)
  }

  drain(limit: number, budget?: Budget): number {
    const { inbox, bells, worker } = this.#options
    this.#budget = budget
    const count = inbox.ring.read(limit, this.#receive)
    bells.announceRoom(worker)
    return count
  }

  /** False: what was read so far has taken what it may. */
  readonly #receive = (
    type: number,
    to: number,
    source: number,
    session: number,
    at: number,
    length: number,
  ): boolean => {
    const cost = this.#take(type, to >>> 0, source >>> 0, session, at, length)
    return this.#budget?.spend(cost) !== false
  }

  /** Deliver one record. Returns what that has cost. */
  #take(
    recordType: number,
    to: number,
    source: number,
    session: number,
    at: number,
    length: number,
  ): number {
    const { inbox, blocks, onPublished } = this.#options
    const type = recordType & MESSAGE_TYPE_MASK
    const isBlock = (recordType & BLOCK_FLAG) !== 0
    let bytes = inbox.region.bytes
    let from = at
    let size = length
    const context = this.#contexts.get(to) ?? this.#contextAbroad(to)
    let isLost = false
    if (isBlock) {
      const address = bytes.readDoubleLE(at)
      // Taken once, also when this worker dies before the record is freed and another reads it.
      bytes.writeDoubleLE(0, at)
      isLost = address === 0
      size = bytes.readDoubleLE(at + 8)
      if (!isLost) bytes = blocks.take(address, size, context?.forwarder !== undefined)
      from = 0
    }
    if (isLost || (context === undefined && to !== 0)) {
      const message = { type, source, session, value: undefined }
      this.refuse(message, to, this.whyGone?.(message, to))
      return 1
    }
    const cost = costOf(size)
    if (context === undefined && type === PTYPE.MULTICAST) {
      const packed = bytes.subarray(from, from + size)
      return cost + onPublished(session, source, isBlock ? packed : Buffer.from(packed))
    }
    this.#arrived(context, recordType, to, source, session, bytes, from, size)
    return cost
  }

  /** A packed message for a service here, or for this worker itself. */
  #arrived(
    context: Context | undefined,
    recordType: number,
    to: number,
    source: number,
    session: number,
    bytes: Buffer,
    from: number,
    size: number,
  ): void {
    const { scheduler, onSystem, newBinder, onFault } = this.#options
    const type = recordType & MESSAGE_TYPE_MASK
    if (context?.forwarder !== undefined) {
      const timeoutMs = deadlineOf(recordType)
      // Out of a block it has memory of its own.
      const isGiven = (recordType & BLOCK_FLAG) !== 0
      context.forwarder.forward(to, type, source, session, timeoutMs, bytes, from, size, isGiven)
      return
    }
    const binder = context === undefined ? newBinder() : context.receiver
    let value: unknown
    try {
      value = unpack(bytes, from, size, binder)
    } catch (error) {
      onFault(`message of ${size} bytes, type ${type}: ${(error as Error).message}`)
      if (!isAnswerType(type)) this.refuse({ type, source, session, value: undefined }, to, error)
      else if (context !== undefined) {
        // Somebody waits for it, and for nothing else.
        const value = unreadAnswer(error)
        scheduler.deliver(context, { type: PTYPE.ERROR, source, session, value })
      }
      return
    }
    if (context === undefined) onSystem({ type, source, session, value, binder })
    else scheduler.deliver(context, { type, source, session, value })
  }
}
