/** A cluster without another program: the transport of its frames, and the store of its seed. */
import { wallNow } from '../../base/event-loop.ts'
import { CLUSTER_LEASE_MS } from '../../base/limits.ts'
import type { ClusterStore } from '../core/store.ts'
import { StoreTable } from '../core/store-table.ts'
import type { ClusterTransport } from '../core/transport.ts'
import { TcpNet } from './net.ts'
import { checkTcp, type TcpClusterOptions } from './options.ts'
import { OwnStore } from './own-store.ts'
import { SeedStore } from './seed-store.ts'
import type { TcpHost } from './sockets.ts'
import { noStore, StoreHost } from './store-host.ts'
import { TcpTransport } from './tcp-transport.ts'

export interface TcpCluster {
  readonly transport: ClusterTransport
  readonly store: ClusterStore
  /** It keeps the store of the cluster. */
  readonly isSeed: boolean
}

/** What is not up to the config. */
export interface TcpClusterParts {
  /** How long a node may be silent. Default 3000. */
  readonly leaseMs?: number
  /** 0 … 1, for the pauses between tries. */
  readonly random?: () => number
  /** Of the store, when this node is the seed: milliseconds since 1970. */
  readonly wallNow?: () => number
}

/**
 * The transport is opened first: the seed answers others from then on.
 *
 * @param host `skynet`, or a test.
 * @throws {SkynetError} `ERR_CLUSTER_AUTH` without a secret beyond this machine. `TypeError`,
 * `RangeError` naming the option.
 */
export function tcpCluster(
  options: TcpClusterOptions,
  host: TcpHost,
  parts: TcpClusterParts = {},
): TcpCluster {
  const rules = checkTcp(options)
  const net = new TcpNet(
    rules,
    host,
    parts.leaseMs ?? CLUSTER_LEASE_MS,
    parts.random ?? Math.random,
  )
  const { seed } = rules
  if (seed === undefined) {
    const transport = new TcpTransport(net, () => undefined)
    return { transport, store: seedOf(net, parts.wallNow ?? wallNow), isSeed: true }
  }
  noStore(net.peers)
  const store = new SeedStore(net, seed.place, seed.node)
  return { transport: new TcpTransport(net, () => store.node), store, isSeed: false }
}

/** Its memory begins now: an era is that time, so that a later one is higher. */
function seedOf(net: TcpNet, wall: () => number): ClusterStore {
  const table = new StoreTable(wall())
  const began = net.host.now()
  const ageMs = (): number => net.host.now() - began
  new StoreHost(net.peers, table, ageMs)
  return new OwnStore(table, ageMs)
}
