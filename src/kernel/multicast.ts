/**
 * One message to every subscriber of a channel. It is packed once; one record goes to each worker
 * that has subscribers, and all of them there share its bytes, which each unpacks for itself.
 *
 * The records go the way of all messages of this worker, so they keep one order with its sends.
 */

import type { Packer } from '../wire/pack.ts'
import { PTYPE } from '../wire/ptype.ts'
import type { Channels } from './channels.ts'
import type { Context } from './context.ts'
import type { Outbox } from './outbox.ts'
import type { Scheduler } from './scheduler.ts'

/** The value of a MULTICAST message in a mailbox. */
export interface Published {
  readonly channel: number
  /** What was published, packed: shared by all who get it. Undefined: the channel was deleted. */
  readonly bytes: Buffer | undefined
  /** How many had come to this worker with it: tells what came before somebody subscribed. */
  readonly number: number
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
  #received = 0

  constructor(options: MulticastOptions) {
    this.#options = options
  }

  get channels(): Channels {
    return this.#options.channels
  }

  /** How many have come to this worker, of all channels. */
  get received(): number {
    return this.#received
  }

  // Each of these says false when there is no such channel (any more); nothing was done then.

  /** @throws What cannot be part of a message; nothing was sent then. */
  publish(channel: number, source: number, value: unknown): boolean {
    const { channels, packer } = this.#options
    if (!channels.has(channel)) return false
    const length = packer.pack(value)
    this.#toAll(channel, source, length)
    return true
  }

  /**
   * As `publish`, of what has come packed from another node: `bytes` belong to the receivers.
   *
   * @param but Gets nothing: who has brought it.
   */
  publishPacked(channel: number, source: number, bytes: Buffer, but: Context): boolean {
    const { channels, worker, outboxes } = this.#options
    if (!channels.has(channel)) return false
    const { length } = bytes
    for (
      let home = channels.nextWorker(channel, 0);
      home >= 0;
      home = channels.nextWorker(channel, home + 1)
    ) {
      if (home !== worker) {
        outboxes[home]!.sendBytes(PTYPE.MULTICAST, 0, source, channel, bytes, 0, length)
      } else this.receive(channel, source, bytes, but)
    }
    return true
  }

  delete(channel: number, source: number): boolean {
    if (!this.#options.channels.end(channel)) return false
    this.#toAll(channel, source, 0)
    return true
  }

  join(channel: number, context: Context): boolean {
    const { channels, worker } = this.#options
    const audience = this.#audiences.get(channel)
    if (audience !== undefined) {
      audience.add(context)
      return true
    }
    if (!channels.join(channel, worker)) return false
    this.#audiences.set(channel, new Set([context]))
    return true
  }

  leave(channel: number, context: Context): void {
    const audience = this.#audiences.get(channel)
    if (audience === undefined || !audience.delete(context) || audience.size > 0) return
    this.#forget(channel)
  }

  /**
   * A record of another worker. `bytes` belong to the receivers; none: the channel is deleted.
   * Returns how many those are. Who passes it on to other nodes has it at once, in order with the
   * messages that it passes on.
   */
  receive(channel: number, source: number, bytes: Buffer, but?: Context): number {
    const audience = this.#audiences.get(channel)
    // They all left, or the channel ended, while it was on its way.
    if (audience === undefined) return 0
    if (bytes.length === 0) this.#forget(channel)
    const number = ++this.#received
    const value: Published = { channel, bytes: bytes.length === 0 ? undefined : bytes, number }
    const message = { type: PTYPE.MULTICAST, source, session: 0, value }
    for (const context of audience) {
      const { forwarder, handle } = context
      if (context === but) continue
      if (forwarder === undefined) this.#options.scheduler.deliver(context, message)
      else
        forwarder.forward(handle, message.type, source, channel, 0, bytes, 0, bytes.length, false)
    }
    return audience.size
  }

  /** A worker died, perhaps before all were told of the end of a channel. */
  workerDied(): void {
    const nobody = 0
    for (const channel of this.#audiences.keys()) {
      if (!this.channels.has(channel)) this.receive(channel, nobody, Buffer.alloc(0))
    }
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
