/**
 * Shared data: names, and the bytes of the newest version of each. One table for all threads.
 *
 *   header │ slot │ slot │ …       a slot is free when its channel is 0
 *
 * A version is a block that never changes. An update fills a new block, then swaps the address
 * under the lock of the slot; a reader copies the block under that lock. So no reader sees half a
 * version, and no block is freed while it is read. Who wants to know only whether there is a newer
 * version compares the stamp, without a lock.
 *
 * `channel` is the multicast channel that is told of each update. It is never used again, so it
 * tells one life of a name from the next. The lock of the table is taken to look a name up and to
 * add or remove one, the lock of the slot for the rest; whoever needs both takes the table first.
 */
import assert from 'node:assert/strict'
import { SHARED_DATA_MAX, SHARED_NAME_BYTES_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { inherit, lock, unlock } from '../shm/lock.ts'
import type { Blocks } from '../shm/memory.ts'

const HEADER = layout({
  lock: 1, // lock.ts
  used: 1, // the holder of the lock; slots that were ever taken are the first ones
  unused: 14,
})
const SLOT = layout({
  stamp: 1, // the holder of the slot's lock, with each change of it; read by any thread
  lock: 1, // lock.ts
  channel: 2, // float64, the holder of both locks; 0: the slot is free
  version: 2, // float64, counts from 1; this and below: the holder of the slot's lock
  address: 2, // float64
  length: 2, // float64, bytes
  nameBytes: 1, // with `name`: the holder of both locks
  unused: 1,
  name: SHARED_NAME_BYTES_MAX / 4, // UTF-8
})
assert.ok(HEADER.CELLS * 4 === 64 && SLOT.CELLS * 4 === 128)

/** A name that is there: where, and in which of its lives. */
export interface SharedPlace {
  readonly slot: number
  readonly channel: number
}
export interface Snapshot {
  /** What `stampOf` says as long as there is no newer version. */
  readonly stamp: number
  readonly version: number
}

export class Snapshots {
  readonly #cells: Int32Array
  readonly #doubles: Float64Array
  readonly #bytes: Buffer
  readonly #slots: number
  readonly #blocks: Blocks
  readonly #holder: number

  /**
   * Every thread makes its own object over the same memory; every method is for any thread.
   *
   * @param holder Thread number + 1, for the locks.
   */
  constructor(memory: SharedArrayBuffer, blocks: Blocks, holder: number) {
    this.#cells = new Int32Array(memory)
    this.#doubles = new Float64Array(memory)
    this.#bytes = Buffer.from(memory)
    this.#slots = (this.#cells.length - HEADER.CELLS) / SLOT.CELLS
    this.#blocks = blocks
    this.#holder = holder
  }

  /** @param slots Fewer than the real `SHARED_DATA_MAX` are for tests. */
  static memory(slots = SHARED_DATA_MAX): SharedArrayBuffer {
    return new SharedArrayBuffer((HEADER.CELLS + slots * SLOT.CELLS) * 4)
  }

  /** How many names there is room for. */
  get slots(): number {
    return this.#slots
  }

  get cells(): Int32Array {
    return this.#cells
  }

  /** The cell of the stamp of a slot. It may be read as it is: see share-data.ts. */
  stampCell(slot: number): number {
    return cellOf(slot) + SLOT.stamp
  }

  find(name: string): SharedPlace | undefined {
    return this.#lockTable(() => {
      const slot = this.#find(Buffer.from(name))
      return slot < 0 ? undefined : { slot, channel: this.#channelOf(slot) }
    })
  }

  /** Version 1 of a new name. `taken` and `full`: nothing was done. */
  create(
    name: string,
    channel: number,
    bytes: Uint8Array,
  ): (SharedPlace & Snapshot) | 'taken' | 'full' {
    const text = Buffer.from(name)
    assert.ok(text.length > 0 && text.length <= SHARED_NAME_BYTES_MAX && channel > 0)
    return this.#lockTable(() => {
      if (this.#find(text) >= 0) return 'taken'
      const slot = this.#free()
      if (slot < 0) return 'full'
      const address = this.#blocks.put(bytes)
      return this.#lockSlot(slot, (at) => {
        this.#cells[at + SLOT.nameBytes] = text.length
        this.#bytes.set(text, (at + SLOT.name) * 4)
        this.#doubles[(at + SLOT.channel) / 2] = channel
        return { slot, channel, ...this.#set(at, address, bytes.length, 1) }
      })
    })
  }

  /** The next version of a name. Undefined: it is there no more. */
  update({ slot, channel }: SharedPlace, bytes: Uint8Array): Snapshot | undefined {
    const address = this.#blocks.put(bytes)
    // Whichever block is not wanted any more is freed outside of the lock.
    let unwanted = address
    const snapshot = this.#lockSlot(slot, (at) => {
      if (this.#channelOf(slot) !== channel) return undefined
      unwanted = this.#doubles[(at + SLOT.address) / 2]!
      const version = this.#doubles[(at + SLOT.version) / 2]! + 1
      return this.#set(at, address, bytes.length, version)
    })
    this.#blocks.drop(unwanted)
    return snapshot
  }

  /** False: it was there no more. */
  remove({ slot, channel }: SharedPlace): boolean {
    let unwanted = 0
    const isGone = this.#lockTable(() =>
      this.#lockSlot(slot, (at) => {
        if (this.#channelOf(slot) !== channel) return false
        unwanted = this.#doubles[(at + SLOT.address) / 2]!
        this.#doubles[(at + SLOT.channel) / 2] = 0
        this.#set(at, 0, 0, 0)
        return true
      }),
    )
    if (isGone) this.#blocks.drop(unwanted)
    return isGone
  }

  /** That name, in that life, is there still. */
  has({ slot, channel }: SharedPlace): boolean {
    return this.#lockSlot(slot, () => this.#channelOf(slot) === channel)
  }

  /** The newest version, its bytes copied. Undefined: the name is there no more. */
  read({ slot, channel }: SharedPlace): (Snapshot & { readonly bytes: Buffer }) | undefined {
    return this.#lockSlot(slot, (at) => {
      if (this.#channelOf(slot) !== channel) return undefined
      const address = this.#doubles[(at + SLOT.address) / 2]!
      return {
        stamp: this.#cells[at + SLOT.stamp]!,
        version: this.#doubles[(at + SLOT.version) / 2]!,
        bytes: this.#blocks.copy(address, this.#doubles[(at + SLOT.length) / 2]!),
      }
    })
  }

  /** Free all blocks, when no other thread is left. */
  clear(): void {
    for (let slot = 0; slot < this.#cells[HEADER.used]!; slot++) {
      const channel = this.#channelOf(slot)
      if (channel !== 0) this.remove({ slot, channel })
    }
  }

  /**
   * Give back the locks of a thread that died. A version is changed as a whole; a name of which no
   * version was there yet is taken back.
   */
  repair(dead: number): void {
    for (let slot = 0; slot < this.#cells[HEADER.used]!; slot++) {
      const at = cellOf(slot)
      if (!inherit(this.#cells, at + SLOT.lock, dead, this.#holder)) continue
      const hasVersion = this.#doubles[(at + SLOT.version) / 2] !== 0
      if (!hasVersion) this.#doubles[(at + SLOT.channel) / 2] = 0
      unlock(this.#cells, at + SLOT.lock)
    }
    if (inherit(this.#cells, HEADER.lock, dead, this.#holder)) unlock(this.#cells, HEADER.lock)
  }

  #set(at: number, address: number, length: number, version: number): Snapshot {
    this.#doubles[(at + SLOT.address) / 2] = address
    this.#doubles[(at + SLOT.length) / 2] = length
    this.#doubles[(at + SLOT.version) / 2] = version
    const stamp = (Atomics.add(this.#cells, at + SLOT.stamp, 1) + 1) | 0
    return { stamp, version }
  }

  #find(name: Buffer): number {
    for (let slot = 0; slot < this.#cells[HEADER.used]!; slot++) {
      const at = cellOf(slot)
      if (this.#cells[at + SLOT.nameBytes] !== name.length || this.#channelOf(slot) === 0) continue
      const from = (at + SLOT.name) * 4
      if (name.compare(this.#bytes, from, from + name.length) === 0) return slot
    }
    return -1
  }

  #free(): number {
    const used = this.#cells[HEADER.used]!
    for (let slot = 0; slot < used; slot++) if (this.#channelOf(slot) === 0) return slot
    if (used === this.#slots) return -1
    this.#cells[HEADER.used] = used + 1
    return used
  }

  #channelOf(slot: number): number {
    return this.#doubles[(cellOf(slot) + SLOT.channel) / 2]!
  }

  #lockTable<R>(work: () => R): R {
    return this.#locked(HEADER.lock, work)
  }

  #lockSlot<R>(slot: number, work: (at: number) => R): R {
    const at = cellOf(slot)
    return this.#locked(at + SLOT.lock, () => work(at))
  }

  #locked<R>(cell: number, work: () => R): R {
    lock(this.#cells, cell, this.#holder)
    try {
      return work()
    } finally {
      unlock(this.#cells, cell)
    }
  }
}

const cellOf = (slot: number): number => HEADER.CELLS + slot * SLOT.CELLS
