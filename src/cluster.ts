/// <reference types="node" preserve="true" />
/** The door of clusters: contracts for who writes a transport or a store. */

export type { ClusterStore, OpenedStore, StoreEntry, StoreWatch } from './cluster/core/store.ts'
export type {
  ClusterSelf,
  ClusterTransport,
  NodeRecord,
  PeerAddress,
  TransportEvents,
} from './cluster/core/transport.ts'
export type { TcpTls } from './cluster/tcp/certificates.ts'
export type { TcpClusterOptions } from './cluster/tcp/options.ts'
export { type TcpCluster, type TcpClusterParts, tcpCluster } from './cluster/tcp/tcp-cluster.ts'
