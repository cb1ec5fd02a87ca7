/**
 * Local names (`.launcher` → handle), for all threads: a hash table in shared memory behind a lock.
 *
 *   header │ slot │ slot │ …      twice as many slots as names, linear probing, no tombstones:
 *                                 a removal closes the gap, so a miss always ends soon
 *
 * Changes are rare and queries are not: each thread keeps the answers it got until the shared
 * version moves, and a query of a known name is two atomic loads and takes no lock.
 */
import assert from 'node:assert/strict'
import { formatHandle, SkynetError } from '../base/errors.ts'
import { NAME_BYTES_MAX, NAMES_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { inherit, lock, tryLock, unlock } from '../shm/lock.ts'
import type { Handles } from './handles.ts'

const HEADER = layout({
  lock: 1, // lock.ts
  version: 1, // the holder of the lock, after a change and before it lets go
  count: 1, // the holder of the lock; names in use
  unused: 13,
})
/** One name. Read and written by the holder of the lock. */
const SLOT = layout({
  handle: 1, // u32; 0: the slot is free
  length: 1, // bytes of the name, without the dot
  hash: 1,
  words: NAME_BYTES_MAX / 4, // UTF-8, zero behind its end
})
assert.ok(HEADER.CELLS * 4 === 64 && SLOT.CELLS * 4 === 64, 'a cache line each')

/** What the node itself needs: no other service has these names, and there is room for them. */
export const NODE_NAMES: readonly string[] = ['.logger', '.service', '.cluster']

const SLOTS = NAMES_MAX * 2
const SLOT_MASK = SLOTS - 1
assert.equal(SLOTS & SLOT_MASK, 0, 'the number of slots is a power of two')

const encoder = new TextEncoder()

export function createNameMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer((HEADER.CELLS + SLOTS * SLOT.CELLS) * 4)
}

/** Every thread makes its own object over the same memory; every method is for any thread. */
export class Names {
  readonly #cells: Int32Array
  readonly #bytes: Buffer
  readonly #handles: Handles
  readonly #holder: number
  /** Answers of this thread, unknown names (0) included, as of `#version`. */
  readonly #cache = new Map<string, number>()
  #version = 0
  /** The name at hand: encoded, zero behind its end. */
  readonly #words = new Int32Array(SLOT.CELLS - SLOT.words)
  readonly #text = new Uint8Array(this.#words.buffer)
  #length = 0
  #hash = 0

  /** @param holder Thread number + 1, for the lock. */
  constructor(memory: SharedArrayBuffer, handles: Handles, holder: number) {
    this.#cells = new Int32Array(memory)
    this.#bytes = Buffer.from(memory)
    this.#handles = handles
    this.#holder = holder
  }

