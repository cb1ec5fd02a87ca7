/**
 * What a worker has made outside JavaScript, where no garbage collector frees it: one number for
 * each. A worker that dies takes nothing of that with it, so whoever buries it frees what is in its
 * row.
 *
 * A thread writes its own row, and the main thread reads it when that thread is over. Who frees one
 * takes it out first: a thread that is ended in between leaves it to nobody, and nothing is freed
 * twice.
 */
import { NATIVE_OBJECTS_MAX } from '../base/limits.ts'

/** How many places were ever used, then those: 0 is a free one. Numbers below 2^53 are exact. */
const CELLS = 1 + NATIVE_OBJECTS_MAX
const BYTES = CELLS * Float64Array.BYTES_PER_ELEMENT

const rowOf = (memory: SharedArrayBuffer, worker: number): Float64Array =>
  new Float64Array(memory, worker * BYTES, CELLS)

export class NativeObjects {
  static memory(workers: number): SharedArrayBuffer {
    return new SharedArrayBuffer(workers * BYTES)
  }

  /** All that a worker had which is over: they are the caller's. */
  static takeAll(memory: SharedArrayBuffer, worker: number): number[] {
    const row = rowOf(memory, worker)
    const used = row.subarray(1, 1 + row[0]!)
    const objects = [...used].filter((object) => object !== 0)
    used.fill(0)
    row[0] = 0
    return objects
  }

  readonly #row: Float64Array
  /** Places that are free again. */
  readonly #free: number[] = []

  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#row = rowOf(memory, worker)
  }

  /** @returns Its place; 0: there is none. */
  add(object: number): number {
    const row = this.#row
    const place = this.#free.pop() ?? row[0]! + 1
    if (place === CELLS) return 0
    row[place] = object
    row[0] = Math.max(row[0]!, place)
    return place
  }

  remove(place: number): void {
    this.#row[place] = 0
    this.#free.push(place)
  }
}

let own: NativeObjects | undefined

/** Of this thread; undefined: it does not die before its process. */
export const nativeObjects = (): NativeObjects | undefined => own

/** This thread is a worker, and may die. */
export function keepNativeObjects(objects: NativeObjects): void {
  own = objects
}
