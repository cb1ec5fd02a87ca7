/** A line of the log that may come in floods: at once, then one a second with how many more. */

const QUIET_MS = 1000

/** What Repeats need of their service. */
export interface RepeatsHost {
  readonly hasEnded: boolean
  say(level: 'error' | 'info', text: string): void
  after(ms: number, task: () => void): unknown
}

export class Repeats {
  readonly #host: RepeatsHost
  readonly #more: (count: number) => string
  readonly #level: 'error' | 'info'
  /** Since the last line about it. */
  #count = 0

  /** @param more What to say of `count` more. */
  constructor(host: RepeatsHost, more: (count: number) => string, level: 'error' | 'info') {
    this.#level = level
    this.#host = host
    this.#more = more
  }

  say(line: string): void {
    this.#count++
    if (this.#count > 1 || this.#host.hasEnded) return
    this.#host.say(this.#level, line)
    this.#host.after(QUIET_MS, () => {
      const more = this.#count - 1
      this.#count = 0
      if (more > 0) this.#host.say(this.#level, this.#more(more))
    })
  }
}
