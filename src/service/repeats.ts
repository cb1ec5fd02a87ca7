/** A line of the log that may come in floods: at once, then one a second with how many more. */
import type { Service } from './service.ts'

const QUIET_MS = 1000

export class Repeats {
  readonly #service: Service
  readonly #more: (count: number) => string
  readonly #level: 'error' | 'log'
  /** Since the last line about it. */
  #count = 0

  /** @param more What to say of `count` more. */
  constructor(service: Service, more: (count: number) => string, level: 'error' | 'log') {
    this.#level = level
    this.#service = service
    this.#more = more
  }

  say(line: string): void {
    this.#count++
    if (this.#count > 1 || this.#service.hasEnded) return
    this.#service.facade[this.#level](line)
    this.#service.after(QUIET_MS, () => {
      const more = this.#count - 1
      this.#count = 0
      if (more > 0) this.#service.facade[this.#level](this.#more(more))
    })
  }
}
