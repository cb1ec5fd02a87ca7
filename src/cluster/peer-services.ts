/** The services `.cluster` of other nodes, as this one asks them. */
import { SkynetError } from '../base/errors.ts'
import type { RemoteLaunch } from '../launch/remote.ts'
import type { BoundRef, ServiceRef } from '../service/ref.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { ClusterBorder } from './border.ts'
import type { PeerAddress } from './core/transport.ts'

export const CLUSTER_SERVICE = '.cluster'

export interface PeerMethods {
  /** Who has that local name there. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  find(name: string): ServiceRef
  /** How many services there are. */
  load(): number
  /** Is a channel of that number at home there? */
  hasChannel(id: number): boolean
  launchHere(module: string, build: string, options: RemoteLaunch): Promise<ServiceRef>
}

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
   * @param timeoutMs 0: as long as any call to another node.
   * @throws {SkynetError} `ERR_NODE_UNKNOWN`.
   */
  at(node: string, timeoutMs: number): BoundRef<PeerMethods>['call'] {
    const { border, node: own } = this.#host
    const address = own.peer(node)
    if (address === undefined) throw new SkynetError('ERR_NODE_UNKNOWN', { node })
    const handle = border.handleFor(border.peerUp(address), CLUSTER_SERVICE)
    const ref = this.#skynet.ref(handle) as ServiceRef<PeerMethods>
    return ref.with({ timeoutMs: timeoutMs || this.#callTimeoutMs }).call
  }
}
