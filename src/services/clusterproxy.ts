/** Stands for a service of another node in a cluster of Skynet: docs/skynet-cluster.md. */

import { defineService } from '../skynet/define-service.ts'
import { clusterproxy } from '../skynet-cluster/proxy.ts'

export default defineService((skynet, node: string, address: number | string) =>
  clusterproxy(skynet, node, address),
)
