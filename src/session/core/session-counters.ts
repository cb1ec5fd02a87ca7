import { CLOSE_CODES, type CloseCode } from '../../client/close-codes.ts'

/** What has happened to the sessions of one table, from its begin on. Every limit has its count. */
export class SessionCounters {
  /** Connections that have come. */
  entered = 0
  /** Sessions that began, and how often one was resumed. */
  admitted = 0
  resumed = 0
  /** Connections that were lost without a word. */
  lost = 0
  /** Sessions whose client has not come back in time. */
  expired = 0
  /** Answers that were given up, as more bytes waited than are kept. */
  answersGone = 0
  /** Pushes that a newer one has replaced before they left. */
  pushesReplaced = 0
  /** Connections and sessions that were closed, by the code that was told. */
  readonly closed: Readonly<Record<CloseCode, number>>

  constructor() {
    this.closed = Object.fromEntries(Object.keys(CLOSE_CODES).map((code) => [code, 0])) as Readonly<
      Record<CloseCode, number>
    >
  }

  /** @internal */
  countClose(code: CloseCode): void {
    ;(this.closed as Record<CloseCode, number>)[code]++
  }
}
