/** An answer that is given later: `skynet.response()`. */
import { SkynetError } from '../base/errors.ts'
import type { Message } from '../kernel/message.ts'

/** What a deferred answer needs of the service that owes it. */
export interface Debtor {
  /** Send the answer. False: the caller is gone. Throws what cannot be sent; the caller is told. */
  pay(owed: Owed, value: unknown): boolean
  payError(owed: Owed, error: unknown): boolean
  isThere(caller: number): boolean
  /** The response was dropped unanswered: nobody can answer it any more. */
  forgot(owed: Owed): void
}

/** Held by the service until the answer is given; it must not know the `Response` (see below). */
export class Owed {
  readonly debtor: Debtor
  readonly message: Message
  readonly method: string
  /** `closed`: the service has ended, or the task was killed; the caller knows. */
  state: 'open' | 'answered' | 'closed' = 'open'
  /** Number in the list of tasks; 0 until it is listed. */
  id = 0

  constructor(debtor: Debtor, message: Message, method: string) {
    this.debtor = debtor
    this.message = message
    this.method = method
  }
}

/** A response that is garbage before it answered leaves only its debt behind. */
const forgotten = new FinalizationRegistry<Owed>((owed) => {
  if (owed.state === 'open') owed.debtor.forgot(owed)
})

/**
 * The answer to one request: to be given once, from anywhere in the service. A method that returns
 * its response, or an `async` one that has taken it, is not answered by what it returns.
 */
export class Response<T = unknown> {
  /** Undefined for a message that was sent: nobody waits for an answer. */
  readonly #owed: Owed | undefined

  constructor(owed: Owed | undefined) {
    this.#owed = owed
    if (owed !== undefined) forgotten.register(this, owed, owed)
  }

  /** Somebody waits for it still, as far as is known: the caller lives and was not answered. */
  get isWanted(): boolean {
    const owed = this.#owed
    return owed?.state === 'open' && owed.debtor.isThere(owed.message.source)
  }

  /**
   * Answer.
   *
   * @returns False: nobody waits, as the caller has ended, this service has, or it was a send.
   * @throws {SkynetError} `ERR_RESPONSE_TWICE`; `ERR_MESSAGE_UNSUPPORTED` and the like for `value`,
   * of which the caller is told too.
   */
  resolve(value: T): boolean {
    const owed = this.#take()
    return owed?.debtor.pay(owed, value) ?? false
  }

  /** Answer with an error, which the call rejects with. Returns and throws as `resolve`. */
  reject(error: unknown): boolean {
    const owed = this.#take()
    return owed?.debtor.payError(owed, error) ?? false
  }

  #take(): Owed | undefined {
    const owed = this.#owed
    if (owed === undefined || owed.state === 'closed') return undefined
    if (owed.state === 'answered') {
      throw new SkynetError('ERR_RESPONSE_TWICE', { method: owed.method })
    }
    forgotten.unregister(owed)
    return owed
  }
}
