/** What TLS wants of the connection below it. */
import { isObject } from '../../base/check.ts'
import type { StreamOptions } from '../../sockets/opening.ts'

/**
 * Send small records at once, unless told otherwise: what follows a handshake, and an end behind
 * what was written, would wait for the peer to acknowledge the record before, 40 ms on Linux.
 */
export function withNoDelay<O extends StreamOptions & { readonly path?: unknown }>(place: O): O {
  const { options = {}, path } = place
  if (path !== undefined || !isObject(options)) return place
  return { ...place, options: { noDelay: 1, ...options } }
}
