/**
 * A promise that tells at once, and on the spot, what it has become: so that a simulated world
 * needs no turn of the event loop, and does the same each time.
 */
export class Later<T> implements PromiseLike<T> {
  #isSettled = false
  #tell: (() => void) | undefined
  #resolved: ((value: T) => unknown) | null | undefined
  #rejected: ((reason: unknown) => unknown) | null | undefined

  get isSettled(): boolean {
    return this.#isSettled
  }

  resolve(value: T): void {
    this.#settle(() => this.#resolved?.(value))
  }

  reject(reason: unknown): void {
    this.#settle(() => this.#rejected?.(reason))
  }

  /** One listener, and nothing comes of what it returns. */
  // biome-ignore lint/suspicious/noThenProperty: it is a promise, for who needs no more of one.
  then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    this.#resolved = resolved
    this.#rejected = rejected
    if (this.#isSettled) this.#tell?.()
    return this as unknown as PromiseLike<A | B>
  }

  #settle(tell: () => void): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#tell = tell
    if (this.#resolved !== undefined || this.#rejected !== undefined) tell()
  }
}
