/** The contract between a client and what carries its messages: WebSocket, framed TCP … */

/**
 * Opens connections of one kind, one at a time: when one has ended, the client decides when the
 * next one is opened.
 */
export interface ClientLinkMaker {
  /**
   * Begins to connect, and returns at once. What happens is told to `events`, never before this has
   * returned.
   *
   * @throws What is wrong with what it was given: the first time `connect()` throws it as well.
   */
  open(events: ClientLinkEvents): ClientLink
}

/** One connection. */
export interface ClientLink {
  /**
   * Sends one message, whole, behind those before. Its bytes are the link's from now on. Tells its
   * events nothing before it has returned, and throws nothing: what cannot be sent ends the link.
   */
  send(message: Uint8Array): void
  /** Ends it; what was sent still leaves. Nothing more is told to its events. Again: harmless. */
  close(): void
}

/** What a link tells. */
export interface ClientLinkEvents {
  /** It is connected: messages may be sent. Once. */
  opened(): void
  /** A whole message has come. Its bytes are the client's. */
  heard(message: Uint8Array): void
  /** It has ended, or could not be made. Once, and nothing after it. @param reason For people. */
  closed(reason: string): void
}
