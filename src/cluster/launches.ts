/** Launching services for other nodes, and on them. */
import { SkynetError } from '../base/errors.ts'
import { launchOptions } from '../launch/options.ts'
import type { NodePlacement } from '../launch/placement.ts'
import type { RemoteLaunch } from '../launch/remote.ts'
import type { ServiceRef } from '../service/ref.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { Application } from './application.ts'
import { childrenOn } from './children-on.ts'
import type { Drive } from './drive.ts'
import type { PeerServices } from './peer-services.ts'
import { type LoadOf, placeOn } from './placing.ts'
import { Supervised } from './supervised.ts'

export interface LaunchesHost {
  readonly skynet: Skynet
  readonly drive: Drive
  readonly application: Application
  readonly others: PeerServices
}

export class Launches {
  readonly #host: LaunchesHost
  readonly supervised: Supervised

  constructor(host: LaunchesHost) {
    this.#host = host
    const checkTakes = (path: string): void => this.#checkTakes(path)
    const children = childrenOn(host.skynet, host.drive)
    this.supervised = new Supervised({ ...host, loadOf: this.#loadOf, checkTakes }, children)
  }

  /** How many services there are here. */
  load(): number {
    const { loads } = Skynet.siteOf(this.#host.skynet)
    let sum = 0
    for (let worker = 0; worker < loads.workers; worker++) sum += loads.of(worker)
    return sum
  }

  readonly #loadOf: LoadOf = async (node, limitMs) => {
    const { drive, others } = this.#host
    return node === drive.self.node ? this.load() : others.ask(node, limitMs, (peer) => peer.load())
  }

  /** On whichever node it is to be. @param timeoutMs 0: as long as any call to another node. */
  async on(
    where: NodePlacement,
    url: string,
    options: RemoteLaunch,
    timeoutMs: number,
  ): Promise<ServiceRef> {
    const { skynet, drive, application, others } = this.#host
    const own = drive.self.node
    const node = await placeOn(where, drive.nodes(), this.#loadOf)
    if (node === own) {
      this.#checkTakes(url)
      return skynet.newService(url, launchOptions(options))
    }
    const module = application.moduleOf(url)
    return others.ask(node, timeoutMs, (peer) =>
      peer.launchHere(module, application.build, options),
    )
  }

  /** For another node. */
  async here(module: string, build: string, options: RemoteLaunch): Promise<ServiceRef> {
    const { skynet, application } = this.#host
    this.#checkTakes(module)
    return skynet.newService(application.urlOf(module, build), launchOptions(options))
  }

  /** @throws {SkynetError} `ERR_SERVICE_LAUNCH`. */
  #checkTakes(path: string): void {
    const { drive } = this.#host
    if (!drive.isDraining) return
    const reason = `node ${drive.self.node} takes nothing new, it is about to stop`
    throw new SkynetError('ERR_SERVICE_LAUNCH', { path, reason })
  }
}