  /**
   * Give a service of this node a name, one more if it has some. Its end frees them.
   *
   * @throws {SkynetError} `ERR_NAME_INVALID`, `ERR_NAME_TAKEN`, `ERR_NAME_LIMIT`;
   * `ERR_NAME_UNKNOWN` when the service of `handle` has ended.
   */
  register(name: string, handle: number): void {
    const reason = this.#encode(name)
    if (reason !== undefined) throw new SkynetError('ERR_NAME_INVALID', { name, reason })
    const cells = this.#cells
    lock(cells, HEADER.lock, this.#holder)
    try {
      const at = this.#find()
      const owner = cells[at + SLOT.handle] >>> 0
      const isNew = owner === 0
      // A name whose service is gone may be taken before it is released.
      if (!isNew && this.#handles.workerOf(owner) >= 0) {
        throw new SkynetError('ERR_NAME_TAKEN', { name })
      }
      if (isNew && cells[HEADER.count] >= NAMES_MAX && !NODE_NAMES.includes(name)) {
        throw new SkynetError('ERR_NAME_LIMIT', { limit: NAMES_MAX })
      }
      // From here on the end of the service leads to release(), which waits for this lock.
      if (!this.#handles.markNamed(handle)) {
        throw new SkynetError('ERR_NAME_UNKNOWN', { name: formatHandle(handle) })
      }
      cells[at + SLOT.handle] = handle
      cells[at + SLOT.length] = this.#length
      cells[at + SLOT.hash] = this.#hash
      cells.set(this.#words, at + SLOT.words)
      if (isNew) cells[HEADER.count]++
      Atomics.add(cells, HEADER.version, 1)
    } finally {
      unlock(cells, HEADER.lock)
    }
  }

  /** The handle (u32) of a name, or 0: unknown, or its service is gone. */
  query(name: string): number {
    // The version before the answer: an answer may be newer than it claims, never older.
    const version = Atomics.load(this.#cells, HEADER.version)
    if (version !== this.#version) {
      this.#cache.clear()
      this.#version = version
    }
    let handle = this.#cache.get(name)
    if (handle === undefined) {
      handle = this.#lookUp(name)
      if (this.#cache.size >= NAMES_MAX) this.#cache.clear()
      this.#cache.set(name, handle)
    }
    return handle !== 0 && this.#handles.workerOf(handle) >= 0 ? handle : 0
  }

  #lookUp(name: string): number {
    if (this.#encode(name) !== undefined) return 0
    lock(this.#cells, HEADER.lock, this.#holder)
    try {
      return this.#cells[this.#find() + SLOT.handle] >>> 0
    } finally {
      unlock(this.#cells, HEADER.lock)
    }
  }

  /** All names of a service, sorted. It walks the table: for consoles, not for hot paths. */
  of(handle: number): string[] {
    const cells = this.#cells
    const names: string[] = []
    lock(cells, HEADER.lock, this.#holder)
    try {
      for (let slot = 0; slot < SLOTS; slot++) {
        const at = cellOf(slot)
        if (cells[at + SLOT.handle] >>> 0 !== handle || handle === 0) continue
        const from = (at + SLOT.words) * 4
        names.push(`.${this.#bytes.toString('utf8', from, from + cells[at + SLOT.length])}`)
      }
    } finally {
      unlock(cells, HEADER.lock)
    }
    return names.sort()
  }

  /** Free all names of a service that was retired and `isNamed`. It walks the table. */
  release(handle: number): void {
    if (handle === 0) return
    const cells = this.#cells
    lock(cells, HEADER.lock, this.#holder)
    try {
      for (let slot = 0; slot < SLOTS; ) {
        // A removal may pull another name into this slot: look at it again.
        if (cells[cellOf(slot) + SLOT.handle] >>> 0 === handle) this.#remove(slot)
        else slot++
      }
      // Version, then id: nobody can get this handle anew while a thread still trusts its cache.
      Atomics.add(cells, HEADER.version, 1)
      this.#handles.clearNamed(handle)
    } finally {
      unlock(cells, HEADER.lock)
    }
  }

  /**
   * After the death of a thread: free all names of services that have ended, and mend what it left
   * half done when it held the lock. It never sleeps.
   *
   * @param dead Handles that were retired and are named.
   * @param holder What the thread that died locked with.
   * @returns False when a living thread has the lock: try again.
   */
  repair(dead: readonly number[], holder: number): boolean {
    const cells = this.#cells
    const isMine =
      inherit(cells, HEADER.lock, holder, this.#holder) || tryLock(cells, HEADER.lock, this.#holder)
    if (!isMine) return false
    try {
      this.#rebuild()
      Atomics.add(cells, HEADER.version, 1)
      for (const handle of dead) this.#handles.clearNamed(handle)
    } finally {
      unlock(cells, HEADER.lock)
    }
    return true
  }

  /** Under the lock: fill the table anew with the whole names of services that are alive. */
  #rebuild(): void {
    const cells = this.#cells
    const old = cells.slice(HEADER.CELLS)
    cells.fill(0, HEADER.CELLS)
    cells[HEADER.count] = 0
    for (let at = 0; at < old.length; at += SLOT.CELLS) {
      const slot = old.subarray(at, at + SLOT.CELLS)
      if (this.#handles.workerOf(slot[SLOT.handle]! >>> 0) < 0) continue
      this.#words.set(slot.subarray(SLOT.words))
      this.#length = slot[SLOT.length]!
      this.#hash = hashOf(this.#text, this.#length)
      const to = this.#find()
      // One that was not written to its end, or that a removal had moved but not yet left.
      if (this.#hash !== slot[SLOT.hash] || cells[to + SLOT.handle] !== 0) continue
      cells.set(slot, to)
      cells[HEADER.count]!++
    }
  }

  /** Put `name` into the scratch fields. Returns what is wrong with it. */
  #encode(name: string): string | undefined {
    // First: to look into a long text takes its length in memory.
    if (name.length - 1 > NAME_BYTES_MAX) return `it is longer than ${NAME_BYTES_MAX} bytes`
    if (!name.startsWith('.')) return 'it must start with a dot'
    if (name.length === 1) return 'it is empty'
    if (/\s/u.test(name)) return 'it contains white space'
    if (/\p{Cc}/u.test(name)) return 'it contains a control character'
    if (!name.isWellFormed()) return 'it contains half a surrogate pair'
    const text = this.#text.fill(0)
    const { read, written } = encoder.encodeInto(name.slice(1), text)
    if (read < name.length - 1) return `it is longer than ${NAME_BYTES_MAX} bytes`
    this.#length = written
    this.#hash = hashOf(text, written)
    return undefined
  }

  /** Under the lock: the cell of the slot that has the encoded name, or of the free one for it. */
  #find(): number {
    const cells = this.#cells
    for (let slot = this.#hash & SLOT_MASK; ; slot = (slot + 1) & SLOT_MASK) {
      const at = cellOf(slot)
      if (cells[at + SLOT.handle] === 0) return at
      if (cells[at + SLOT.hash] === this.#hash && this.#equals(at)) return at
    }
  }

  #equals(at: number): boolean {
    if (this.#cells[at + SLOT.length] !== this.#length) return false
    for (let i = 0; i < this.#words.length; i++) {
      if (this.#cells[at + SLOT.words + i] !== this.#words[i]) return false
    }
    return true
  }

  /** Under the lock: free a slot, and move up what probing could no longer reach behind it. */
  #remove(slot: number): void {
    const cells = this.#cells
    let gap = slot
    for (let next = (slot + 1) & SLOT_MASK; ; next = (next + 1) & SLOT_MASK) {
      const at = cellOf(next)
      if (cells[at + SLOT.handle] === 0) break
      const home = cells[at + SLOT.hash] & SLOT_MASK
      // How far it sits from home, against how far the gap is behind it.
      if (((next - home) & SLOT_MASK) < ((next - gap) & SLOT_MASK)) continue
      cells.copyWithin(cellOf(gap), at, at + SLOT.CELLS)
      gap = next
    }
    cells.fill(0, cellOf(gap), cellOf(gap) + SLOT.CELLS)
    cells[HEADER.count]--
  }
}

const cellOf = (slot: number): number => HEADER.CELLS + slot * SLOT.CELLS

function hashOf(text: Uint8Array, length: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ text[i]!, 0x01000193)
  return hash | 0
}
