/**
 * A key that was deleted leaves a message that says so. It is removed when every watch that goes on
 * has seen it: a bucket whose names come and go must not grow.
 */
import { NATS_DELETED_KEPT_MS, NATS_DELETED_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'

interface Deleted {
  readonly key: string
  readonly revision: number
  /** By the clock of `now`. */
  readonly dueAt: number
}

export interface ForgettingHost {
  now(): number
  /** @returns What takes it back. */
  after(ms: number, act: () => void): () => void
  /** Remove what says that `key` was deleted at that revision. */
  forget(key: string, revision: number): Promise<void>
}

export class Forgetting {
  readonly #host: ForgettingHost
  readonly #queue = new Queue<Deleted>()
  /** Takes back the next look. */
  #stop: (() => void) | undefined
  #isClosed = false

  constructor(host: ForgettingHost) {
    this.#host = host
  }

  add(key: string, revision: number): void {
    if (this.#isClosed || this.#queue.length >= NATS_DELETED_MAX) return
    this.#queue.push({ key, revision, dueAt: this.#host.now() + NATS_DELETED_KEPT_MS })
    this.#wait()
  }

  close(): void {
    this.#isClosed = true
    this.#stop?.()
  }

  /** One at a time. */
  #wait(): void {
    const next = this.#queue.peek()
    if (this.#isClosed || this.#stop !== undefined || next === undefined) return
    const waitMs = Math.max(0, next.dueAt - this.#host.now())
    this.#stop = this.#host.after(waitMs, () => void this.#forget())
  }

  async #forget(): Promise<void> {
    const { key, revision } = this.#queue.shift()!
    // One that stays behind is found by the next watch of anybody, when that begins.
    await this.#host.forget(key, revision).catch(() => {})
    this.#stop = undefined
    this.#wait()
  }
}
