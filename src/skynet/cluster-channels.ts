/** Channels over nodes: how others name them, and what the service of the cluster is asked. */
import { checkInteger, checkPlain, checkText, isA, refusal } from '../base/check.ts'
import type { Multicast } from '../kernel/multicast.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { checkWait } from '../service/wait-options.ts'
import { Channel, type ChannelHost } from '../sharing/multicast.ts'

/** Of the compiler alone. */
declare const SAID: unique symbol

/**
 * What a channel is called on other nodes of the cluster: plain data, to be sent to whoever is to
 * have it. Made by `skynet.cluster.shareChannel`.
 */
export interface ChannelAddress<T = unknown> {
  /** The node that has made it, at that epoch. */
  readonly node: string
  readonly epoch: number
  readonly id: number
  readonly [SAID]?: T
}

/** Any channel of this node. */
export type Shareable<T> = Pick<Channel<T>, 'id' | 'publish'>

/** Of a worker, what its services need to have channels. */
export interface ChannelSite {
  readonly multicast: Multicast
}

/** @throws `TypeError`, `RangeError`. */
export function shareMessage(channel: unknown, options: WaitOptions | undefined): unknown[] {
  const what = 'share a channel'
  if (!isA(channel, Channel)) throw refusal('type', what, 'channel', 'a channel', channel)
  checkWait(what, options)
  return ['shareChannel', channel.id]
}

/** @throws `TypeError`, `RangeError`. */
export function openMessage(
  address: ChannelAddress<unknown>,
  options: WaitOptions | undefined,
): unknown[] {
  const what = 'open a channel'
  checkPlain(what, 'address', address)
  const { node, epoch, id } = address
  checkText(what, 'address.node', node)
  checkInteger(what, 'address.epoch', epoch, 1, Number.MAX_SAFE_INTEGER)
  checkInteger(what, 'address.id', id, 1, Number.MAX_SAFE_INTEGER)
  checkWait(what, options)
  return ['openChannel', { node, epoch, id }]
}

export const channelOf = <T>(
  service: ChannelHost,
  { multicast }: ChannelSite,
  id: number,
): Channel<T> => new Channel<T>(service, multicast, id)
