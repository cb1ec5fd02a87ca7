/** The service of a node that is in a cluster: docs/cluster.md. */
import { checkOptions, checkPlain } from '../base/check.ts'
import { type ClusterSettings, clusterService } from '../cluster/cluster-service.ts'
import type { NatsOptions } from '../cluster/nats/options.ts'
import { TCP_OPTION_NAMES, type TcpClusterOptions } from '../cluster/tcp/options.ts'
import { tcpCluster } from '../cluster/tcp/tcp-cluster.ts'
import type { ClusterWays } from '../cluster/ways.ts'
import { defineService } from '../skynet/define-service.ts'
import type { Skynet } from '../skynet/skynet.ts'

/** The key `cluster` of the config, and where the application is. */
export type ClusterServiceConfig = ClusterSettings &
  TcpClusterOptions & {
    readonly transport?: 'tcp' | 'nats'
    readonly nats?: NatsOptions
  }

const WHAT = 'join a cluster'
const OF_ALL = ['name', 'cluster', 'transport', 'callTimeoutMs', 'leaseMs', 'build', 'start']

export default defineService(async (skynet, config: ClusterServiceConfig) => {
  const ways =
    config.transport === 'nats' ? await natsWays(skynet, config) : tcpWays(skynet, config)
  return clusterService(skynet, config, ways)
})

/** @throws `TypeError` for what is of another transport. */
function tcpWays(skynet: Skynet, config: ClusterServiceConfig): ClusterWays {
  checkOptions(WHAT, 'cluster', config, [...OF_ALL, ...TCP_OPTION_NAMES])
  const given = Object.entries(config).filter(([name]) => TCP_OPTION_NAMES.includes(name))
  const options = Object.fromEntries(given) as unknown as TcpClusterOptions
  const { leaseMs } = config
  return tcpCluster(options, skynet, leaseMs === undefined ? {} : { leaseMs })
}

/** Loaded for who wants it: it needs a package of others. */
async function natsWays(skynet: Skynet, config: ClusterServiceConfig): Promise<ClusterWays> {
  checkOptions(WHAT, 'cluster', config, [...OF_ALL, 'nats'])
  const { name: node, cluster = 'skynet', nats } = config
  checkPlain(WHAT, 'nats', nats)
  const { natsCluster } = await import('../cluster/nats/nats-cluster.ts')
  return natsCluster({ ...nats!, cluster, node, log: (line) => skynet.log(line) })
}
