/**
 * One message to every subscriber of a channel. It is packed once; one record goes to each worker
 * that has subscribers, and all of them there share its bytes, which each unpacks for itself.
 *
 * The records go the way of all messages of this worker, so they keep one order with its sends.
 */
import { SkynetError } from '../base/errors.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Packer } from '../wire/seri.ts'
import type { Channels } from './channels.ts'
import type { Context } from './context.ts'
import type { Outbox } from './outbox.ts'
import type { Scheduler } from './scheduler.ts'

/** The value of a MULTICAST message in a mailbox. */
export interface Published {
  readonly channel: number
  /** What was published, packed: shared by all who get it. Undefined: the channel was deleted. */
  readonly bytes: Buffer | undefined
}

export interface MulticastOptions {
  readonly worker: number
  readonly channels: Channels
  readonly scheduler: Pick<Scheduler, 'deliver'>
  readonly packer: Packer
  /** By worker number; the own one is never used. */
  readonly outboxes: readonly Outbox[]
}

export class Multicast {
  readonly #options: MulticastOptions
  /** Who on this worker gets what is published, by channel. */
  readonly #audiences = new Map<number, Set<Context>>()

  constructor(options: MulticastOptions) {
    this.#options = options
  }

  get channels(): Channels {
    return this.#options.channels
  }

  /**
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`; what cannot be part of a message. Nothing was
   * sent then.
   */
  publish(channel: number, source: number, value: unknown): void {
    const { channels, packer } = this.#options
    if (!channels.has(channel)) throw unknownChannel(channel)
    const length = packer.pack(value)
    this.#toAll(channel, source, length)
  }

  /** @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`. */
  delete(channel: number, source: number): void {
    if (!this.#options.channels.end(channel)) throw unknownChannel(channel)
    this.#toAll(channel, source, 0)
  }

  /** @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`. */
  join(channel: number, context: Context): void {
    const { channels, worker } = this.#options
    const audience = this.#audiences.get(channel)
    if (audience !== undefined) {
      audience.add(context)
      return
    }
    if (!channels.join(channel, worker)) throw unknownChannel(channel)
    this.#audiences.set(channel, new Set([context]))
  }

  leave(channel: number, context: Context): void {
    const audience = this.#audiences.get(channel)
    if (audience === undefined || !audience.delete(context) || audience.size > 0) return
    this.#forget(channel)
  }

  /** A record of another worker. `bytes` belong to the receivers; none: the channel is deleted. */
  receive(channel: number, source: number, bytes: Buffer): void {
    const audience = this.#audiences.get(channel)
    // They all left, or the channel ended, while it was on its way.
    if (audience === undefined) return
    if (bytes.length === 0) this.#forget(channel)
    const value: Published = { channel, bytes: bytes.length === 0 ? undefined : bytes }
    const message = { type: PTYPE.MULTICAST, source, session: 0, value }
    for (const context of audience) this.#options.scheduler.deliver(context, message)
  }

  /** The first `length` bytes of the packer. None: the channel is deleted. */
  #toAll(channel: number, source: number, length: number): void {
    const { channels, worker, outboxes, packer } = this.#options
    for (
      let home = channels.nextWorker(channel, 0);
      home >= 0;
      home = channels.nextWorker(channel, home + 1)
    ) {
      if (home !== worker) {
        outboxes[home]!.sendPacked(PTYPE.MULTICAST, 0, source, channel, length)
      } else this.receive(channel, source, Buffer.from(packer.bytes.subarray(0, length)))
    }
  }

  #forget(channel: number): void {
    const { channels, worker } = this.#options
    this.#audiences.delete(channel)
    channels.leave(channel, worker)
  }
}

const unknownChannel = (channel: number): Error =>
  new SkynetError('ERR_CHANNEL_UNKNOWN', { channel: String(channel) })
