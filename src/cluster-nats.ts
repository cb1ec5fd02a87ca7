/// <reference types="node" preserve="true" />
/**
 * The door to clusters over NATS: needs the package `@nats-io/transport-node`. See
 * docs/cluster-nats.md.
 */

export { natsCluster } from './cluster/nats/nats-cluster.ts'
export type { NatsClusterOptions, NatsOptions, NatsTls } from './cluster/nats/options.ts'
