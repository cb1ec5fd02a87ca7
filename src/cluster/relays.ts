/**
 * Requests of one node that a service here has passed on to another node. That one knows nobody who
 * asked: it answers this border, which passes the answer on.
 */
import { SkynetError } from '../base/errors.ts'
import { RELAYS_MAX } from '../base/limits.ts'
import { afterHandler, withSent } from '../service/sendable.ts'
import { Sessions } from '../service/sessions.ts'
import { unpack, unreadAnswer } from '../wire/unpack.ts'

/** Who asked, and waits for an answer. */
export interface Relayed {
  session: number
  /** Handle of a proxy, and its session. */
  readonly asker: number
  readonly askerSession: number
  /** Nobody waits for the answer then, as the node counts time. */
  readonly until: number
}

export class Relays {
  readonly #open = new Sessions<Relayed>()

  /**
   * A session under which to ask in its place.
   *
   * @throws {SkynetError} `ERR_MAILBOX_FULL`.
   */
  add(asker: number, askerSession: number, until: number): number {
    if (this.#open.size >= RELAYS_MAX) {
      throw new SkynetError('ERR_MAILBOX_FULL', { service: 'the cluster', limit: RELAYS_MAX })
    }
    return this.#open.add({ session: 0, asker, askerSession, until })
  }

  take(session: number): Relayed | undefined {
    return this.#open.take(session)
  }

  dropLate(now: number): void {
    for (const { session, until } of this.#open.items()) if (until < now) this.#open.take(session)
  }
}

/** Who passes a request on has run. */
export const notPassedOn = (error: unknown): unknown => withSent(error, 'maybe')

/** Who has passed the request on has run, whatever is said of the request that it became. */
export function relayedError(bytes: Buffer, at: number, length: number): unknown {
  try {
    return afterHandler(unpack(bytes, at, length))
  } catch (error) {
    return unreadAnswer(error)
  }
}
