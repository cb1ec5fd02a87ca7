/**
 * Orders to a worker: messages for itself, not for a service on it. Each feature brings the
 * orders that it gives and takes, as rows of this table. Runs on the worker.
 */
import assert from 'node:assert/strict'
import type { Message, SystemMessage, WorkerOrder } from '../kernel/message.ts'
import type { Router } from '../kernel/router.ts'
import { PTYPE } from '../wire/ptype.ts'
import { sendable } from './sendable.ts'

/** Of one service of the worker, which may have ended. */
export interface OrderAbout extends WorkerOrder {
  readonly handle: number
}

/** What an order returns whose answer comes later, or never. */
export const LATER: unique symbol = Symbol('later')
/** What an order returns that nobody can follow: who gave it gets `ERR_CALL_DEAD`. */
export const NOBODY: unique symbol = Symbol('nobody')

type Run = (message: SystemMessage, order: WorkerOrder) => unknown

export class Orders {
  readonly #rows = new Map<string, Run>()
  #router!: Router
  /**
   * Takes orders about services that are not here, although their handles are: they stand for those
   * of other nodes. False: it is about none of these.
   */
  elsewhere: ((message: SystemMessage, order: WorkerOrder) => boolean) | undefined

  /** Before the first message. The router hands on what comes, and takes the answers. */
  connect(router: Router): void {
    this.#router = router
  }

  /** @param run Its result is the answer, if who gave the order waits for one. */
  add<O extends WorkerOrder>(
    name: O['order'],
    run: (message: SystemMessage, order: O) => unknown,
  ): void {
    assert(!this.#rows.has(name), `two orders are called ${name}`)
    this.#rows.set(name, run as Run)
  }

  /** An order has come. What it throws is the answer to who gave it. */
  readonly take = (message: SystemMessage): void => {
    const order = message.value as WorkerOrder
    try {
      if (this.elsewhere?.(message, order) === true) return
      this.reply(message, this.#rows.get(order.order)!(message, order))
    } catch (error) {
      this.fail(message, error)
    }
  }

  reply(message: Message, value: unknown): void {
    if (value === LATER || message.session === 0) return
    const { source, session } = message
    if (value === NOBODY) this.#router.refuse(message, (message.value as OrderAbout).handle)
    else this.#router.send(PTYPE.RESPONSE, source, 0, session, value)
  }

  fail({ source, session }: Message, error: unknown): void {
    this.#router.send(PTYPE.ERROR, source, 0, session, sendable(error))
  }
}
