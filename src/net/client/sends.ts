/**
 * What leaves a thread that is not the socket thread: written directly as far as the kernel takes
 * it now; the rest is handed to the socket thread, in order.
 */
import { compactLength } from '../../os/compact.ts'
import type { DatagramBatch } from '../../os/os.ts'
import { COMMAND, NOT_BEGUN, SEND } from '../commands.ts'
import { SEND_POLICY } from '../settings.ts'
import { STATE } from '../state.ts'
import type { BroadcastHost } from './broadcaster.ts'
import type { CommandPipe } from './command-pipe.ts'
import { DirectWrites, type DirectWritesOptions } from './direct-writes.ts'

/** Sockets of one broadcast command: what fits beside the block's address into a record. */
const PAIRS_MAX = 8000

export class Sends implements BroadcastHost {
  readonly #options: DirectWritesOptions
  readonly #pipe: CommandPipe
  readonly #direct: DirectWrites

  constructor(options: DirectWritesOptions, pipe: CommandPipe) {
    this.#options = options
    this.#pipe = pipe
    this.#direct = new DirectWrites(options)
  }

  /**
   * Write now if nobody else does and nothing waits; else hand the bytes to the socket thread.
   * The bytes are the caller's again on return. False: the socket is gone or closing.
   */
  send(id: number, bytes: Uint8Array, length: number): boolean {
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
    if (!this.#isWritable(id)) return false
    this.#direct.announce(id, bytes.length)
    this.#pipe.give(COMMAND.send, id, SEND.low, bytes)
    return true
  }

  /** Write to each, and leave what some could not take to the socket thread: one copy for all. */
  sendToAll(ids: readonly number[], bytes: Uint8Array): void {
    const { slots } = this.#options
    const { length } = bytes
    let late: number[] = []
    for (const id of ids) {
      if (!this.#isWritable(id) || slots.isSealed(id) || this.#isRefused(id)) continue
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
    const { slots } = this.#options
    if (!slots.isFull(id)) return false
    if (slots.policyOf(id) === SEND_POLICY.close) this.#pipe.push(COMMAND.overflow, id, 0, 0)
    return true
  }

  #sendLate(pairs: readonly number[], bytes: Uint8Array): void {
    const payload = Buffer.allocUnsafe(16 + pairs.length * 4)
    payload.writeDoubleLE(this.#options.os.blocks.put(bytes), 0)
    payload.writeDoubleLE(bytes.length, 8)
    for (let i = 0; i < pairs.length; i++) payload.writeInt32LE(pairs[i]!, 16 + i * 4)
    this.#pipe.push(COMMAND.broadcast, 0, 0, 0, payload, payload.length)
  }

  #isWritable(id: number): boolean {
    const state = this.#options.slots.stateOf(id)
    return state !== STATE.INVALID && state !== STATE.PLISTEN && state !== STATE.LISTEN
  }

  /** Send now what can be sent now, in order; the socket thread gets the rest. */
  sendDatagrams(
    id: number,
    batch: DatagramBatch,
    count: number,
    failed: (errno: number) => void,
  ): void {
    if (this.#options.slots.stateOf(id) === STATE.INVALID) return
    for (let slot = this.#direct.sendBatch(id, batch, count, failed); slot < count; slot++) {
      this.#direct.announce(id, batch.lengths[slot]!)
      this.#pipe.give(COMMAND.datagram, id, 0, datagramOf(batch, slot))
    }
  }
}

/** Slot `slot` as a command carries it: its address, then its bytes. */
function datagramOf(batch: DatagramBatch, slot: number): Buffer {
  const { bytes } = batch.region
  const at = slot * batch.stride
  const length = batch.lengths[slot]!
  const end = at + length
  const address = bytes.subarray(end, end + compactLength(bytes, end))
  return Buffer.concat([address, bytes.subarray(at, end)])
}
