/**
 * What every thread but the socket thread does with sockets: reserve, order, and write. One per
 * worker. Writes of one turn are gathered per socket and leave in one system call at its end.
 */
import type { Doorbells } from '../base/doorbell.ts'
import { RING_PAYLOAD_BYTES_MAX } from '../base/limits.ts'
import { tryLock, unlock } from '../base/lock.ts'
import { Queue } from '../base/queue.ts'
import type { ManyRing } from '../base/ring.ts'
import type { AnyAddress, Os } from '../os/os.ts'
import { COMMAND, SEND } from './commands.ts'
import { SLOT, type Slots } from './slots.ts'
import { STATE } from './state.ts'
import { Writer } from './writer.ts'

interface WaitingCommand {
  readonly type: number
  readonly id: number
  readonly b: number
  readonly session: number
  readonly payload: Uint8Array
}

export interface ClientOptions {
  readonly os: Os
  readonly slots: Slots
  readonly commands: ManyRing
  readonly bells: Doorbells
  /** This thread's number, and the socket thread's, among the doorbells. */
  readonly self: number
  readonly socketThread: number
}

export class SocketClient {
  readonly slots: Slots
  readonly os: Os
  readonly #options: ClientOptions
  /** Orders that found the command ring full, in order. */
  readonly #waiting = new Queue<WaitingCommand>()
  readonly #scratch = new Int32Array(RING_PAYLOAD_BYTES_MAX / 4)
  readonly #scratchBytes = Buffer.from(this.#scratch.buffer)
  #dirty: Writer[] = []
  #spare: Writer[] = []
  #flushScheduled = false
  /** Writers of sockets of others, kept for one turn. */
  readonly #foreign = new Map<number, Writer>()

  constructor(options: ClientOptions) {
    this.#options = options
    this.slots = options.slots
    this.os = options.os
  }

  /** True while orders wait for room: call `retry` when the socket thread announces some. */
  get isBlocked(): boolean {
    return this.#waiting.length > 0
  }

  order(type: keyof typeof COMMAND, id: number, b = 0, session = 0, payload?: Uint8Array): void {
    const bytes = payload ?? this.#scratchBytes
    const length = payload?.length ?? 0
    this.#push(COMMAND[type], id, b, session, bytes, length)
  }

  connect(id: number, owner: number, addresses: readonly AnyAddress[]): void {
    this.order('connect', id, owner, 0, Buffer.from(JSON.stringify(addresses)))
  }

  /** Give back what an owner had not read, to the socket thread and so to the next owner. */
  handover(id: number, unread: Uint8Array): void {
    this.#give(COMMAND.handover, id, 0, unread)
  }

  get thread(): number {
    return this.#options.self
  }

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

  /** A writer has something to flush at the end of this turn. */
  markDirty(writer: Writer): void {
    this.#dirty.push(writer)
    if (this.#flushScheduled) return
    this.#flushScheduled = true
    // A tick runs when the microtasks of this turn are done: after the services, before sleeping.
    process.nextTick(this.flush)
  }

  /** Write out everything that this turn gathered. */
  readonly flush = (): void => {
    this.#flushScheduled = false
    const dirty = this.#dirty
    this.#dirty = this.#spare
    for (const writer of dirty) writer.flush()
    dirty.length = 0
    this.#spare = dirty
    if (this.#foreign.size > 0) this.#foreign.clear()
  }

  /**
   * Write now if nobody else does and nothing waits; else hand the bytes to the socket thread.
   * The bytes are the caller's again on return. False: the socket is gone or closing.
   */
  send(id: number, bytes: Uint8Array, length: number): boolean {
    const { cells } = this.slots
    const at = this.slots.at(id)
    const state = this.slots.stateOf(id)
    if (state === STATE.INVALID || state === STATE.PLISTEN || state === STATE.LISTEN) return false
    const written = this.#writeNow(id, at, bytes, length)
    if (written === length) return true
    if (written < 0) {
      Atomics.add(cells, at + SLOT.pending, 1)
      Atomics.add(cells, at + SLOT.queued, length)
      this.#give(COMMAND.send, id, 0, bytes.subarray(0, length))
    } else this.#give(COMMAND.send, id, SEND.remainder, bytes.subarray(written, length))
    return true
  }

  /** Write directly, if the rules of slots.ts let us. Returns how much, or -1: not now. */
  #writeNow(id: number, at: number, bytes: Uint8Array, length: number): number {
    const { cells, floats } = this.slots
    if (!this.#isFree(id, at)) return -1
    if (!tryLock(cells, at + SLOT.token, this.#options.self + 1)) return -1
    try {
      // Looked at again under the token: rule 3.
      if (!this.#isFree(id, at)) return -1
      const written = Math.max(0, this.os.write(cells[at + SLOT.fd]!, bytes, 0, length))
      floats[(at + SLOT.bytesOut) >> 1]! += written
      if (written < length) {
        Atomics.add(cells, at + SLOT.pending, 1)
        Atomics.add(cells, at + SLOT.queued, length - written)
        Atomics.store(cells, at + SLOT.remainder, 1)
      }
      return written
    } finally {
      unlock(cells, at + SLOT.token)
    }
  }

  #isFree(id: number, at: number): boolean {
    if (this.slots.stateOf(id) !== STATE.CONNECTED) return false
    return Atomics.load(this.slots.cells, at + SLOT.pending) === 0
  }

  /** Orders that waited: try again. */
  retry(): void {
    const { commands, bells, self, socketThread } = this.#options
    if (this.#waiting.length === 0) return
    bells.wantRoom(socketThread, self)
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      const words = this.#wordsOf(next.payload, next.payload.length)
      if (
        !commands.write(
          next.type,
          next.id,
          next.b,
          next.session,
          next.payload,
          words,
          next.payload.length,
        )
      )
        return
      this.#waiting.shift()
      bells.ring(socketThread)
    }
  }

  /** Bytes go in the ring when they are few, beside it in a block when they are many. */
  #give(type: number, id: number, flags: number, bytes: Uint8Array): void {
    if (bytes.length <= RING_PAYLOAD_BYTES_MAX) {
      this.#push(type, id, flags, 0, bytes, bytes.length)
      return
    }
    const address = this.os.blocks.put(bytes)
    const size = Buffer.alloc(8)
    size.writeDoubleLE(bytes.length)
    this.#push(type, id, flags | SEND.block, address, size, 8)
  }

  #push(
    type: number,
    id: number,
    b: number,
    session: number,
    bytes: Uint8Array,
    length: number,
  ): void {
    const { commands, bells, self, socketThread } = this.#options
    if (this.#waiting.length === 0) {
      const words = this.#wordsOf(bytes, length)
      if (commands.write(type, id, b, session, bytes, words, length)) {
        bells.ring(socketThread)
        return
      }
    }
    this.#waiting.push({ type, id, b, session, payload: bytes.slice(0, length) })
    if (this.#waiting.length === 1) {
      bells.wantRoom(socketThread, self)
      this.retry()
    }
  }

  /** The ring copies small payloads word by word: give it words that begin where the bytes do. */
  #wordsOf(bytes: Uint8Array, length: number): Int32Array {
    if (length > 0 && length <= 128 && bytes !== this.#scratchBytes) {
      this.#scratchBytes.set(length === bytes.length ? bytes : bytes.subarray(0, length))
    }
    return this.#scratch
  }
}
