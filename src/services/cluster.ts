/** The service of a node that is in a cluster: docs/cluster.md. */
import {
  type ClusterSettings,
  type ClusterWays,
  clusterService,
} from '../cluster/cluster-service.ts'
import { TCP_OPTION_NAMES, type TcpClusterOptions } from '../cluster/tcp/options.ts'
import { tcpCluster } from '../cluster/tcp/tcp-cluster.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'

/** The key `cluster` of the config, and where the application is. */
export type ClusterServiceConfig = ClusterSettings &
  TcpClusterOptions & { readonly transport?: 'tcp' | 'nats' }

export default defineService(async (skynet, config: ClusterServiceConfig) =>
  clusterService(skynet, config, waysOf(skynet, config)),
)

function waysOf(skynet: Skynet, config: ClusterServiceConfig): ClusterWays {
  const given = Object.entries(config).filter(([name]) => TCP_OPTION_NAMES.includes(name))
  const options = Object.fromEntries(given) as unknown as TcpClusterOptions
  const { leaseMs } = config
  return tcpCluster(options, skynet, leaseMs === undefined ? {} : { leaseMs })
}
