/** Why a gate closes: one table for gates, clients and people. */

/** What each end of a connection means. */
interface CloseRow {
  /** Close code of WebSocket that says nearly the same. */
  readonly webSocket: number
  /** The session is over. Else it stays, and its token is good for `keepMs`. */
  readonly ends: boolean
  /** How long a client waits at most before it comes back, by chance. 0: it does not. */
  readonly retryMs: number
  /** For people. */
  readonly text: string
}

export const CLOSE_CODES = {
  full: { webSocket: 1013, ends: false, retryMs: 10_000, text: 'No more clients' },
  address: { webSocket: 4001, ends: false, retryMs: 10_000, text: 'Too many from one address' },
  opens: {
    webSocket: 4002,
    ends: false,
    retryMs: 5000,
    text: 'Too many new ones from one address',
  },
  login: { webSocket: 4003, ends: true, retryMs: 0, text: 'The login was refused' },
  'login-timeout': { webSocket: 4004, ends: false, retryMs: 5000, text: 'The login took too long' },
  rate: { webSocket: 1008, ends: true, retryMs: 0, text: 'Too many messages in a second' },
  size: { webSocket: 1009, ends: true, retryMs: 0, text: 'A message is too long' },
  silent: { webSocket: 4005, ends: false, retryMs: 1000, text: 'Nothing was heard for too long' },
  overflow: { webSocket: 4006, ends: true, retryMs: 5000, text: 'Too much waits for the client' },
  kicked: { webSocket: 4007, ends: true, retryMs: 0, text: 'Sent away' },
  replaced: { webSocket: 4008, ends: true, retryMs: 0, text: 'The user has come again elsewhere' },
  superseded: {
    webSocket: 4009,
    ends: true,
    retryMs: 0,
    text: 'A later connection has the session',
  },
  drain: { webSocket: 1001, ends: true, retryMs: 30_000, text: 'The server leaves' },
  unknown: {
    webSocket: 4010,
    ends: true,
    retryMs: 1000,
    text: 'There is no such session any more',
  },
  version: { webSocket: 4011, ends: true, retryMs: 0, text: 'The server speaks another version' },
  protocol: { webSocket: 1002, ends: true, retryMs: 0, text: 'The client breaks the protocol' },
  agent: { webSocket: 4012, ends: true, retryMs: 5000, text: 'Who served the session has ended' },
  node: { webSocket: 1001, ends: true, retryMs: 5000, text: 'The server has stopped' },
  error: { webSocket: 1011, ends: true, retryMs: 5000, text: 'The server has failed' },
  bye: { webSocket: 1000, ends: true, retryMs: 0, text: 'The client has left' },
} as const satisfies Record<string, CloseRow>

export type CloseCode = keyof typeof CLOSE_CODES
