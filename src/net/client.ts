/**
 * What every thread but the socket thread does with sockets: reserve, order, and write. One per
 * worker. Writes of one turn are gathered per socket and leave in one system call at its end.
 */
import type { Budget } from '../base/budget.ts'
import type { Clock } from '../base/clock.ts'
import { nextTick } from '../base/event-loop.ts'
import { compactLength } from '../os/compact.ts'
import type { AnyAddress, DatagramBatch, Os, SocketOption } from '../os/os.ts'
import { Broadcaster, type BroadcastHost } from './broadcaster.ts'
import { CommandPipe, type PipeOptions } from './command-pipe.ts'
import { COMMAND, NOT_BEGUN, SEND, SEND_BITS } from './commands.ts'
import type { DatagramHost } from './datagram-writer.ts'
import { DirectWrites } from './direct-writes.ts'
import { SEND_POLICY } from './settings.ts'
import type { Slots } from './slots.ts'
import type { ConnectPayload } from './socket.ts'
import { STATE } from './state.ts'
import { type SocketTotals, TOTAL, type Totals, type TotalsRow } from './totals.ts'
import { Writer, type WriterHost } from './writer.ts'

/** Sockets of one broadcast command: what fits beside the block's address into a record. */
const PAIRS_MAX = 8000

/** Something that gathers, and hands on at the end of the turn. */
interface Gatherer {
  flush(): void
}

/** Of one who gathers. Whose turn it is has no part in it, and the others have to leave too. */
function tellFault(error: unknown): void {
  nextTick(() => {
    throw error
  })
}

export interface ClientOptions extends Omit<PipeOptions, 'blocks'> {
  readonly os: Os
  readonly slots: Slots
  readonly totals: Totals
  readonly clock: Clock
}

export class SocketClient implements WriterHost, DatagramHost, BroadcastHost {
  readonly slots: Slots
  readonly os: Os
  /** This thread's number among the doorbells. */
  readonly thread: number
  readonly #totals: Totals
  readonly #row: TotalsRow
  readonly #pipe: CommandPipe
  readonly #direct: DirectWrites
  readonly #broadcaster = new Broadcaster(this)
  /** System calls of the worker that was here before this one. */
  readonly #callsBefore: number
  #dirty: Gatherer[] = []
  #spare: Gatherer[] = []
  #isFlushScheduled = false
  /** Writers of sockets of others, kept for one turn. */
  readonly #foreign = new Map<number, Writer>()

  constructor(options: ClientOptions) {
    this.slots = options.slots
    this.os = options.os
    this.thread = options.self
    this.#totals = options.totals
    this.#row = options.totals.row(options.self)
    this.#callsBefore = this.#row.get(TOTAL.calls)
    this.#pipe = new CommandPipe({ ...options, blocks: options.os.blocks })
    this.#direct = new DirectWrites({ ...options, row: this.#row })
  }

  /** A service begins to use sockets. Tests refuse it where there is nobody to serve them. */
  admit(): void {}

  /** True while orders wait for room: call `retry` when the socket thread announces some. */
  get isBlocked(): boolean {
    return this.#pipe.isBlocked
  }

  retry(budget?: Budget): boolean {
    return this.#pipe.retry(budget)
  }

  /** What all threads have done with sockets. Of this one, up to now. */
  totals(): SocketTotals {
    this.#row.set(TOTAL.calls, this.#callsBefore + this.os.calls)
    return this.#totals.read()
  }

