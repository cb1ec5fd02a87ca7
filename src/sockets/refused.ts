/** Those who are not let in: they see their end, and no reset; of a flood only the first. */
import { isSkynetError } from '../base/errors.ts'
import { FIN_WAIT_MS, REFUSED_MAX } from '../base/limits.ts'
import type { ByteStream } from './byte-stream.ts'

/** What it needs of the service that lets clients in. */
export interface RefusedHost {
  after(ms: number, task: () => void): unknown
}

/** Of a connection: an end at once, which may be a reset. */
interface Droppable {
  shutdown?(): void
}

export class Refused {
  readonly #host: RefusedHost
  /** Those that may still hear why. */
  #waiting = 0

  constructor(host: RefusedHost) {
    this.#host = host
  }

  /** @param say Writes why, to who may hear it: he may be gone already. */
  turnAway(stream: ByteStream & Droppable, say?: () => void): void {
    if (this.#waiting >= REFUSED_MAX) {
      if (stream.shutdown === undefined) stream.close().catch(() => {})
      else stream.shutdown()
      return
    }
    this.#waiting++
    this.#host.after(FIN_WAIT_MS, () => this.#waiting--)
    try {
      say?.()
    } catch (error) {
      if (!isSkynetError(error)) throw error
    }
    stream.close().catch(() => {})
  }
}
