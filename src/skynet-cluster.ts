/// <reference types="node" preserve="true" />
/** The door to clusters of Skynet: see docs/skynet-cluster.md. */

export type { LuaValues } from './codec/seri/lua-values.ts'
export { luaValues, valuesOf } from './codec/seri/lua-values.ts'
export type { ClusterListen, ClusterPlace } from './skynet-cluster/cluster-listeners.ts'
export type { SkynetClusterOptions } from './skynet-cluster/make.ts'
export { skynetCluster } from './skynet-cluster/make.ts'
export type { CallSettings } from './skynet-cluster/node-calls.ts'
export type { RemoteState } from './skynet-cluster/remote-node.ts'
export type { ClusterNodeInfo, NodeTable } from './skynet-cluster/remote-nodes.ts'
export type { RemoteCalls, RemoteRef, RemoteSends } from './skynet-cluster/remote-ref.ts'
export type {
  ClusterSender,
  RemoteAddress,
  SkynetCluster,
} from './skynet-cluster/skynet-cluster.ts'
export type { RemoteSnax } from './skynet-cluster/snax.ts'
export type { SnaxMethod } from './skynet-cluster/words.ts'
