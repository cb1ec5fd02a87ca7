/** Who waits until everything written to a socket has left. */
import { SkynetError } from '../base/errors.ts'
import type { SocketPool } from './pool.ts'
import type { Waiter } from './wait.ts'

export class Drains {
  /** One for each order, the oldest first: orders are answered one for one. */
  readonly #orders: (Waiter<void> | undefined)[] = []

  /** @param waiter None: the caller looks for itself when an answer has come. */
  ask(pool: SocketPool, id: number, waiter?: Waiter<void>): void {
    // One such order is enough for all who look for themselves.
    if (waiter === undefined && this.#orders.includes(undefined)) return
    this.#orders.push(waiter)
    pool.client.order('drain', id, pool.service.handle)
  }

  /**
   * @param count Of a DRAIN event: orders that are answered; negative: socket `id` is gone.
   * @param error Why, if that is known.
   */
  answered(count: number, id: number, error: SkynetError | undefined): void {
    const reason = 'it ended before everything had left'
    for (const waiter of this.#orders.splice(0, Math.abs(count))) {
      if (count > 0) waiter?.resolve()
      else waiter?.reject(error ?? new SkynetError('ERR_SOCKET_FAILED', { id, reason }))
    }
  }

  reject(error: SkynetError): void {
    for (const waiter of this.#orders.splice(0)) waiter?.reject(error)
  }
}
