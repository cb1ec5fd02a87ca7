/** A cluster over NATS: one connection, the way between nodes and the store. */
import type { ClusterStore } from '../core/store.ts'
import type { ClusterTransport } from '../core/transport.ts'
import { NatsClient } from './nats-client.ts'
import { NatsStore } from './nats-store.ts'
import { NatsTransport } from './nats-transport.ts'
import { type NatsClusterOptions, resolveNats } from './options.ts'

/**
 * What a node of a cluster needs, over NATS: `@nats-io/transport-node` and a `nats-server` from 2.9
 * on with JetStream. Connects when one of both is opened; the connection ends when both are closed.
 *
 * @throws {TypeError} What is misspelt, missing, or of the wrong type.
 * @throws {RangeError} What cannot be.
 * @throws {SkynetError} `ERR_CLUSTER_AUTH`: a server beyond this machine, and no credentials.
 */
export function natsCluster(options: NatsClusterOptions): {
  readonly transport: ClusterTransport
  readonly store: ClusterStore
} {
  const client = new NatsClient(resolveNats(options))
  const store = new NatsStore(client)
  return { transport: new NatsTransport(client, store), store }
}
