/**
 * The slot table: 65,536 sockets in shared memory, one cache line each.
 *
 * id = tag and slot: ids count up over 31 bits, slot = id % 65,536. So a lookup is one index, and
 * an id whose socket is gone is detected: the slot's id differs.
 *
 * The write token (`token`, a lock.ts cell) says who may write to the descriptor now: nobody, a
 * worker that writes directly, or the socket thread. Three rules keep the bytes in order:
 *   1. a worker writes directly only under the token, when `pending` is 0;
 *   2. a worker that could not write everything sets `remainder` before it gives the token back;
 *      the socket thread, which looks at it under the token, writes nothing until that rest has
 *      arrived, and puts it first;
 *   3. closing needs the token too, and so does FIN: nobody touches a descriptor that is closed and
 *      used again, and no write is cut in two.
 * A slot that is free has no id (0): a stale id never meets the state of the next socket.
 * `pending` and `queued` are never reset: whoever adds sends a command, and that command's end
 * subtracts, also when the id has gone stale in between. A worker that died in between leaves them
 * too high: such a slot is not given out again.
 */
import assert from 'node:assert/strict'
import { SEND_QUEUE_BYTES_MAX, SOCKET_ID_MAX, SOCKETS_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { inherit, unlock } from '../shm/lock.ts'
import { nextState, STATE, type StateName, stateName } from './state.ts'

/**
 * One socket. After each field: who may write it.
 *
 * All 16 cells are taken, and a slot stays one cache line: each write looks at several of them. A
 * further one that writes look at shares a cell, as policy and protocol share `traits`. What they
 * do not look at belongs into memory of its own, by the same index: a table beside this one when
 * other threads read it (src/threads/main/node-memory.ts), else the `Socket` of the socket thread
 * (src/net/server/socket.ts).
 */
export const SLOT = layout({
  state: 1, // any thread INVALID → RESERVE (compare-exchange), then the socket thread
  id: 1, // the thread that reserved the slot; the socket thread, to 0, when it frees it
  fd: 1, // the socket thread
  owner: 1, // the socket thread; the number that receives this socket's events
  token: 1, // lock.ts; who may write to fd now
  remainder: 1, // who owes the rest of a direct write, and why that failed: see `owe`; the token's
  // last holder, and the socket thread, which clears it
  pending: 1, // sends on their way or in the queue: senders add, the socket thread subtracts
  queued: 1, // their bytes, likewise
  bytesIn: 2, // the socket thread; float64
  bytesOut: 2, // whoever holds the token; float64
  traits: 1, // the socket thread; bits of TRAIT
  limit: 1, // the socket thread; unsent bytes beyond which the policy in `traits` decides
  readAt: 1, // the socket thread; ms since the node began, of the last bytes that came
  writeAt: 1, // whoever holds the token; the same of the last bytes that left
})
assert.equal(
  SLOT.CELLS * 4,
  64,
  'a slot is one cache line and full: what writes do not look at goes elsewhere',
)

/**
 * Bits of `traits`. Two bits of protocol, two of policy (SEND_POLICY), then what is watched.
 * `sealed`: whoever owns it is the only one who writes to it.
 */
export const TRAIT = {
  protocol: 0b11,
  policyShift: 2,
  reading: 1 << 4,
  writing: 1 << 5,
  sealed: 1 << 6,
} as const
/** What a descriptor is. `file`: one that was bound, a pipe or a terminal. */
export const PROTOCOL = { stream: 0, udp4: 1, udp6: 2, file: 3 } as const
const PROTOCOL_NAMES = ['TCP', 'UDP', 'UDP', 'FILE'] as const

/** One socket, as `netstat` shows it. */
export interface SocketInfo {
  readonly id: number
  /** `LISTEN`, `CONNECTED`, `HALFCLOSE_READ` … */
  readonly state: StateName
  /** `TCP` also for Unix domain sockets; `FILE` for a descriptor that was bound. */
  readonly protocol: (typeof PROTOCOL_NAMES)[number]
  /** Handle of the service that owns it. */
  readonly owner: number
  /** Bytes received; of a listener the connections it accepted. */
  readonly received: number
  /** Bytes that the kernel took. */
  readonly sent: number
  /** Bytes that wait to be sent. */
  readonly queued: number
  /** What the poller waits for: bytes to come, room to write. */
  readonly reading: boolean
  readonly writing: boolean
  /** When bytes last came and left, in ms since the node began; 0: never. */
  readonly readAt: number
  readonly wroteAt: number
}

/** `used`: whoever reserves adds, the socket thread subtracts when it frees. */
const HEADER = layout({ lastId: 1, used: 1, unused: 14 })

/** A remainder that says who and why: thread + 1, or below 0 that times 4,096 and the errno. */
const ERRNO_BASE = 4096

/** The value of `remainder` for a thread that owes the rest, its write failed when `errno` < 0. */
export const owe = (thread: number, errno: number): number =>
  errno < 0 ? errno - (thread + 1) * ERRNO_BASE : thread + 1

/** The thread that owes the rest; -1: nobody does. */
export const debtorOf = (remainder: number): number =>
  (remainder < 0 ? Math.floor(-remainder / ERRNO_BASE) : remainder) - 1

/** The errno of its write; 0: it did not fail. */
export const debtErrno = (remainder: number): number =>
  remainder < 0 ? -(-remainder % ERRNO_BASE) : 0

export const SLOTS_BYTES = (HEADER.CELLS + SOCKETS_MAX * SLOT.CELLS) * 4

export class Slots {
  readonly cells: Int32Array
  readonly floats: Float64Array

  constructor(memory: SharedArrayBuffer) {
    this.cells = new Int32Array(memory)
    this.floats = new Float64Array(memory)
  }

  /** First cell of the slot of `id`, whatever socket lives there now. */
  at(id: number): number {
    return HEADER.CELLS + (id & (SOCKETS_MAX - 1)) * SLOT.CELLS
  }

  /** Take a free slot, from any thread. Returns the new id (1 … 2^31-1), or -1: all are in use. */
  reserve(): number {
    // Without this look, each client that a full table refuses would cost a walk over all of it.
    if (Atomics.load(this.cells, HEADER.used) >= SOCKETS_MAX) return -1
    for (let probe = 0; probe < SOCKETS_MAX; probe++) {
      const id = (Atomics.add(this.cells, HEADER.lastId, 1) + 1) & SOCKET_ID_MAX
      const at = this.at(id)
      const to = nextState(STATE.INVALID, 'reserve')
      const isSettled = (this.cells[at + SLOT.pending]! | this.cells[at + SLOT.queued]!) === 0
      if (id === 0 || !isSettled) continue
      if (Atomics.compareExchange(this.cells, at + SLOT.state, STATE.INVALID, to) === 0) {
        Atomics.add(this.cells, HEADER.used, 1)
        Atomics.store(this.cells, at + SLOT.fd, -1)
        this.floats[(at + SLOT.bytesIn) >> 1] = 0
        this.floats[(at + SLOT.bytesOut) >> 1] = 0
        this.cells.fill(0, at + SLOT.traits, at + SLOT.CELLS)
        this.cells[at + SLOT.limit] = SEND_QUEUE_BYTES_MAX
        Atomics.store(this.cells, at + SLOT.id, id)
        return id
      }
    }
    return -1
  }

  /** The socket thread gives the slot at `at` back: from here on anybody may take it. */
  free(at: number): void {
    // No id before no state: whoever reserves the slot next has a moment without an id of its own.
    Atomics.store(this.cells, at + SLOT.id, 0)
    const state = Atomics.load(this.cells, at + SLOT.state)
    Atomics.store(this.cells, at + SLOT.state, nextState(state, 'free'))
    Atomics.sub(this.cells, HEADER.used, 1)
  }

  /** The state of `id`; INVALID when that socket is gone. */
  stateOf(id: number): number {
    const at = this.at(id)
    if (Atomics.load(this.cells, at + SLOT.id) !== id) return STATE.INVALID
    return Atomics.load(this.cells, at + SLOT.state)
  }

  /** Bytes given to the socket thread for `id` and not written yet. */
  queuedOf(id: number): number {
    const queued = Atomics.load(this.cells, this.at(id) + SLOT.queued)
    // Mostly nothing waits, and it is asked at each write: one look then.
    return queued === 0 || this.stateOf(id) === STATE.INVALID ? 0 : queued
  }

  /** Sends given to the socket thread for `id` that are not done. */
  pendingOf(id: number): number {
    return this.stateOf(id) === STATE.INVALID
      ? 0
      : Atomics.load(this.cells, this.at(id) + SLOT.pending)
  }

  /**
   * Does so much wait that the policy decides about another write?
   *
   * @param gathered Bytes that wait with the caller besides.
   */
  isFull(id: number, gathered = 0): boolean {
    const at = this.at(id)
    return Atomics.load(this.cells, at + SLOT.queued) + gathered >= this.cells[at + SLOT.limit]!
  }

  /** Unsent bytes of `id` that its policy allows. */
  limitOf(id: number): number {
    return this.cells[this.at(id) + SLOT.limit]!
  }

  /** A value of SEND_POLICY. */
  policyOf(id: number): number {
    return (Atomics.load(this.cells, this.at(id) + SLOT.traits) >> TRAIT.policyShift) & 0b11
  }

  /** A value of PROTOCOL. */
  protocolOf(id: number): number {
    return Atomics.load(this.cells, this.at(id) + SLOT.traits) & TRAIT.protocol
  }

  /** Does nobody write to it by its id? See `hold` of ByteStream. */
  isSealed(id: number): boolean {
    return (Atomics.load(this.cells, this.at(id) + SLOT.traits) & TRAIT.sealed) !== 0
  }

  /**
   * Give back the tokens of a thread that died. How much it wrote is not known: it owes a rest that
   * never comes, so the socket will fail. From any thread; it walks all slots.
   */
  inheritTokens(dead: number, heir: number): void {
    for (let slot = 0; slot < SOCKETS_MAX; slot++) {
      const at = HEADER.CELLS + slot * SLOT.CELLS
      if (!inherit(this.cells, at + SLOT.token, dead + 1, heir + 1)) continue
      Atomics.compareExchange(this.cells, at + SLOT.remainder, 0, owe(dead, 0))
      unlock(this.cells, at + SLOT.token)
    }
  }

  /** Every socket there is now. A scan, from any thread; a socket may be gone right after. */
  list(): SocketInfo[] {
    const infos: SocketInfo[] = []
    for (let slot = 0; slot < SOCKETS_MAX; slot++) {
      const at = HEADER.CELLS + slot * SLOT.CELLS
      const state = Atomics.load(this.cells, at + SLOT.state)
      const id = Atomics.load(this.cells, at + SLOT.id)
      if (state === STATE.INVALID || id === 0) continue
      const traits = Atomics.load(this.cells, at + SLOT.traits)
      infos.push({
        id,
        state: stateName(state),
        protocol: PROTOCOL_NAMES[traits & TRAIT.protocol]!,
        owner: Atomics.load(this.cells, at + SLOT.owner) >>> 0,
        received: this.floats[(at + SLOT.bytesIn) >> 1]!,
        sent: this.floats[(at + SLOT.bytesOut) >> 1]!,
        queued: Atomics.load(this.cells, at + SLOT.queued),
        reading: (traits & TRAIT.reading) !== 0,
        writing: (traits & TRAIT.writing) !== 0,
        readAt: Atomics.load(this.cells, at + SLOT.readAt) >>> 0,
        wroteAt: Atomics.load(this.cells, at + SLOT.writeAt) >>> 0,
      })
    }
    return infos
  }

  /** How many slots are in use: a scan, for tests and reports. */
  countUsed(): number {
    let used = 0
    for (let slot = 0; slot < SOCKETS_MAX; slot++) {
      if (Atomics.load(this.cells, HEADER.CELLS + slot * SLOT.CELLS + SLOT.state) !== 0) used++
    }
    return used
  }
}
