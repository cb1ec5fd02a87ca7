/** Who waits until everything written to a socket has left. */
import { SkynetError } from '../base/errors.ts'
import { Waiter } from '../service/wait.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { SocketLife } from './socket-life.ts'

type Waiters = Set<Waiter<void>>

export class Drains {
  readonly #life: SocketLife
  /** The socket thread has an order that it has not answered. It never has two. */
  #isOrdered = false
  /** Whom the answer to that order concerns. */
  #asked: Waiters | undefined
  /** Who came after it: its answer may be on its way, and knows nothing of what they wrote. */
  #later: Waiters | undefined

  constructor(life: SocketLife) {
    this.#life = life
  }

  /** Resolves when everything written by now has left. */
  wait(options: WaitOptions | undefined): Promise<void> {
    const { service } = this.#life.pool
    const waiter = new Waiter<void>(service, this.#life.wait('drain'), options, (over) => {
      if (this.#asked?.delete(over) !== true) this.#later?.delete(over)
    })
    if (!waiter.isOver) {
      this.#add(waiter)
      this.ask()
    }
    return waiter.promise
  }

  #add(waiter: Waiter<void>): void {
    if (this.#isOrdered) {
      this.#later ??= new Set()
      this.#later.add(waiter)
    } else {
      this.#asked ??= new Set()
      this.#asked.add(waiter)
    }
  }

  /** Have the socket thread say DRAIN when everything has left. For who looks again by itself. */
  ask(): void {
    if (this.#isOrdered) return
    this.#life.order('drain')
    this.#isOrdered = true
  }

  /** @param sign Of a DRAIN event: positive when everything has left, negative: it is gone. */
  answered(sign: number): void {
    this.#isOrdered = false
    if (sign < 0) {
      const { id, error } = this.#life
      const reason = 'it ended before everything had left'
      this.reject(error ?? new SkynetError('ERR_SOCKET_FAILED', { id, reason }))
      return
    }
    const done = this.#asked
    this.#asked = this.#later
    this.#later = done
    if (this.#asked !== undefined && this.#asked.size > 0) this.ask()
    for (const waiter of done ?? []) waiter.resolve()
  }

  reject(error: SkynetError): void {
    for (const waiter of this.#asked ?? []) waiter.reject(error)
    for (const waiter of this.#later ?? []) waiter.reject(error)
  }
}
