/**
 * Which service of which other node a handle stands for, and the nodes that take no more sends: one
 * table for all threads of a node that is in a cluster.
 *
 *   by the id of a handle   place of its node (u16), 0: none
 *                           held (1) │ unused (7) │ id there (24), 0: of some name
 *   by that place           full (1) │ bytes of the name (1) │ the name (16), in cells of 4 bytes
 *
 * One thread writes, that of the cluster, before it tells anybody of the handle; all threads read.
 * What is read is right as long as the handle is not given out again. As in the table of handles,
 * the system commits only the pages that are touched.
 */
import { formatHandle, SkynetError } from '../base/errors.ts'
import {
  CLUSTER_BURST_BYTES_MAX,
  CLUSTER_HOLD_BYTES,
  CLUSTER_NAME_BYTES_MAX,
  HANDLE_ID_MAX,
  LINK_QUEUE_BYTES_MAX,
} from '../base/limits.ts'
import { layout } from '../shm/layout.ts'

const PLACE = layout({ full: 1, length: 1, name: CLUSTER_NAME_BYTES_MAX / 4 })
const PLACES_MAX = 0xffff
/** In the place of an id: that service takes no more sends, though its node does. */
const HELD = 2 ** 31

export interface RemoteMemory {
  readonly nodes: SharedArrayBuffer
  readonly ids: SharedArrayBuffer
  readonly places: SharedArrayBuffer
}

/** @param places Fewer than a u16 names are for tests. */
export function createRemoteMemory(idMax = HANDLE_ID_MAX, places = PLACES_MAX): RemoteMemory {
  return {
    nodes: new SharedArrayBuffer((idMax + 1) * 2),
    ids: new SharedArrayBuffer((idMax + 1) * 4),
    places: new SharedArrayBuffer((places + 1) * PLACE.CELLS * 4),
  }
}

export class Remotes {
  readonly #nodes: Uint16Array
  readonly #ids: Uint32Array
  readonly #cells: Int32Array
  readonly #text: Buffer
  readonly #places: number
  /** Of the thread that writes: the names that have places, the oldest first. */
  #known: Map<string, number> | undefined
  #last = 0
  /** Of the same, by place: handles that stand for services there. */
  readonly #uses: Uint32Array

  constructor({ nodes, ids, places }: RemoteMemory) {
    this.#nodes = new Uint16Array(nodes)
    this.#ids = new Uint32Array(ids)
    this.#cells = new Int32Array(places)
    this.#text = Buffer.from(places)
    this.#places = this.#cells.length / PLACE.CELLS - 1
    this.#uses = new Uint32Array(this.#places + 1)
  }

  // --- the thread of the cluster -----------------------------------------------------------------

