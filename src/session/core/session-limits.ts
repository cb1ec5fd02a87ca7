/** Messages that say nothing new, at once, beside those of heartbeats that were held up. */
export const IDLE_MESSAGES = 16

/** What a gate lets its clients have. All are checked by whoever makes a `SessionTable`. */
export interface SessionLimits {
  /** How long a session without a connection waits for its client. */
  readonly keepMs: number
  /** From the first moment of a connection until its session is there. */
  readonly loginTimeoutMs: number
  readonly heartbeatMs: number
  /** Heartbeats without a sign of life of the client, before its connection is given up. */
  readonly missed: number
  readonly maxSessions: number
  /**
   * Longest message, at least `leastMessageBytes(window)`. The transport enforces it; here it is
   * told to clients.
   */
  readonly messageBytesMax: number
  /**
   * Requests of a session, on an average. Clients know it and keep to it, with a burst of as
   * many. What the network has held up comes at once: no more than a window.
   */
  readonly messagesPerSecond: number
  /** Requests of a session that are not answered, or whose answer is not acknowledged. */
  readonly window: number
  /** Bytes of the answers that a session keeps; beyond it the oldest is given up. */
  readonly answerBytesMax: number
  /** Pushes of a session that are not acknowledged, and their bytes; beyond it the session ends. */
  readonly pushesMax: number
  readonly pushBytesMax: number
  /** While so much has not left a connection, answers and pushes wait. */
  readonly sendMarkBytes: number
}
