/** What a service hears of a channel: by a callback, or in a loop. */
import type { Clock } from '../base/clock.ts'
import type { Context } from '../kernel/context.ts'
import { Mailbox } from '../kernel/mailbox.ts'
import type { Message } from '../kernel/message.ts'
import type { Multicast, Published } from '../kernel/multicast.ts'
import { type Part, type PartHost, PartKey } from '../service/part.ts'
import { Waiter, type WaitHost } from '../service/wait.ts'
import { checkWait, type WaitOptions } from '../service/wait-options.ts'
import type { Binder } from '../wire/service-id.ts'
import { unpack } from '../wire/unpack.ts'

/** Called with each message, a value of its own, and the handle of who published it. */
export type Subscriber<T> = (message: T, source: number) => unknown
/** The same, which takes care of what it throws. */
type Taking<T> = (message: T, source: number) => void
/** Why a subscription ended: by this side, with its channel, or with its service. */
export type SubscriptionEnd = 'unsubscribed' | 'deleted' | 'exited'

/** What subscriptions need of their service. */
export interface SubscriptionsHost extends WaitHost, PartHost, Binder {
  readonly context: Context
  readonly runtime: { readonly clock: Clock }
  say(level: 'error', text: string): void
}

/** All subscriptions of one service. */
export class Subscriptions implements Part {
  readonly service: SubscriptionsHost
  readonly #multicast: Multicast
  readonly #byChannel = new Map<number, Set<Subscription<unknown>>>()

  constructor(service: SubscriptionsHost, multicast: Multicast) {
    this.service = service
    this.#multicast = multicast
  }

  /** What has come to this worker so far is not for who subscribes now. */
  get received(): number {
    return this.#multicast.received
  }

  /** False: there is no such channel (any more). */
  add(subscription: Subscription<unknown>): boolean {
    const { channel } = subscription
    const those = this.#byChannel.get(channel)
    if (those !== undefined) {
      those.add(subscription)
      return true
    }
    if (!this.#multicast.join(channel, this.service.context)) return false
    this.#byChannel.set(channel, new Set([subscription]))
    return true
  }

  remove(subscription: Subscription<unknown>): void {
    const { channel } = subscription
    const those = this.#byChannel.get(channel)
    if (those === undefined || !those.delete(subscription) || those.size > 0) return
    this.#byChannel.delete(channel)
    this.#multicast.leave(channel, this.service.context)
  }

  /** A message of the mailbox. What came for a channel that was left meanwhile is dropped. */
  receive(message: Message): void {
    const { channel, bytes, number } = message.value as Published
    const those = this.#byChannel.get(channel)
    if (those === undefined) return
    // A callback may end its own subscription or another one, or begin one.
    const now = [...those]
    if (bytes === undefined) this.#byChannel.delete(channel)
    for (const subscription of now) {
      // It may have waited in the mailbox since before somebody subscribed. The end is for all.
      const isBefore = bytes !== undefined && number <= subscription.since
      if (!subscription.isOver && !isBefore) subscription.receive(message)
    }
  }

  closing(): void {
    for (const [channel, those] of this.#byChannel) {
      this.#multicast.leave(channel, this.service.context)
      for (const subscription of those) subscription.exited()
    }
    this.#byChannel.clear()
  }
}

/**
 * Made by `channel.subscribe`. With a callback it is only the way to end it; without one it is
 * what came, in order: `for await (const message of subscription)`. Messages wait in it, packed and
 * shared with other subscribers, as long as nobody takes them; the same warnings as for a mailbox
 * say that they pile up.
 */
export class Subscription<T> implements AsyncIterator<T, undefined>, AsyncIterable<T> {
  readonly channel: number
  /** Resolves when it ends. */
  readonly ended: Promise<SubscriptionEnd>
  /** @internal The last message that came to its worker before it. */
  readonly since: number
  readonly #own: Subscriptions
  readonly #callback: Taking<T> | undefined
  readonly #waiting = new Mailbox()
  /** Who waits in `next`, the first first. */
  readonly #takers = new Set<Waiter<IteratorResult<T, undefined>>>()
  #isOver = false
  #end!: (reason: SubscriptionEnd) => void

  /** @param own Those of its service. */
  constructor(own: Subscriptions, channel: number, callback: Taking<T> | undefined) {
    this.#own = own
    this.channel = channel
    this.since = own.received
    this.#callback = callback
    this.ended = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** @internal */
  get isOver(): boolean {
    return this.#isOver
  }

  /** @internal Called for each message of its channel, in order; see Published. */
  receive(message: Message): void {
    const { bytes } = message.value as Published
    const callback = this.#callback
    if (bytes === undefined) this.#finish('deleted')
    else if (callback !== undefined) callback(this.#decoded(bytes), message.source)
    else {
      const [taker] = this.#takers
      if (taker === undefined) this.#keep(message)
      else taker.resolve({ value: this.#decoded(bytes), done: false })
    }
  }

  #decoded(bytes: Buffer): T {
    return unpack(bytes, 0, bytes.length, this.#own.service) as T
  }

  #keep(message: Message): void {
    this.#waiting.push(message)
    const length = this.#waiting.overload(this.#own.service.runtime.clock)
    if (length === 0) return
    this.#own.service.say('error', `May overload, subscription queue length = ${length}`)
  }

  /**
   * The next message. Done once the subscription has ended and what came before was taken.
   *
   * @throws {SkynetError} `ERR_WAIT_TIMEOUT`, `ABORT_ERR` as asked for; `ERR_SERVICE_EXITED`.
   */
  async next(options?: WaitOptions): Promise<IteratorResult<T, undefined>> {
    checkWait('take a message', options)
    const message = this.#waiting.shift()
    if (message !== undefined) {
      return { value: this.#decoded((message.value as Published).bytes!), done: false }
    }
    if (this.#isOver) return { value: undefined, done: true }
    const about = { kind: 'channel', what: `message of channel ${this.channel}` } as const
    const taker: Waiter<IteratorResult<T, undefined>> = new Waiter(
      this.#own.service,
      about,
      options,
      (over) => this.#takers.delete(over),
    )
    if (!taker.isOver) this.#takers.add(taker)
    return taker.promise
  }

  /** The loop was left: nothing more is wanted. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.unsubscribe()
    return { value: undefined, done: true }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Nothing comes any more, also what is on its way or waits here. Harmless when it has ended. */
  unsubscribe(): void {
    if (this.#isOver) return
    this.#own.remove(this as Subscription<unknown>)
    while (this.#waiting.shift() !== undefined);
    this.#finish('unsubscribed')
  }

  [Symbol.dispose](): void {
    this.unsubscribe()
  }

  /** @internal Its service ends, and rejects those who wait in `next`. */
  exited(): void {
    this.#end('exited')
  }

  #finish(reason: SubscriptionEnd): void {
    this.#isOver = true
    for (const taker of this.#takers) taker.resolve({ value: undefined, done: true })
    this.#end(reason)
  }
}

const KEY = new PartKey<Subscriptions>()

/** Made with the first use. */
export const subscriptionsOf = (service: SubscriptionsHost, multicast: Multicast): Subscriptions =>
  service.part(KEY) ?? service.addPart(KEY, new Subscriptions(service, multicast))

/** Undefined: it has never had one. */
export const knownSubscriptions = (service: PartHost): Subscriptions | undefined =>
  service.part(KEY)
