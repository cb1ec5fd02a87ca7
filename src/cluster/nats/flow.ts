/**
 * How much was handed to a connection that has not reached its server yet. nats.js takes whatever
 * it is given and keeps it; so now and then the server is asked to answer a ping, which comes
 * behind all that was given before.
 */
import { NATS_IN_FLIGHT_BYTES_MAX, NATS_MARK_BYTES } from '../../base/limits.ts'

export class Flow {
  readonly #ping: () => Promise<unknown>
  readonly #room: () => void
  #bytes = 0
  /** Of them, those behind the last ping. */
  #unmarked = 0
  /** Counts connections: an answer to an older one says nothing. */
  #life = 0

  /**
   * @param ping Resolves when the server has everything that it was given before.
   * @param room There is room again. Never called from within `add`.
   */
  constructor(ping: () => Promise<unknown>, room: () => void) {
    this.#ping = ping
    this.#room = room
  }

  get isFull(): boolean {
    return this.#bytes >= NATS_IN_FLIGHT_BYTES_MAX
  }

  add(bytes: number): void {
    this.#bytes += bytes
    this.#unmarked += bytes
    if (this.#unmarked >= NATS_MARK_BYTES) this.#mark()
  }

  /** A new connection: nothing is under way. */
  reset(): void {
    this.#life++
    this.#bytes = 0
    this.#unmarked = 0
  }

  #mark(): void {
    const life = this.#life
    const bytes = this.#unmarked
    this.#unmarked = 0
    const arrived = (): void => {
      if (life !== this.#life) return
      const wasFull = this.isFull
      this.#bytes -= bytes
      if (wasFull && !this.isFull) this.#room()
    }
    // It rejects when the connection is cut: then all of it is forgotten.
    this.#ping().then(arrived, () => {})
  }
}