  /** A thread of the cluster begins: what the one before it knew to be full is not known. */
  begin(): void {
    const known = new Map<string, number>()
    for (let place = 1; place <= this.#places; place++) {
      const name = this.#nameAt(place)
      if (name === '') break
      known.set(name, place)
      this.#last = place
      Atomics.store(this.#cells, this.#cell(place, PLACE.full), 0)
    }
    this.#known = known
    this.#uses.fill(0)
  }

  /**
   * That handle stands for a service of another node.
   *
   * @param id Its id (u24) there; 0: whoever has some name there.
   */
  note(handle: number, node: string, id: number): void {
    const at = handle & HANDLE_ID_MAX
    const place = this.#placeOf(node)
    this.#uses[place]!++
    this.#ids[at] = id
    this.#nodes[at] = place
  }

  /** Its service has ended. What it is called stays, until it or the place is given out again. */
  release(handle: number): void {
    this.#uses[this.#nodes[handle & HANDLE_ID_MAX]!]!--
  }

  /** That handle stands for a service of this node. */
  forget(handle: number): void {
    const at = handle & HANDLE_ID_MAX
    if (this.#nodes[at] !== 0) this.#nodes[at] = 0
  }

  /** What services send to that one is refused where they send it, or is not any more. */
  setHeld(handle: number, isHeld: boolean): void {
    const at = handle & HANDLE_ID_MAX
    if (isHeld) Atomics.or(this.#ids, at, HELD)
    else if (this.#isHeld(handle)) Atomics.and(this.#ids, at, HANDLE_ID_MAX)
  }

  /** What services send to that node is refused where they send it, or is not any more. */
  setFull(node: string, isFull: boolean): void {
    Atomics.store(this.#cells, this.#cell(this.#placeOf(node), PLACE.full), isFull ? 1 : 0)
  }

  #placeOf(node: string): number {
    if (this.#known === undefined) this.begin()
    const known = this.#known!
    const place = known.get(node)
    if (place !== undefined) return place
    // There are more places than nodes at a time: one that has no service here, of the oldest.
    let tries = this.#places
    do this.#last = (this.#last % this.#places) + 1
    while (this.#uses[this.#last] !== 0 && --tries > 0)
    known.delete(this.#nameAt(this.#last))
    known.set(node, this.#last)
    const at = this.#cell(this.#last, PLACE.name) * 4
    const length = this.#text.write(node, at, CLUSTER_NAME_BYTES_MAX)
    this.#cells[this.#cell(this.#last, PLACE.full)] = 0
    this.#cells[this.#cell(this.#last, PLACE.length)] = length
    return this.#last
  }

  // --- any thread --------------------------------------------------------------------------------

  /** Does its node, or it itself, take no more sends? */
  isFull(handle: number): boolean {
    const place = this.#nodes[handle & HANDLE_ID_MAX]!
    if (place === 0) return false
    return this.#isHeld(handle) || Atomics.load(this.#cells, this.#cell(place, PLACE.full)) !== 0
  }

  #isHeld(handle: number): boolean {
    return (Atomics.load(this.#ids, handle & HANDLE_ID_MAX) & HELD) !== 0
  }

  /**
   * A send to another node is refused here, where its sender can be told, or it gets there. What is
   * on its way when a worker there is full is more than that takes only if several workers say much
   * at once: see docs/cluster.md#sends.
   *
   * @param waitingBytes For that worker, of this one.
   * @throws {SkynetError} `ERR_LINK_FULL`.
   */
  checkRoom(handle: number, waitingBytes: number): void {
    const isBurst = waitingBytes > CLUSTER_BURST_BYTES_MAX
    if (!isBurst && !this.isFull(handle)) return
    const node = this.nodeOf(handle) ?? ''
    if (!isBurst && this.#isHeld(handle)) {
      const info = { node, to: this.addressOf(handle)!, limit: CLUSTER_HOLD_BYTES }
      throw new SkynetError('ERR_LINK_FULL', { ...info, sent: 'no' })
    }
    const limit = isBurst ? CLUSTER_BURST_BYTES_MAX : LINK_QUEUE_BYTES_MAX
    throw new SkynetError('ERR_LINK_FULL', { node, limit, sent: 'no' })
  }

  /** Name of its node; undefined: this one. */
  nodeOf(handle: number): string | undefined {
    const place = this.#nodes[handle & HANDLE_ID_MAX]!
    return place === 0 ? undefined : this.#nameAt(place)
  }

  /** As its own node calls it: `b:0000000a`. Undefined: it is a service of this node. */
  addressOf(handle: number): string | undefined {
    const node = this.nodeOf(handle)
    if (node === undefined) return undefined
    const id = this.#ids[handle & HANDLE_ID_MAX]! & HANDLE_ID_MAX
    return id === 0 ? `a name of ${node}` : `${node}${formatHandle(id)}`
  }

  #nameAt(place: number): string {
    const at = this.#cell(place, PLACE.name) * 4
    const length = this.#cells[this.#cell(place, PLACE.length)]!
    return this.#text.toString('utf8', at, at + length)
  }

  #cell(place: number, field: number): number {
    return place * PLACE.CELLS + field
  }
}
