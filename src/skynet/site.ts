import type { Env } from '../kernel/env.ts'
import type { LaunchSite } from '../launch/launch.ts'
import type { ClusterSite } from '../launch/remote.ts'
import type { ManagerSite } from '../launch/unique-service.ts'
import type { SocketClient } from '../net/client/client.ts'
import type { Sharing } from '../sharing/share-data.ts'
import type { StopHooks } from '../supervision/stop-hooks.ts'
import type { NamingSite } from './naming.ts'

/** The node, as one worker sees it: from it each feature is given what it needs. */
export interface Site extends LaunchSite, NamingSite, ManagerSite, Sharing, ClusterSite {
  readonly client: SocketClient
  readonly env: Env
  readonly stopHooks: StopHooks
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** A service wants the node to stop. */
  readonly onAbort: () => void
}
