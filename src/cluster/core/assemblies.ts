/** Long messages that have not come whole. */
import { spareMemory } from '../../base/spare-memory.ts'
import type { FramedMessage } from './frame.ts'
import type { LaneLimits } from './lanes.ts'

/** One that is put together. The memory of what has not come was never touched, and costs none. */
interface Assembly {
  readonly bytes: Buffer
  /** Bytes that have come. */
  filled: number
}

/** What a peer may have under way in chunks is bounded before anything is made for it. */
export class Assemblies {
  readonly #limits: LaneLimits
  readonly #open = new Map<number, Assembly>()
  #bytes = 0

  constructor(limits: LaneLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Take a chunk, whose part lies in `bytes`.
   *
   * @returns The message, when that was its last one: `done` follows. Undefined: it goes on. Null:
   * the peer sends what it may not.
   */
  take(chunk: FramedMessage, bytes: Uint8Array): Buffer | undefined | null {
    const { lane, offset, total, from, length } = chunk
    const assembly = offset === 0 ? this.#begin(lane, total) : this.#open.get(lane)
    if (assembly === undefined) return null
    if (assembly.filled !== offset || assembly.bytes.length !== total) return null
    assembly.bytes.set(bytes.subarray(from, from + length), offset)
    assembly.filled += length
    if (assembly.filled < total) return undefined
    this.#open.delete(lane)
    this.#bytes -= total
    return assembly.bytes
  }

  /** A message that was whole has been handed on. */
  done(message: Buffer): void {
    spareMemory.give(message)
  }

  #begin(lane: number, total: number): Assembly | undefined {
    const { lanes, assemblyBytes } = this.#limits
    if (this.#open.has(lane) || this.#open.size >= lanes) return undefined
    if (this.#bytes + total > assemblyBytes) return undefined
    const bytes = memoryOf(total)
    if (bytes === undefined) return undefined
    const assembly = { bytes, filled: 0 }
    this.#open.set(lane, assembly)
    this.#bytes += total
    return assembly
  }

  clear(): void {
    for (const { bytes } of this.#open.values()) spareMemory.give(bytes)
    this.#open.clear()
    this.#bytes = 0
  }
}

/** Undefined: there is none. A peer must not end us by a length. */
function memoryOf(bytes: number): Buffer | undefined {
  try {
    return spareMemory.take(bytes)
  } catch {
    return undefined
  }
}
