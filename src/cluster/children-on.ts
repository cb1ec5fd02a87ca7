/** What supervisors of other nodes have here, on the node of one service `.cluster`. */
import { formatHandle } from '../base/errors.ts'
import { CLUSTER_CHILD_MS } from '../base/limits.ts'
import { launchFrom } from '../launch/imported.ts'
import { launchOptions } from '../launch/options.ts'
import { orderHome } from '../service/ordering.ts'
import { WaitLimits } from '../service/wait-options.ts'
import { Skynet } from '../skynet/skynet.ts'
import type { HoldOrder } from '../supervision/holding.ts'
import { Children } from './children.ts'
import type { Drive } from './drive.ts'

export function childrenOn(skynet: Skynet, drive: Pick<Drive, 'self'>): Children {
  const service = Skynet.serviceOf(skynet)
  const site = Skynet.siteOf(skynet)
  return new Children({
    self: () => drive.self,
    launch: async (url, options, signal) => {
      const limits = new WaitLimits({ timeoutMs: 0, signal })
      return launchFrom(service, site, url, launchOptions(options), { isChild: true, limits })
    },
    ended: (handle, signal) => skynet.monitor(handle, { signal }),
    kill: (handle) => skynet.kill(handle),
    unkilled: (handle, error) => {
      skynet.error(`a child of another node, ${formatHandle(handle)}, cannot be ended yet:`, error)
    },
    rest: () =>
      skynet.sleep(CLUSTER_CHILD_MS).then(
        () => true,
        () => false,
      ),
    hold: (handle, isOn) => {
      const order: HoldOrder = { order: 'hold', handle, isOn }
      orderHome(service.runtime, 0, 0, order)
    },
  })
}
