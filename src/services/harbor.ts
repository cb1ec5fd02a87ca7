/** Connects this node with the harbors of others, also those of Skynet itself: docs/harbor.md. */
import { clusterHarbor } from '../harbor/cluster-harbor.ts'
import {
  type ClusterHarborOptions,
  checkHarborLimits,
  type HarborOptions,
} from '../harbor/harbor-options.ts'
import { harborService } from '../harbor/harbor-service.ts'
import { defineService } from '../skynet/define-service.ts'

export default defineService((skynet, options: HarborOptions | ClusterHarborOptions) =>
  options.cluster === true
    ? clusterHarbor(skynet, checkHarborLimits(options))
    : harborService(skynet, options),
)
