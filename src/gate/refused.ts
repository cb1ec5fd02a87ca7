/** Those who are not let in: they see their end, and no reset; of a flood only the first. */
import { FIN_WAIT_MS, REFUSED_MAX } from '../base/limits.ts'
import type { Connection } from '../sockets/connection.ts'

/** What it needs of the service that lets clients in. */
export interface RefusedHost {
  after(ms: number, task: () => void): unknown
}

export class Refused {
  readonly #host: RefusedHost
  /** Those that may still hear why. */
  #waiting = 0

  constructor(host: RefusedHost) {
    this.#host = host
  }

  /** @param say Writes why, to who may hear it. */
  turnAway(connection: Connection, say?: () => void): void {
    if (this.#waiting >= REFUSED_MAX) {
      connection.shutdown()
      return
    }
    this.#waiting++
    this.#host.after(FIN_WAIT_MS, () => this.#waiting--)
    say?.()
    connection.close().catch(() => {})
  }
}
