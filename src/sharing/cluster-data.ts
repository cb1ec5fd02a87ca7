/**
 * The values that a whole cluster has: a `datacenterd` that is one in it. It may be another one at
 * any time, which has none of the values of the one before. A wait goes on with that.
 */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { DATACENTER_POLL_MS } from '../base/limits.ts'
import { askForUnique, type UniqueSite } from '../launch/cluster-unique.ts'
import type { ClusterAsker } from '../launch/remote.ts'
import type { ManagerHost } from '../launch/unique-service.ts'
import { type WaitFor, waitAlong } from '../service/wait.ts'
import { WaitLimits, type WaitOptions } from '../service/wait-options.ts'
import { Datacenter, type DataHome } from './datacenter.ts'

/** What a wait does not end with: the next one who keeps the values can be asked. */
const PASSES = [
  'ERR_NODE_LOST',
  'ERR_CALL_DEAD',
  'ERR_CALL_TIMEOUT',
  'ERR_LINK_FULL',
  'ERR_FENCED',
  'ERR_NAME_UNKNOWN',
] as const
/** Until it is asked again. */
const RETRY_MS = 100

/** The service that uses it. */
export type ClusterDataHost = ManagerHost & ClusterAsker

class ClusterData implements DataHome {
  readonly #service: ClusterDataHost
  readonly #site: UniqueSite
  #daemon = 0

  constructor(service: ClusterDataHost, site: UniqueSite) {
    this.#service = service
    this.#site = site
  }

  async find({ timeoutMs, signal }: WaitLimits): Promise<number> {
    const service = this.#service
    if (service.runtime.handles.workerOf(this.#daemon) < 0) {
      const options = { ...(timeoutMs && { timeoutMs }), ...(signal && { signal }) }
      this.#daemon = await askForUnique(service, this.#site, 'datacenterd', options)
    }
    return this.#daemon
  }

  async wait(path: readonly unknown[], options: WaitOptions): Promise<unknown> {
    const about: WaitFor = {
      kind: 'wait',
      what: 'the datacenter of the cluster',
      late: (timeoutMs) => {
        const info = { to: 'the datacenter of the cluster', method: 'wait', timeoutMs }
        return new SkynetError('ERR_CALL_TIMEOUT', info)
      },
    }
    let isWanted = true
    try {
      const found = this.#poll(path, () => isWanted)
      return await waitAlong(this.#service, about, options, found)
    } finally {
      isWanted = false
    }
  }

  /** In pieces that the keeper itself ends: of who has given up, or has died, nothing is left. */
  async #poll(path: readonly unknown[], isWanted: () => boolean): Promise<unknown> {
    const service = this.#service
    const unlimited = new WaitLimits({ timeoutMs: 0 })
    while (isWanted()) {
      try {
        const message = ['poll', path, DATACENTER_POLL_MS]
        const limits = { timeoutMs: 2 * DATACENTER_POLL_MS }
        const answer = await service.callMethod(await this.find(unlimited), message, limits)
        const [found] = answer as readonly [unknown?]
        if (found !== undefined) return found
      } catch (error) {
        if (!PASSES.some((code) => isSkynetError(error, code))) throw error
        this.#daemon = 0
        await new Promise<void>((resolve) => service.after(RETRY_MS, resolve))
        if (service.isEnding) throw error
      }
    }
    return undefined
  }
}

export const clusterDatacenter = (service: ClusterDataHost, site: UniqueSite): Datacenter =>
  new Datacenter(service, new ClusterData(service, site))
