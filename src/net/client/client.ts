/**
 * What every thread but the socket thread does with sockets: reserve, order, and write. One per
 * worker. Writes of one turn are gathered per socket and leave in one system call at its end.
 */
import type { Budget } from '../../base/budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { AnyAddress, DatagramBatch, Os, SocketOption } from '../../os/os.ts'
import { COMMAND, type ConnectPayload, SEND_BITS } from '../commands.ts'
import type { Slots } from '../slots.ts'
import { type SocketTotals, TOTAL, type Totals, type TotalsRow } from '../totals.ts'
import { Broadcaster } from './broadcaster.ts'
import { CommandPipe, type PipeOptions } from './command-pipe.ts'
import { Sends } from './sends.ts'
import { type Gatherer, Turn } from './turn.ts'
import { Writer, type WriterHost } from './writer.ts'

export interface ClientOptions extends Omit<PipeOptions, 'blocks'> {
  readonly os: Os
  readonly slots: Slots
  readonly totals: Totals
  readonly clock: Clock
}

/** Also what a DatagramWriter needs of its thread. */
export class SocketClient implements WriterHost {
  readonly slots: Slots
  readonly os: Os
  /** This thread's number among the doorbells. */
  readonly thread: number
  /** What leaves at once, before what is gathered. */
  readonly sends: Sends
  readonly #totals: Totals
  readonly #row: TotalsRow
  readonly #pipe: CommandPipe
  readonly #broadcaster: Broadcaster
  readonly #turn: Turn
  /** System calls of the worker that was here before this one. */
  readonly #callsBefore: number
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
    this.sends = new Sends({ ...options, row: this.#row }, this.#pipe)
    this.#broadcaster = new Broadcaster(this.sends)
    this.#turn = new Turn(() => this.#turnEnded())
  }

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
    this.#turn.markDirty(gatherer)
  }

  /** Write out everything that this turn gathered. */
  flush(): void {
    this.#turn.end()
  }

  #turnEnded(): void {
    this.#broadcaster.flush()
    if (this.#foreign.size > 0) this.#foreign.clear()
    this.#row.set(TOTAL.calls, this.#callsBefore + this.os.calls)
  }

  /** Gather `data` for many sockets; those that are gone or full are left out. */
  broadcast(ids: readonly number[], data: Uint8Array): void {
    this.#turn.flush()
    this.#broadcaster.add(ids, data)
    this.#turn.scheduleEnd()
  }

  // --- sending, behind what was broadcast before -----------------------------------------------

  /** As `Sends.send`. */
  send(id: number, bytes: Uint8Array, length: number): boolean {
    if (this.#broadcaster.length > 0) this.#broadcaster.flush()
    return this.sends.send(id, bytes, length)
  }

  /** As `Sends.sendLow`. */
  sendLow(id: number, bytes: Uint8Array): boolean {
    if (this.#broadcaster.length > 0) this.#broadcaster.flush()
    return this.sends.sendLow(id, bytes)
  }

  /** As `Sends.sendDatagrams`: nobody broadcasts to a UDP socket. */
  sendDatagrams(
    id: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): void {
    this.sends.sendDatagrams(id, batch, count, failed)
  }
}
