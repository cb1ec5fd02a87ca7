/** Children of supervisors on other nodes: of supervisors here, and for those of other nodes. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { CLUSTER_CHILD_MS } from '../base/limits.ts'
import { launchOptions } from '../launch/options.ts'
import type { NodePlacement } from '../launch/placement.ts'
import type { ChildPlace, RemoteLaunch } from '../launch/remote.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { Skynet } from '../skynet/skynet.ts'
import type { Application } from './application.ts'
import type { Children } from './children.ts'
import type { Drive } from './drive.ts'
import type { PeerServices } from './peer-services.ts'
import { type LoadOf, placeOn } from './placing.ts'

export interface SupervisedHost {
  readonly skynet: Skynet
  readonly drive: Drive
  readonly application: Application
  readonly others: PeerServices
  readonly loadOf: LoadOf
  /** @throws {SkynetError} `ERR_SERVICE_LAUNCH`: this node takes nothing new. */
  checkTakes(path: string): void
}

const NOWHERE = { state: 'down', epoch: 0 } as const

export class Supervised {
  readonly #host: SupervisedHost
  /** What supervisors of other nodes have here. */
  readonly children: Children
  #last = 0

  constructor(host: SupervisedHost, children: Children) {
    this.#host = host
    this.children = children
  }

  /** Where a child of a supervisor here is to be. */
  async place(where: NodePlacement): Promise<ChildPlace> {
    const { drive, loadOf } = this.#host
    const node = await placeOn(where, drive.nodes(), loadOf)
    const { state, epoch } = drive.nodes().find((each) => each.node === node) ?? NOWHERE
    if (state === 'suspect') throw new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'no' })
    if (state !== 'up') throw new SkynetError('ERR_NODE_UNKNOWN', { node })
    return { node, epoch, id: `${drive.self.node}@${drive.self.epoch}/${++this.#last}` }
  }

  /** @param timeoutMs 0: as long as any call to another node. */
  async launch(
    { node, epoch, id }: ChildPlace,
    supervisor: ServiceRef,
    url: string,
    options: RemoteLaunch,
    timeoutMs: number,
  ): Promise<ServiceRef> {
    const { drive, application, others } = this.#host
    const module = application.moduleOf(url)
    if (drive.node.peer(node)?.epoch !== epoch) {
      throw new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'no' })
    }
    const { build } = application
    return others.ask(node, timeoutMs, (peer) =>
      peer.childHere(id, supervisor, module, build, options),
    )
  }

  /** Until its node has answered, or is no more at that epoch. */
  async end(place: ChildPlace): Promise<void> {
    const { drive, others, skynet } = this.#host
    while (!drive.isOver(place)) {
      try {
        if (drive.node.peer(place.node) !== undefined) {
          return await others.ask(place.node, 0, (peer) => peer.endChildHere(place.id))
        }
      } catch (error) {
        // It runs a version that has launched nothing of that kind.
        if (isSkynetError(error, 'ERR_METHOD_UNKNOWN')) return
      }
      await skynet.sleep(CLUSTER_CHILD_MS)
    }
  }

  /** For a supervisor of another node. */
  async launchHere(
    id: string,
    supervisor: ServiceRef,
    module: string,
    build: string,
    options: RemoteLaunch,
  ): Promise<ServiceRef> {
    const { skynet, application, checkTakes } = this.#host
    checkTakes(module)
    const url = application.urlOf(module, build)
    const given = launchOptions(options)
    return skynet.ref(await this.children.launch(id, supervisor.handle, url, given))
  }
}
