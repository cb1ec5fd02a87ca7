/**
 * Variables of the node: those of its config, and what services add. A variable is set once and
 * never changes, as in Skynet; so all that is needed is a list in shared memory that grows.
 *
 *   header │ line │ line │ …      a line is JSON: [key, value]; `bytes` says how far they reach
 *
 * A line is written under the lock and published by `bytes`; readers take no lock.
 */
import { SkynetError } from '../base/errors.ts'
import { ENV_BYTES_MAX } from '../base/limits.ts'
import { layout } from '../shm/layout.ts'
import { inherit, lock, unlock } from '../shm/lock.ts'

const HEADER = layout({
  lock: 1, // lock.ts
  bytes: 1, // the holder of the lock; of all lines
})
const HEADER_BYTES = HEADER.CELLS * 4

export type EnvValue = string | number | boolean

export function createEnvMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + ENV_BYTES_MAX)
}

/** Every thread makes its own object over the same memory; every method is for any thread. */
export class Env {
  readonly #cells: Int32Array
  readonly #lines: Buffer
  readonly #holder: number
  /** What this thread has seen: the config, and the lines up to `#seen`. */
  readonly #known: Map<string, EnvValue>
  #seen = 0

  /** @param holder Thread number + 1, for the lock. */
  constructor(
    memory: SharedArrayBuffer,
    config: Readonly<Record<string, EnvValue>>,
    holder: number,
  ) {
    this.#cells = new Int32Array(memory, 0, HEADER.CELLS)
    this.#lines = Buffer.from(memory, HEADER_BYTES)
    this.#known = new Map(Object.entries(config))
    this.#holder = holder
  }

  get(key: string): EnvValue | undefined {
    this.#look()
    return this.#known.get(key)
  }

  /** @throws {SkynetError} `ERR_ENV_TAKEN`, `ERR_ENV_LIMIT`. */
  set(key: string, value: EnvValue): void {
    const line = Buffer.from(`${JSON.stringify([key, value])}\n`)
    lock(this.#cells, HEADER.lock, this.#holder)
    try {
      this.#look()
      if (this.#known.has(key)) throw new SkynetError('ERR_ENV_TAKEN', { key })
      const at = this.#seen
      if (at + line.length > ENV_BYTES_MAX) {
        throw new SkynetError('ERR_ENV_LIMIT', { key, limit: ENV_BYTES_MAX })
      }
      this.#lines.set(line, at)
      Atomics.store(this.#cells, HEADER.bytes, at + line.length)
    } finally {
      unlock(this.#cells, HEADER.lock)
    }
  }

  /** Give back the lock of a thread that died: a line is there as a whole, or not at all. */
  repair(dead: number): void {
    if (inherit(this.#cells, HEADER.lock, dead, this.#holder)) unlock(this.#cells, HEADER.lock)
  }

  /** Read the lines that others have added. */
  #look(): void {
    const end = Atomics.load(this.#cells, HEADER.bytes)
    if (end === this.#seen) return
    const lines = this.#lines.toString('utf8', this.#seen, end - 1)
    for (const line of lines.split('\n')) {
      const [key, value] = JSON.parse(line) as [string, EnvValue]
      this.#known.set(key, value)
    }
    this.#seen = end
  }
}
