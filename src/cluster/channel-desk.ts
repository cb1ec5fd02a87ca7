/** What is asked of the channels that several nodes have, by services here and by other nodes. */
import { SkynetError } from '../base/errors.ts'
import type { ChannelAddress } from '../skynet/cluster-channels.ts'
import type { ClusterBorder } from './border.ts'
import type { PeerAddress } from './core/transport.ts'
import type { BorderPeer } from './peer.ts'
import type { PeerServices } from './peer-services.ts'

export interface ChannelDeskHost {
  readonly self: PeerAddress
  readonly border: Pick<ClusterBorder, 'channels' | 'peerUp'>
  readonly node: { peer(node: string): PeerAddress | undefined }
}

export class ChannelDesk {
  readonly #host: ChannelDeskHost
  readonly #others: PeerServices
  readonly #opening = new Map<string, Promise<number>>()

  constructor(host: ChannelDeskHost, others: PeerServices) {
    this.#host = host
    this.#others = others
  }

  /** For another node: is the home of that channel here? */
  has(id: number): boolean {
    const { channels } = this.#host.border
    return channels.has(id) && channels.homeOf(id) === undefined
  }

  /**
   * What other nodes open a channel by, that this one has.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`, `ERR_NODE_UNKNOWN`.
   */
  addressOf(id: number): ChannelAddress {
    const { self, border } = this.#host
    if (!border.channels.has(id)) throw unknown(id)
    const home = border.channels.homeOf(id)
    const { node, epoch } = home?.peer ?? self
    // It is no member so far, and nobody would know it by that.
    if (epoch === 0) throw new SkynetError('ERR_NODE_UNKNOWN', { node })
    return { node, epoch, id: home?.id ?? id }
  }

  /**
   * What services here call the channel of that address.
   *
   * @throws {SkynetError} `ERR_CHANNEL_UNKNOWN`, `ERR_CHANNEL_LIMIT`, `ERR_NODE_UNKNOWN`,
   * `ERR_NODE_LOST`, `ERR_CALL_TIMEOUT`.
   */
  async open({ node, epoch, id }: ChannelAddress): Promise<number> {
    const { self, border, node: own } = this.#host
    if (node === self.node && epoch === self.epoch) {
      if (!this.has(id)) throw unknown(id)
      return id
    }
    const address = own.peer(node)
    if (address === undefined) throw new SkynetError('ERR_NODE_UNKNOWN', { node })
    if (address.epoch !== epoch) throw new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'no' })
    const key = `${node}/${epoch}/${id}`
    const opening = this.#opening.get(key)
    if (opening !== undefined) return opening
    const peer = border.peerUp(address)
    const known = border.channels.mirrorOf(peer, id)
    if (known !== undefined) return known
    const asked = this.#ask(peer, id).finally(() => this.#opening.delete(key))
    this.#opening.set(key, asked)
    return asked
  }

  /** For all who ask meanwhile, each with a deadline of its own. */
  async #ask(peer: BorderPeer, id: number): Promise<number> {
    const { channels } = this.#host.border
    channels.open(peer, id)
    try {
      if (!(await this.#others.ask(peer.node, 0, (there) => there.hasChannel(id)))) {
        throw unknown(id)
      }
    } catch (error) {
      channels.close(peer, id)
      throw error
    }
    const mirror = channels.mirrorOf(peer, id)
    if (mirror === undefined) throw unknown(id)
    return mirror
  }
}

const unknown = (id: number): Error =>
  new SkynetError('ERR_CHANNEL_UNKNOWN', { channel: String(id) })
