/** What nodes ask of the services `.cluster` of each other. */
import type { RemoteLaunch } from '../launch/remote.ts'
import type { ServiceRef } from '../service/ref.ts'

export interface PeerMethods {
  /** Who has that local name there. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  find(name: string): ServiceRef
  /** How many services there are. */
  load(): number
  /** Is a channel of that number at home there? */
  hasChannel(id: number): boolean
  /** A child of a supervisor of who asks, which has named it. */
  childHere(
    id: string,
    supervisor: ServiceRef,
    module: string,
    build: string,
    options: RemoteLaunch,
  ): Promise<ServiceRef>
  /** Resolves when it has ended, or has never been. */
  endChildHere(id: string): Promise<void>
  launchHere(module: string, build: string, options: RemoteLaunch): Promise<ServiceRef>
}
