/**
 * The same bytes to many sockets. What one turn sends to the same sockets is gathered, so that each
 * of them costs one system call a turn, however many broadcasts there were. The bytes are there
 * once: a worker writes them to every socket itself, and those that cannot take them now share one
 * block, which is freed with the last.
 */
import { checkInteger } from '../../base/check.ts'
import { SOCKET_ID_MAX } from '../../base/limits.ts'

const GATHER_BYTES = 64 * 1024

/** @throws `TypeError`, `RangeError` for the first that is no id: `ids[3]`. */
export function checkIds(ids: readonly number[]): void {
  for (let i = 0; i < ids.length; i++) {
    const id: unknown = ids[i]
    if (typeof id === 'number' && (id | 0) === id && id > 0) continue
    checkInteger('broadcast', `ids[${i}]`, id, 1, SOCKET_ID_MAX)
  }
}

/** What a Broadcaster needs of its thread. */
export interface BroadcastHost {
  /** To each of them now, or as soon as it can take them. The bytes are the caller's again. */
  sendToAll(ids: readonly number[], bytes: Uint8Array): void
}

export class Broadcaster {
  readonly #host: BroadcastHost
  /** Who gets what is gathered: a copy, as the caller may change its list. */
  #ids: number[] = []
  #buffer: Buffer | undefined
  /** Bytes gathered and not sent yet. */
  length = 0

  constructor(host: BroadcastHost) {
    this.#host = host
  }

  /** @param data The caller's again on return. @throws As `checkIds`; nothing is taken then. */
  add(ids: readonly number[], data: Uint8Array): void {
    const isSame = this.length > 0 && this.#isFor(ids)
    if (!isSame) checkIds(ids)
    if (data.length === 0 || ids.length === 0) return
    if (!isSame || this.length + data.length > GATHER_BYTES) this.flush()
    if (data.length > GATHER_BYTES) {
      this.#host.sendToAll(ids, data)
      return
    }
    if (this.length === 0) this.#ids = ids.slice()
    this.#buffer ??= Buffer.allocUnsafeSlow(GATHER_BYTES)
    this.#buffer.set(data, this.length)
    this.length += data.length
  }

  flush(): void {
    const { length } = this
    if (length === 0) return
    this.length = 0
    this.#host.sendToAll(this.#ids, this.#buffer!.subarray(0, length))
  }

  #isFor(ids: readonly number[]): boolean {
    const mine = this.#ids
    if (mine.length !== ids.length) return false
    for (let i = 0; i < mine.length; i++) if (mine[i] !== ids[i]) return false
    return true
  }
}
