/** Connecting over TLS. */
import { checkMs, checkOptions } from '../../base/check.ts'
import { TLS_HANDSHAKE_MS } from '../../base/limits.ts'
import { checkLimits, limitsFrom } from '../../service/wait-options.ts'
import { Skynet } from '../../skynet/skynet.ts'
import { type ByteStream, checkStream } from '../../sockets/byte-stream.ts'
import type { ConnectOptions } from '../../sockets/open-connection.ts'
import { connectOver } from './handshake.ts'
import { placeBelow } from './place-below.ts'
import {
  checkTlsClient,
  contextOf,
  type TlsClientOptions,
  type TlsContextOptions,
} from './tls-options.ts'
import { tlsPoolOf } from './tls-pool.ts'
import type { TlsStream } from './tls-stream.ts'

/** Whom to connect to, as `skynet.socket.connect` has it; or over which stream. */
export interface ConnectTlsOptions extends ConnectOptions {
  readonly tls?: TlsClientOptions
  /** How long the handshake may take. Default 10 s; `timeoutMs` is for all of it. */
  readonly handshakeTimeoutMs?: number
  /**
   * A stream that is there, and is closed with this one: another protocol has asked for TLS on it.
   * `host` is whose certificate is expected.
   */
  readonly stream?: ByteStream
}

const WHAT = 'connect over TLS'

/**
 * Connect to a server that talks TLS, and prove who it is.
 *
 *     const stream = await connectTls(skynet, { host: 'game.example', port: 7443 })
 *
 * @throws As `skynet.socket.connect`, and why the handshake has failed: `ERR_TLS_CERTIFICATE`
 * nobody who is trusted has signed its certificate, `ERR_TLS_EXPIRED`, `ERR_TLS_HOST` it is of
 * another host, `ERR_TLS_MISMATCH` no version, cipher or protocol in common, `ERR_TLS_REFUSED` the
 * server refuses us, `ERR_TLS_HANDSHAKE` it is no TLS, or has ended. `TypeError` for what OpenSSL
 * refuses.
 */
export async function connectTls(skynet: Skynet, options: ConnectTlsOptions): Promise<TlsStream> {
  const { tls = {}, handshakeTimeoutMs = TLS_HANDSHAKE_MS, stream, ...place } = options ?? {}
  checkLimits(WHAT, place)
  checkMs(WHAT, 'handshakeTimeoutMs', handshakeTimeoutMs, 1)
  checkTlsClient(WHAT, tls)
  const service = Skynet.serviceOf(skynet)
  const context = contextOf(WHAT, 'tls', contextPart(tls))
  const { path, host = path === undefined ? '127.0.0.1' : 'localhost' } = place
  const left = limitsFrom(service.runtime, place)
  const below =
    stream === undefined ? await skynet.socket.connect(placeBelow(place)) : streamOf(options)
  const { timeoutMs: leftMs, signal } = left()
  const within = {
    timeoutMs: Math.ceil(Math.min(leftMs || handshakeTimeoutMs, handshakeTimeoutMs)),
    signal,
  }
  try {
    const pool = tlsPoolOf(service, place.sendLimitBytes)
    return await connectOver(below, host, tls, context, pool, within)
  } catch (error) {
    below.close().catch(() => {})
    throw error
  }
}

function streamOf({ stream, ...options }: ConnectTlsOptions): ByteStream {
  checkOptions(WHAT, 'options', options, [
    'tls',
    'handshakeTimeoutMs',
    'host',
    'timeoutMs',
    'signal',
  ])
  checkStream(WHAT, 'stream', stream!)
  return stream!
}

/** What OpenSSL gets; the rest is of one stream. */
function contextPart(options: TlsClientOptions): TlsContextOptions {
  const { servername, ALPNProtocols, rejectUnauthorized, checkServerIdentity, ...more } = options
  const { session, onSession, ...context } = more
  return context
}
