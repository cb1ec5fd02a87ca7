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
  launchHere(module: string, build: string, options: RemoteLaunch): Promise<ServiceRef>
}
