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
const OF_ALL = ['transport', 'callTimeoutMs', 'leaseMs', 'build']
const KEYS = {
  tcp: [...TCP_OPTION_NAMES, ...OF_ALL],
  nats: ['name', 'cluster', 'nats', ...OF_ALL],
} as const

export default defineService(async (skynet, config: ClusterServiceConfig) => {
  const { transport = 'tcp' } = config
  const { start: _, ...given } = config
  checkOptions(`${WHAT} over ${transport}`, 'cluster', given, KEYS[transport])
  const ways =
    transport === 'nats' ? await natsWays(skynet, config).catch(asKey) : tcpWays(skynet, config)
  return clusterService(skynet, config, ways)
})

/** Options of a transport are keys below `cluster` of the config: so its errors name them. */
function asKey(error: unknown): never {
  if (error instanceof TypeError || error instanceof RangeError) {
    error.message = error.message.replace(/ as '/, " as 'cluster.")
  }
  throw error
}

function tcpWays(skynet: Skynet, config: ClusterServiceConfig): ClusterWays {
  const given = Object.entries(config).filter(([name]) => TCP_OPTION_NAMES.includes(name))
  const options = Object.fromEntries(given) as unknown as TcpClusterOptions
  const { leaseMs } = config
  try {
    return tcpCluster(options, skynet, leaseMs === undefined ? {} : { leaseMs })
  } catch (error) {
    return asKey(error)
  }
}

/** Loaded for who wants it: it needs a package of others. */
async function natsWays(skynet: Skynet, config: ClusterServiceConfig): Promise<ClusterWays> {
  const { name: node, cluster = 'skynet', nats } = config
  checkPlain(WHAT, 'nats', nats)
  const { natsCluster } = await import('../cluster/nats/nats-cluster.ts')
  return natsCluster({ ...nats!, cluster, node, log: (line) => skynet.log(line) })
}
