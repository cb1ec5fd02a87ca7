/**
 * Orders about services of other harbors. Skynet's protocol tells when a harbor goes down, and
 * nothing of one service: so that is what a monitor is told, and all other orders are refused.
 */
import { formatHandle, SkynetError } from '../base/errors.ts'
import type { Message, WorkerOrder } from '../kernel/message.ts'
import type { Ending } from '../service/life.ts'
import type { GiveUpOrder } from '../service/ordering.ts'
import { PTYPE } from '../wire/ptype.ts'
import { harborNumber } from './border.ts'
import { Waits } from './waits.ts'

export interface WatchersHost {
  /** As `Router.send`. */
  send(type: number, to: number, source: number, session: number, value: unknown): boolean
  isAlive(handle: number): boolean
  /** Is it of another harbor? */
  isAbroad(handle: number): boolean
  /** Why that harbor is down; undefined: it is not. */
  lossOf(harbor: number): SkynetError | undefined
}

export class Watchers {
  readonly #host: WatchersHost
  readonly #waits: Waits

  constructor(host: WatchersHost) {
    this.#host = host
    this.#waits = new Waits(host)
  }

  /**
   * Take an order. False: it is about none of those services.
   *
   * @throws {SkynetError} `ERR_HARBOR_ORDER` when it cannot be followed.
   */
  order(message: Message, order: WorkerOrder): boolean {
    const { handle, session } = order as GiveUpOrder
    if (handle === undefined || !this.#host.isAbroad(handle)) return false
    if (order.order === 'monitor') this.#watch(message, handle)
    else if (order.order === 'giveUp') this.#waits.giveUp(message.source, session)
    // Nobody waits for a link: whoever links is told by its monitor.
    else if (order.order !== 'link') {
      throw new SkynetError('ERR_HARBOR_ORDER', { order: order.order, to: formatHandle(handle) })
    }
    return true
  }

  #watch({ source, session }: Message, handle: number): void {
    const harbor = harborNumber(handle)
    const answer = (ending: unknown): void => {
      // It was given up.
      if (ending === undefined) return
      this.#host.send(PTYPE.RESPONSE, source, 0, session, { ...(ending as Ending), handle })
    }
    const cause = this.#host.lossOf(harbor)
    if (cause !== undefined) answer({ reason: 'node down', cause })
    else void this.#waits.add(`${harbor}`, { source, session }).then(answer)
  }

  down(harbor: number, cause: SkynetError): void {
    this.#waits.settle(`${harbor}`, { reason: 'node down', cause })
  }

  /** The harbor of this node ends: nobody is told of others any more. */
  end(): void {
    this.#waits.settleAll({ reason: 'gone' })
  }
}
