/** The service of a node that is in a cluster: docs/cluster.md. */
import { checkOptions, refusedBy } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
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
  const ways = transport === 'nats' ? await natsWays(skynet, config) : tcpWays(skynet, config)
  return clusterService(skynet, config, ways)
})

/** Options of a transport are keys of the config: what is wrong with one is told as there. */
function asKey(error: unknown, above: string): never {
  const { name, value = '', expected, known } = refusedBy(error) ?? {}
  if (name === undefined) throw error
  const key = `${above}.${name}`
  if (expected !== undefined) {
    throw new SkynetError('ERR_CONFIG_VALUE', { key, expected, value })
  }
  const names = known?.map((each) => `${above}.${each}`)
  throw new SkynetError('ERR_CONFIG_KEY', { key, known: `${names?.join(', ')}` })
}

function tcpWays(skynet: Skynet, config: ClusterServiceConfig): ClusterWays {
  const given = Object.entries(config).filter(([name]) => TCP_OPTION_NAMES.includes(name))
  const options = Object.fromEntries(given) as unknown as TcpClusterOptions
  const { leaseMs } = config
  try {
    return tcpCluster(options, skynet, leaseMs === undefined ? {} : { leaseMs })
  } catch (error) {
    return asKey(error, 'cluster')
  }
}

/** Loaded for who wants it: it needs a package of others. */
async function natsWays(skynet: Skynet, config: ClusterServiceConfig): Promise<ClusterWays> {
  const { name: node, cluster = 'skynet', nats } = config
  const { natsCluster } = await import('../cluster/nats/nats-cluster.ts')
  try {
    return natsCluster({ ...nats!, cluster, node, log: (line) => skynet.log(line) })
  } catch (error) {
    return asKey(error, 'cluster.nats')
  }
}
