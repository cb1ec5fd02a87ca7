/** Listening over TLS. */
import { checkGiven, checkMs } from '../../base/check.ts'
import { TLS_HANDSHAKE_MS } from '../../base/limits.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import { checkListener, type StreamListener } from '../../sockets/byte-stream.ts'
import { LISTEN_OPTION_NAMES, type ListenOptions } from '../../sockets/open-listener.ts'
import { placeBelow } from './place-below.ts'
import { TlsContexts } from './tls-contexts.ts'
import { TlsListener } from './tls-listener.ts'
import type { TlsOptions } from './tls-options.ts'

/** Where to listen, as `skynet.socket.listen` has it; or on which listener. */
export interface ListenTlsOptions extends Partial<ListenOptions> {
  readonly tls: TlsOptions
  /** How long a handshake may take. Default 10 s; when many are under way, down to 0.3 of that. */
  readonly handshakeTimeoutMs?: number
  /** Who accepts: in place of host, port and path. What it gives is of the TLS listener alone. */
  readonly listener?: StreamListener
}

const WHAT = 'listen over TLS'
const OWN = ['tls', 'handshakeTimeoutMs']

/**
 * Listen for clients that talk over TLS. A client comes out once its handshake is done. Handshakes
 * go on beside each other, up to 1024 at a time; one that fails, is late, or is none costs that
 * client alone, and a line in the log.
 *
 *     const listener = await listenTls(skynet, { port: 7443, tls: { key, cert } })
 *     for await (const client of listener) skynet.fork(serve, client)
 *
 * @throws As `skynet.socket.listen`. `TypeError` for certificates and keys that OpenSSL refuses.
 */
export async function listenTls(skynet: Skynet, options: ListenTlsOptions): Promise<TlsListener> {
  const { tls, handshakeTimeoutMs = TLS_HANDSHAKE_MS, listener, ...place } = options ?? {}
  const names = listener === undefined ? [...OWN, ...LISTEN_OPTION_NAMES] : [...OWN, 'listener']
  checkGiven(WHAT, 'options', options, names)
  checkMs(WHAT, 'handshakeTimeoutMs', handshakeTimeoutMs, 1)
  if (listener !== undefined) checkListener(WHAT, 'listener', listener)
  const contexts = new TlsContexts(WHAT, tls)
  const below = listener ?? (await skynet.socket.listen(placeBelow(place)))
  return new TlsListener(skynet, below, contexts, handshakeTimeoutMs, place.sendLimitBytes)
}
