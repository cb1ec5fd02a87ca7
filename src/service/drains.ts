/** Who waits until everything written to a socket has left. */
import { SkynetError } from '../base/errors.ts'
import type { SocketPool } from './pool.ts'
import { SocketWait, Waiter } from './wait.ts'
import type { WaitOptions } from './wait-options.ts'

export class Drains {
  /** The socket thread has an order that it has not answered. It never has two. */
  #isOrdered = false
  /** Whom the answer to that order concerns. */
  #asked = new Set<Waiter<void>>()
  /** Who came after it: its answer may be on its way, and knows nothing of what they wrote. */
  #later = new Set<Waiter<void>>()

  /** Resolves when everything written by now has left. */
  wait(pool: SocketPool, id: number, options: WaitOptions | undefined): Promise<void> {
    const about = new SocketWait('drain', id, pool)
    const waiter = new Waiter<void>(pool.service, about, options, (over) => {
      if (!this.#asked.delete(over)) this.#later.delete(over)
    })
    if (!waiter.isOver) {
      const those = this.#isOrdered ? this.#later : this.#asked
      those.add(waiter)
      this.ask(pool, id)
    }
    return waiter.promise
  }

  /** Have the socket thread say DRAIN when everything has left. For who looks again by itself. */
  ask(pool: SocketPool, id: number): void {
    if (this.#isOrdered) return
    pool.client.order('drain', id, pool.service.handle)
    this.#isOrdered = true
  }

  /**
   * @param sign Of a DRAIN event: positive when everything has left, negative: socket `id` is gone.
   * @param error Why, if that is known.
   */
  answered(pool: SocketPool, id: number, sign: number, error: SkynetError | undefined): void {
    this.#isOrdered = false
    if (sign < 0) {
      const reason = 'it ended before everything had left'
      this.reject(error ?? new SkynetError('ERR_SOCKET_FAILED', { id, reason }))
      return
    }
    const done = this.#asked
    this.#asked = this.#later
    this.#later = done
    if (this.#asked.size > 0) this.ask(pool, id)
    for (const waiter of done) waiter.resolve()
  }

  reject(error: SkynetError): void {
    for (const waiter of this.#asked) waiter.reject(error)
    for (const waiter of this.#later) waiter.reject(error)
  }
}