  order(type: keyof typeof COMMAND, id: number, b = 0, session = 0, payload?: Uint8Array): void {
    // What was broadcast before comes first.
    if (this.#broadcaster.length > 0) this.#broadcaster.flush()
    this.#pipe.push(COMMAND[type], id, b, session, payload, payload?.length)
  }

  /** An order with a value that JSON can carry. */
  orderWith(type: 'configure', id: number, value: object): void {
    this.order(type, id, 0, 0, Buffer.from(JSON.stringify(value)))
  }

  /** @param options Set on the descriptor before it connects. */
  connect(
    id: number,
    owner: number,
    addresses: AnyAddress[],
    options?: Partial<Record<SocketOption, number>>,
  ): void {
    const payload: ConnectPayload = { addresses, options }
    this.order('connect', id, owner, 0, Buffer.from(JSON.stringify(payload)))
  }

  /**
   * Give back what an owner had not read, to the socket thread and so to the next owner.
   *
   * @param request What the YIELD that this answers had as `ud`.
   */
  handover(id: number, unread: Uint8Array, request: number): void {
    this.#pipe.give(COMMAND.handover, id, request << SEND_BITS, unread)
  }

  /** More waits than the policy of the socket allows: its end. */
  overflow(id: number): void {
    this.order('overflow', id)
  }

  // --- gathering -----------------------------------------------------------------------------

  /** Where an owner gathers the bytes of each turn. It keeps this for the life of the socket. */
  ownWriter(id: number): Writer {
    return new Writer(this, id)
  }

  /** The same for a socket of others: asked for each time, forgotten at the end of the turn. */
  writer(id: number): Writer {
    let writer = this.#foreign.get(id)
    if (writer === undefined) {
      writer = new Writer(this, id)
      this.#foreign.set(id, writer)
    }
    return writer
  }

  /** Something has to be flushed at the end of this turn. */
  markDirty(gatherer: Gatherer): void {
    this.#dirty.push(gatherer)
    this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    // A tick runs when the microtasks of this turn are done: after the services, before sleeping.
    nextTick(this.flush)
  }

  /** Write out everything that this turn gathered. */
  readonly flush = (): void => {
    this.#isFlushScheduled = false
    this.#flushWriters()
    this.#broadcaster.flush()
    if (this.#foreign.size > 0) this.#foreign.clear()
    this.#row.set(TOTAL.calls, this.#callsBefore + this.os.calls)
  }

  #flushWriters(): void {
    const dirty = this.#dirty
    if (dirty.length === 0) return
    this.#dirty = this.#spare
    for (const gatherer of dirty) {
      try {
        gatherer.flush()
      } catch (error) {
        tellFault(error)
      }
    }
    dirty.length = 0
    this.#spare = dirty
  }

  // --- streams -------------------------------------------------------------------------------

  /**
   * Write now if nobody else does and nothing waits; else hand the bytes to the socket thread.
   * The bytes are the caller's again on return. False: the socket is gone or closing.
   */
  send(id: number, bytes: Uint8Array, length: number): boolean {
    // What was broadcast before comes first.
    if (this.#broadcaster.length > 0) this.#broadcaster.flush()
    if (!this.#isWritable(id)) return false
    const written = this.#direct.write(id, bytes, length)
    if (written === length) return true
    if (written < 0) {
      this.#direct.announce(id, length)
      this.#pipe.give(COMMAND.send, id, 0, bytes.subarray(0, length))
    } else this.#pipe.give(COMMAND.send, id, SEND.remainder, bytes.subarray(written, length))
    return true
  }

  /** Send when nothing else waits. False: the socket is gone or closing. */
  sendLow(id: number, bytes: Uint8Array): boolean {
    if (this.#broadcaster.length > 0) this.#broadcaster.flush()
    if (!this.#isWritable(id)) return false
    this.#direct.announce(id, bytes.length)
    this.#pipe.give(COMMAND.send, id, SEND.low, bytes)
    return true
  }

  /** Gather `data` for many sockets; those that are gone or full are left out. */
  broadcast(ids: readonly number[], data: Uint8Array): void {
    this.#flushWriters()
    this.#broadcaster.add(ids, data)
    this.#scheduleFlush()
  }

  /** Write to each, and leave what some could not take to the socket thread: one copy for all. */
  sendToAll(ids: readonly number[], bytes: Uint8Array): void {
    const { length } = bytes
    let late: number[] = []
    for (const id of ids) {
      if (!this.#isWritable(id) || this.#isRefused(id)) continue
      const written = this.#direct.write(id, bytes, length)
      if (written === length) continue
      if (written < 0) this.#direct.announce(id, length)
      late.push(id, written < 0 ? NOT_BEGUN : written)
      if (late.length < PAIRS_MAX * 2) continue
      this.#sendLate(late, bytes)
      late = []
    }
    if (late.length > 0) this.#sendLate(late, bytes)
  }

  #isRefused(id: number): boolean {
    if (!this.slots.isFull(id)) return false
    if (this.slots.policyOf(id) === SEND_POLICY.close) this.#pipe.push(COMMAND.overflow, id, 0, 0)
    return true
  }

  #sendLate(pairs: readonly number[], bytes: Uint8Array): void {
    const payload = Buffer.allocUnsafe(16 + pairs.length * 4)
    payload.writeDoubleLE(this.os.blocks.put(bytes), 0)
    payload.writeDoubleLE(bytes.length, 8)
    for (let i = 0; i < pairs.length; i++) payload.writeInt32LE(pairs[i]!, 16 + i * 4)
    this.#pipe.push(COMMAND.broadcast, 0, 0, 0, payload, payload.length)
  }

  #isWritable(id: number): boolean {
    const state = this.slots.stateOf(id)
    return state !== STATE.INVALID && state !== STATE.PLISTEN && state !== STATE.LISTEN
  }

  // --- datagrams -----------------------------------------------------------------------------

  /** Send now what can be sent now, in order; the socket thread gets the rest. */
  sendDatagrams(
    id: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): void {
    if (this.slots.stateOf(id) === STATE.INVALID) return
    for (let slot = this.#direct.sendBatch(id, batch, count, failed); slot < count; slot++) {
      this.#direct.announce(id, batch.lengths[slot]!)
      this.#pipe.give(COMMAND.datagram, id, 0, datagramOf(batch, slot))
    }
  }
}

/** Slot `slot` as a command carries it: its address, then its bytes. */
export function datagramOf(batch: DatagramBatch, slot: number): Buffer {
  const { bytes } = batch.region
  const at = slot * batch.stride
  const length = batch.lengths[slot]!
  const end = at + length
  const address = bytes.subarray(end, end + compactLength(bytes, end))
  return Buffer.concat([address, bytes.subarray(at, end)])
}
