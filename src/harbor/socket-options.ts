/** What all connections of harbors have. */

/** A machine that is gone says nothing: the system finds that out within half a minute. */
export const HARBOR_SOCKET_OPTIONS = {
  noDelay: 1,
  keepAlive: 1,
  keepIdleSeconds: 10,
  keepIntervalSeconds: 5,
  keepCount: 2,
} as const
