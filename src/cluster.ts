/// <reference types="node" preserve="true" />
/** The door of clusters: contracts for who writes a transport or a store. */

export type { ClusterStore, StoreEntry, StoreWatch } from './cluster/core/store.ts'
export type {
  ClusterSelf,
  ClusterTransport,
  NodeRecord,
  PeerAddress,
  TransportEvents,
} from './cluster/core/transport.ts'
