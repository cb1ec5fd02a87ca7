/** One message for many services: channels, as in Skynet's `multicast`. */
import { checkFunction, checkNumber, shown } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import type { Multicast } from '../kernel/multicast.ts'
import { kept } from '../service/scope.ts'
import {
  type Subscriber,
  Subscription,
  type SubscriptionsHost,
  subscriptionsOf,
} from './subscription.ts'

/** What channels need of their service. */
export interface ChannelHost extends SubscriptionsHost {
  readonly handle: number
  run(what: string, task: () => unknown): void
}

/**
 * A channel of this node, as one service holds it. It lasts until somebody deletes it, also when
 * the service that made it has ended. Give its `id` to others: they `open` it.
 */
export class Channel<T = unknown> {
  /** A number, which may be sent to other services. */
  readonly id: number
  readonly #service: ChannelHost
  readonly #multicast: Multicast

  constructor(service: ChannelHost, multicast: Multicast, id: number) {
    this.#service = service
    this.#multicast = multicast
    this.id = id
  }

  /**
   * Give a message to every subscriber, this service included when it is one. It is packed once,
   * before this returns: keep using the value. Nobody is waited for. What one service publishes and
   * sends arrives in that order.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN` when it was deleted; `ERR_MESSAGE_UNSUPPORTED`,
   * `ERR_MESSAGE_TOO_LARGE`, `ERR_MESSAGE_TOO_DEEP`; `ERR_SERVICE_EXITED`. Nothing was sent then.
   */
  publish(message: T): void {
    const { handle } = this.#alive()
    if (!this.#multicast.publish(this.id, handle, message)) throw unknownChannel(this.id)
  }

  /**
   * Get what is published from now on; what another worker has published may be on its way here,
   * and comes too. A service may subscribe more than once: each subscription gets everything, as a
   * value of its own. It ends with `unsubscribe`, with the channel, and with the service.
   *
   * @param subscriber Called with each message; what it throws is logged. It is not waited for.
   * Without one, take the messages from the subscription: `for await` ends with the channel.
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`, `ERR_SERVICE_EXITED`.
   */
  subscribe(subscriber?: Subscriber<T>): Subscription<T> {
    if (subscriber !== undefined) checkFunction('subscribe', 'subscriber', subscriber)
    const service = this.#alive()
    const task = subscriber && kept(subscriber)
    const callback =
      task &&
      ((message: T, source: number): void => service.run('subscriber', () => task(message, source)))
    const own = subscriptionsOf(service, this.#multicast)
    const subscription = new Subscription<T>(own, this.id, callback)
    const isThere = own.add(subscription as Subscription<unknown>)
    if (!isThere) throw unknownChannel(this.id)
    return subscription
  }

  /**
   * End the channel, for all: subscriptions end when they have got what was published before. Those
   * of this service too: their subscribers may be called after this returned, until `unsubscribe`.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN` when it was deleted before.
   */
  delete(): void {
    const { handle } = this.#alive()
    if (!this.#multicast.delete(this.id, handle)) throw unknownChannel(this.id)
  }

  toString(): string {
    return `[Multicast:${this.id.toString(16)}]`
  }

  #alive(): ChannelHost {
    if (this.#service.hasEnded) throw this.#service.exited()
    return this.#service
  }
}

export class MulticastApi {
  readonly #service: ChannelHost
  readonly #multicast: Multicast

  constructor(service: ChannelHost, multicast: Multicast) {
    this.#service = service
    this.#multicast = multicast
  }

  /**
   * Make a channel.
   *
   * @throws {SkynetError} `ERR_CHANNEL_LIMIT` when all `CHANNELS_MAX` of the node are in use.
   */
  new<T = unknown>(): Channel<T> {
    if (this.#service.hasEnded) throw this.#service.exited()
    return new Channel<T>(this.#service, this.#multicast, this.#multicast.channels.create())
  }

  /**
   * A channel that somebody made.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN` when there is none of that id (any more).
   */
  open<T = unknown>(id: number): Channel<T> {
    checkNumber('open a channel', 'id', id)
    if (!this.#multicast.channels.has(id)) throw unknownChannel(id)
    return new Channel<T>(this.#service, this.#multicast, id)
  }
}

const unknownChannel = (id: number): Error =>
  new SkynetError('ERR_CHANNEL_UNKNOWN', { channel: shown(id) })
