/** Nodes that are over, each with the last epoch that it had. */
import { CLUSTER_OVER_MAX } from '../../base/limits.ts'

export class LastEpochs {
  /** The one that ended last stands last. */
  readonly #all = new Map<string, number>()

  /** Undefined: none is known, or that was long ago. */
  get(node: string): number | undefined {
    return this.#all.get(node)
  }

  clear(): void {
    this.#all.clear()
  }

  set(node: string, epoch: number): void {
    this.#all.delete(node)
    this.#all.set(node, epoch)
    if (this.#all.size <= CLUSTER_OVER_MAX) return
    for (const oldest of this.#all.keys()) {
      this.#all.delete(oldest)
      return
    }
  }
}
