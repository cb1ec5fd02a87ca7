/** How frames move between nodes, and where the cluster decides. */
import type { NodeTransport } from './core/cluster-node.ts'
import type { ClusterStore } from './core/store.ts'

export interface ClusterWays {
  readonly transport: NodeTransport & { close(): Promise<void> }
  readonly store: ClusterStore
}
