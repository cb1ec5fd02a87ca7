/**
 * Threads that load their modules. One that is ended while it loads the native library takes the
 * whole process with it: Node-API cannot throw into a thread that is being ended, and aborts. So
 * nobody is ended before the library is there, neither by us nor by the end of the process.
 */
import { hasLoaded } from '../loaded.ts'
import { holdWithin, within } from './within.ts'

/** Longest wait for one thread: who gives up before it has loaded gives up the process. */
const LOAD_MS_MAX = 60_000

export class Loading {
  /** Those under way. Of the main thread. */
  static readonly #all = new Set<Loading>()
  static #isWatching = false

  /** For the thread: see `hasLoaded`. */
  readonly memory = new SharedArrayBuffer(4)
  readonly #cell = new Int32Array(this.memory)

  constructor() {
    Loading.#all.add(this)
    if (Loading.#isWatching) return
    Loading.#isWatching = true
    process.on('exit', () => {
      for (const each of Loading.#all) holdWithin(LOAD_MS_MAX, each.#cell)
    })
  }

  /** The thread has loaded, or is gone. */
  end(): void {
    Loading.#all.delete(this)
    hasLoaded(this.memory)
  }

  /** Resolves when the thread may be ended. */
  async done(): Promise<void> {
    const result = Atomics.waitAsync(this.#cell, 0, 0)
    if (result.async) await within(LOAD_MS_MAX, result.value)
  }
}
