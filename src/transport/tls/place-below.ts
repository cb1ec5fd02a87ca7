/** What TLS wants of the connection below it. */
import { isObject } from '../../base/check.ts'
import { SEND_LIMIT_BYTES_MAX, SEND_QUEUE_BYTES_MAX } from '../../base/limits.ts'
import type { StreamOptions } from '../../sockets/opening.ts'

/** A write and what is under way grow when they are encrypted: by at most 90 bytes a record. */
const sealed = (bytes: number): number => bytes + Math.ceil(bytes / 128) + 4096

/**
 * Send small records at once, unless told otherwise: what follows a handshake, and an end behind
 * what was written, would wait for the peer to acknowledge the record before, 40 ms on Linux.
 *
 * The limit of what waits is the stream's, and met there: the connection below may have a policy
 * that drops, and a record that is missing breaks TLS.
 */
export function placeBelow<O extends StreamOptions & { readonly path?: unknown }>(place: O): O {
  const { options = {}, path } = place
  const below = { ...place, sendLimitBytes: limitBelow(place) }
  if (path !== undefined || !isObject(options)) return below
  return { ...below, options: { noDelay: 1, ...options } }
}

/** What is no limit stays what it is, and is refused. */
function limitBelow({ sendLimitBytes: limit = SEND_QUEUE_BYTES_MAX }: StreamOptions): number {
  const isLimit = Number.isInteger(limit) && limit >= 1 && limit <= SEND_LIMIT_BYTES_MAX
  return isLimit ? Math.min(sealed(limit), SEND_LIMIT_BYTES_MAX) : limit
}
