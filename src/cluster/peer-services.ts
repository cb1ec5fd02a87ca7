/** The services `.cluster` of other nodes, as this one asks them. */
import { SkynetError } from '../base/errors.ts'
import { type Names, NODE_NAMES } from '../kernel/names.ts'
import type { BoundRef, ServiceRef } from '../service/ref.ts'
import { ofBoth } from '../service/sendable.ts'
import type { ClusterMethods } from '../skynet/cluster-api.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { ClusterBorder } from './border.ts'
import type { PeerAddress } from './core/transport.ts'
import type { PeerMethods } from './peer-methods.ts'

export const CLUSTER_SERVICE = '.cluster'

/** All that the service `.cluster` of a node is asked. */
export type NodeMethods = ClusterMethods & PeerMethods

type PeerCalls = BoundRef<PeerMethods>['call']

export interface PeerServicesHost {
  readonly border: ClusterBorder
  readonly node: { peer(node: string): PeerAddress | undefined }
}

export class PeerServices {
  readonly #skynet: Skynet
  readonly #host: PeerServicesHost
  readonly #callTimeoutMs: number

  constructor(skynet: Skynet, host: PeerServicesHost, callTimeoutMs: number) {
    this.#skynet = skynet
    this.#host = host
    this.#callTimeoutMs = callTimeoutMs
  }

  /**
   * Ask one thing of that node, which is all that is done for who asked here: what has not run
   * there has not run for him.
   *
   * @param timeoutMs 0: as long as any call to another node.
   * @throws {SkynetError} `ERR_NODE_UNKNOWN`, and as that node or the way to it says.
   */
  async ask<T>(
    node: string,
    timeoutMs: number,
    request: (peer: PeerCalls) => Promise<T>,
  ): Promise<T> {
    const calls = this.#at(node, timeoutMs)
    try {
      return await request(calls)
    } catch (error) {
      throw ofBoth(error)
    }
  }

  #at(node: string, timeoutMs: number): PeerCalls {
    const { border, node: own } = this.#host
    const address = own.peer(node)
    if (address === undefined) throw new SkynetError('ERR_NODE_UNKNOWN', { node })
    const handle = border.handleFor(border.peerUp(address), CLUSTER_SERVICE)
    const ref = this.#skynet.ref(handle) as ServiceRef<PeerMethods>
    return ref.with({ timeoutMs: timeoutMs || this.#callTimeoutMs }).call
  }
}

/**
 * Who has that local name here, for who asks by it. What is of the node itself is for its services.
 *
 * @throws {SkynetError} `ERR_NAME_UNKNOWN`.
 */
export function findHere(names: Pick<Names, 'query'>, node: string, name: string): number {
  const handle = NODE_NAMES.includes(name) ? 0 : names.query(name)
  if (handle === 0) throw new SkynetError('ERR_NAME_UNKNOWN', { name: `${node}${name}` })
  return handle
}
