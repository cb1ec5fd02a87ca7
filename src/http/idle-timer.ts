/** Tells that nothing has happened for so long. What happens does not set a timer each time. */

/** What it needs of its service. */
export interface IdleHost {
  /** Milliseconds; only differences count. */
  now(): number
  after(ms: number, task: () => void): { cancel(): void }
}

export class IdleTimer {
  readonly #host: IdleHost
  readonly #onIdle: () => void
  /** 0: nobody wants to know. */
  #ms = 0
  #activeAt = 0
  /** It may be early: then it is set again for what is left. */
  #timer: { cancel(): void } | undefined
  #dueAt = 0

  constructor(host: IdleHost, onIdle: () => void) {
    this.#host = host
    this.#onIdle = onIdle
  }

  /** From now on, and once: told again only when something has happened since. */
  set(ms: number): void {
    this.#ms = ms
    if (ms > 0) this.touch()
  }

  /** Something has happened. */
  touch(): void {
    if (this.#ms === 0) return
    this.#activeAt = this.#host.now()
    this.#wait()
  }

  end(): void {
    this.#ms = 0
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #wait(): void {
    const dueAt = this.#activeAt + this.#ms
    if (this.#timer !== undefined && this.#dueAt <= dueAt) return
    this.#timer?.cancel()
    this.#dueAt = dueAt
    this.#timer = this.#host.after(Math.max(1, dueAt - this.#host.now()), this.#fired)
  }

  readonly #fired = (): void => {
    this.#timer = undefined
    if (this.#ms === 0) return
    if (this.#activeAt + this.#ms > this.#host.now()) this.#wait()
    else this.#onIdle()
  }
}
