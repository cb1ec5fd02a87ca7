/**
 * Which worker a service lives on: one table for all threads, indexed by the 24-bit id of a handle.
 *
 *   handle (u32)   harbor (8) │ id (24)
 *   entry (u16)    named (1) │ system (1) │ endless (1) │ remote (1) │ unused (1) │ worker + 1 (11)
 *                0: free
 *
 * Ids count up and are used again only after a full wrap, so a stale handle stays dead for long.
 * The table has a place for every id: 2^24 × 2 bytes of address space, of which the operating
 * system commits only the pages that are touched (2,048 services each). Routing is one load.
 *
 * A remote one stands for a service of another node: which one, remotes.ts knows.
 *
 * Behind the last id is one place for the handles of all other harbors: the worker that takes what
 * is sent to those. Whether one of them is of a service nobody here can know.
 *
 * The end of a service, in this order: `retire(handle)`, then `if (isNamed(handle))
 * names.release(handle)`. The named bit outlives the service until its names are gone, and the id
 * is not free before that: no name is left behind, and none can come to mean another service.
 */
import assert from 'node:assert/strict'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { HANDLE_ID_MAX, HARBOR_MAX, WORKERS_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { createRemoteMemory, type RemoteMemory, Remotes } from './remotes.ts'

const COUNTERS = layout({
  lastId: 1, // any registering thread, by compare-and-swap; 0: none was given out yet
  hasWrapped: 1, // that thread, when it begins anew at 1
  unused: 14,
  // Then two cells for each worker, by any thread: how many are alive there, and how many of those
  // are no system services. Raised before an entry is filled, lowered after it is emptied; set to 0
  // when the worker died in between.
})
/** The two cells of a worker. */
const countsOf = (worker: number): number => COUNTERS.CELLS + worker * 2
const NAMED = 1 << 15
const SYSTEM = 1 << 14
const ENDLESS = 1 << 13
const REMOTE = 1 << 12
const WORKER_MASK = (1 << 11) - 1
assert.ok(WORKERS_MAX <= WORKER_MASK)

export interface HandleMemory {
  readonly table: SharedArrayBuffer
  readonly counters: SharedArrayBuffer
  /** Undefined: the node is in no cluster. */
  readonly remotes: RemoteMemory | undefined
}

/** @param idMax Fewer ids than the real `HANDLE_ID_MAX` are for tests of the wrap. */
export function createHandleMemory(
  idMax = HANDLE_ID_MAX,
  workers = WORKERS_MAX,
  isInCluster = false,
): HandleMemory {
  assert.ok(idMax > 0 && idMax <= HANDLE_ID_MAX)
  return {
    table: new SharedArrayBuffer((idMax + 2) * 2),
    counters: new SharedArrayBuffer(countsOf(workers) * 4),
    remotes: isInCluster ? createRemoteMemory(idMax) : undefined,
  }
}

/** Every thread makes its own object over the same memory; every method is for any thread. */
export class Handles {
  readonly #table: Uint16Array
  readonly #counters: Int32Array
  readonly #harbor: number
  readonly #idMax: number
  /** Undefined: the node is in no cluster. */
  readonly remotes: Remotes | undefined

  constructor(memory: HandleMemory, harbor: number) {
    assert.ok(harbor >= 0 && harbor <= HARBOR_MAX)
    this.#table = new Uint16Array(memory.table)
    this.#counters = new Int32Array(memory.counters)
    this.#harbor = harbor
    this.#idMax = this.#table.length - 2
    this.remotes = memory.remotes === undefined ? undefined : new Remotes(memory.remotes)
  }

  /**
   * A new handle (u32) for a service on `worker`.
   *
   * @param isSystem One of the node's own: it does not keep the node running.
   * @throws {SkynetError} `ERR_SERVICE_LIMIT` when all ids are in use.
   */
  register(worker: number, isSystem = false): number {
    assert.ok(worker >= 0 && worker < WORKERS_MAX, 'a worker number is below WORKERS_MAX')
    // Counted first, so that a full table is known without walking 2^24 entries.
    Atomics.add(this.#counters, countsOf(worker), 1)
    if (!isSystem) Atomics.add(this.#counters, countsOf(worker) + 1, 1)
    if (this.count <= this.#idMax) {
      // Other threads take ids from the same counter, hence two rounds before giving up.
      const entry = (worker + 1) | (isSystem ? SYSTEM : 0)
      for (let tries = 2 * this.#idMax; tries > 0; tries--) {
        const id = this.#nextId()
        if (Atomics.compareExchange(this.#table, id, 0, entry) !== 0) continue
        this.remotes?.forget(id)
        return ((this.#harbor << 24) | id) >>> 0
      }
    }
    Atomics.sub(this.#counters, countsOf(worker), 1)
    if (!isSystem) Atomics.sub(this.#counters, countsOf(worker) + 1, 1)
    throw new SkynetError('ERR_SERVICE_LIMIT', { limit: this.#idMax })
  }

  #nextId(): number {
    for (;;) {
      const last = Atomics.load(this.#counters, COUNTERS.lastId)
      const next = last === this.#idMax ? 1 : last + 1
      if (next === 1 && last !== 0) Atomics.store(this.#counters, COUNTERS.hasWrapped, 1)
      if (Atomics.compareExchange(this.#counters, COUNTERS.lastId, last, next) === last) return next
    }
  }

  /** End a handle. False: it was not alive. The named bit stays, see above. */
  retire(handle: number): boolean {
    const id = this.#idOf(handle)
    for (;;) {
      const entry = Atomics.load(this.#table, id)
      const worker = (entry & WORKER_MASK) - 1
      if (worker < 0) return false
      if (Atomics.compareExchange(this.#table, id, entry, entry & NAMED) !== entry) continue
      Atomics.sub(this.#counters, countsOf(worker), 1)
      if ((entry & SYSTEM) === 0) Atomics.sub(this.#counters, countsOf(worker) + 1, 1)
      return true
    }
  }

  /**
   * End all handles of a worker that has died. It walks the table.
   *
   * @returns Those that were alive, and those whose names were not released yet: `Names` owes it.
   */
  retireAll(worker: number): { readonly dead: number[]; readonly named: number[] } {
    const hasWrapped = Atomics.load(this.#counters, COUNTERS.hasWrapped) === 1
    const last = hasWrapped ? this.#idMax : Atomics.load(this.#counters, COUNTERS.lastId)
    const dead: number[] = []
    const named: number[] = []
    for (let id = 1; id <= last; id++) {
      const entry = Atomics.load(this.#table, id)
      if (entry === 0) continue
      const handle = ((this.#harbor << 24) | id) >>> 0
      const isHere = (entry & WORKER_MASK) === worker + 1
      if (isHere && this.retire(handle)) dead.push(handle)
      // Also one that the worker had retired itself, and then got no further.
      if (this.isNamed(handle) && this.workerOf(handle) < 0) named.push(handle)
    }
    this.closeAbroad(worker)
    // It may have died between an entry and its count.
    Atomics.store(this.#counters, countsOf(worker), 0)
    Atomics.store(this.#counters, countsOf(worker) + 1, 0)
    return { dead, named }
  }

  /**
   * The worker number, or -1: no such service, or one of another harbor while nobody takes what is
   * for those. A plain load takes a tenth of an atomic one: who was told of a service, or of its
   * end, by a message or a lock, sees that.
   */
  workerOf(handle: number): number {
    const worker = (this.#table[this.#idOf(handle)]! & WORKER_MASK) - 1
    return worker >= 0 ? worker : this.#workerAbroad(handle)
  }

  /** Apart from it: handles of this node, which are nearly all, do not come here. */
  #workerAbroad(handle: number): number {
    return this.isAbroad(handle) ? (this.#table[this.#idMax + 1]! & WORKER_MASK) - 1 : -1
  }

  /** Is it of a service of another harbor? */
  isAbroad(handle: number): boolean {
    const harbor = handle >>> 24
    return harbor !== this.#harbor && harbor !== 0
  }

  /** From now on what is for other harbors goes to that worker. False: it goes to one already. */
  openAbroad(worker: number): boolean {
    return Atomics.compareExchange(this.#table, this.#idMax + 1, 0, worker + 1) === 0
  }

  /** Not any more. It is nothing when it went to another one. */
  closeAbroad(worker: number): void {
    Atomics.compareExchange(this.#table, this.#idMax + 1, worker + 1, 0)
  }

  /** Note that the service has names. False: it is dead. `Names` calls it, under its lock. */
  markNamed(handle: number): boolean {
    return this.#mark(handle, NAMED)
  }

  /** That handle stands for a service of another node; `id` as `Remotes.note`. */
  markRemote(handle: number, node: string, id: number): void {
    if (this.remotes === undefined) return
    this.remotes.note(handle, node, id)
    this.#mark(handle, REMOTE)
  }

  /** Does it stand for a service of another node? A plain load, as `workerOf`. */
  isRemote(handle: number): boolean {
    return (this.#table[this.#idOf(handle)]! & REMOTE) !== 0
  }

  /** For errors and logs: `:0000000a`; of another node `b:0000000a`, as that calls it. */
  textOf(handle: number): string {
    const isOurs = this.remotes !== undefined && this.#idOf(handle) !== 0
    return (isOurs ? this.remotes.addressOf(handle) : undefined) ?? formatHandle(handle)
  }

  /** Note that the service was found in what may be an endless loop. */
  markEndless(handle: number): void {
    this.#mark(handle, ENDLESS)
  }

  /** Was it, since this was asked last? */
  takeEndless(handle: number): boolean {
    return (Atomics.and(this.#table, this.#idOf(handle), ~ENDLESS) & ENDLESS) !== 0
  }

  #mark(handle: number, bit: number): boolean {
    const id = this.#idOf(handle)
    for (;;) {
      const entry = Atomics.load(this.#table, id)
      if ((entry & WORKER_MASK) === 0) return false
      if (Atomics.compareExchange(this.#table, id, entry, entry | bit) === entry) return true
    }
  }

  /** Note that the service has no names any more. `Names` calls it, under its lock. */
  clearNamed(handle: number): void {
    Atomics.and(this.#table, this.#idOf(handle), ~NAMED)
  }

  /** True from the first name of a service until its names are released, also after its end. */
  isNamed(handle: number): boolean {
    return (Atomics.load(this.#table, this.#idOf(handle)) & NAMED) !== 0
  }

  /** Services alive now: a snapshot. */
  get count(): number {
    return this.#sum(0)
  }

  /** Those of them that keep the node running: none of its own. */
  get users(): number {
    return this.#sum(1)
  }

  #sum(field: 0 | 1): number {
    let sum = 0
    for (let at = COUNTERS.CELLS + field; at < this.#counters.length; at += 2) {
      sum += Atomics.load(this.#counters, at)
    }
    return sum
  }

  /** 0, whose entry is always free, for a handle that cannot be of this node. */
  #idOf(handle: number): number {
    const id = handle & HANDLE_ID_MAX
    return handle >>> 24 === this.#harbor && id <= this.#idMax ? id : 0
  }
}
