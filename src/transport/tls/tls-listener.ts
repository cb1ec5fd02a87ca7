/** A listener whose clients talk over TLS. */
import { TLS_HANDSHAKES_MAX } from '../../base/limits.ts'
import { Repeats } from '../../service/repeats.ts'
import { Skynet } from '../../skynet/skynet.ts'
import type { ByteStream, StreamListener } from '../../sockets/byte-stream.ts'
import { Refused } from '../../sockets/refused.ts'
import { HandshakeListener } from '../handshakes.ts'
import { acceptOver } from './handshake.ts'
import { TlsContexts } from './tls-contexts.ts'
import { changedTls, type TlsOptions } from './tls-options.ts'
import { tlsPoolOf } from './tls-pool.ts'
import type { TlsStream } from './tls-stream.ts'

/** What handshakes fail of names the client, but for those that were too slow. */
function whose({ remoteAddress }: ByteStream, { message }: Error): string {
  return message.includes(remoteAddress) ? message : `${remoteAddress}: ${message}`
}

/** Obtained from `listenTls`. Iterate it. */
export class TlsListener extends HandshakeListener<TlsStream> {
  #contexts: TlsContexts

  /** Made by `listenTls` only. */
  constructor(
    skynet: Skynet,
    below: StreamListener,
    contexts: TlsContexts,
    timeoutMs: number,
    sendLimitBytes: number | undefined,
  ) {
    const service = Skynet.serviceOf(skynet)
    const pool = tlsPoolOf(service, sendLimitBytes)
    const refused = new Refused(service)
    const more = (count: number): string => `${below.address}: ${count} more failed over TLS`
    const lines = new Repeats(service, more, 'error')
    super(below, {
      max: TLS_HANDSHAKES_MAX,
      timeoutMs,
      begin: (stream, ms) => acceptOver(stream, this.#contexts, pool, { timeoutMs: ms }),
      drop(stream, why) {
        if (why !== undefined) lines.say(`accept on ${below.address}: ${whose(stream, why)}`)
        refused.turnAway(stream)
      },
    })
    this.#contexts = contexts
  }

  /**
   * Use other certificates, keys and protocols for the handshakes that begin from now on. Streams
   * that are open stay as they are. Clients still resume their sessions, where they are not asked
   * for certificates.
   *
   * @param next What is not named stays; undefined takes an option away. A certificate comes whole:
   * `key`, `cert`, `pfx` and `passphrase` replace those of before together.
   * @throws `TypeError` for what OpenSSL refuses: nothing has changed.
   */
  setTls(next: TlsOptions): void {
    const what = 'set what a TLS listener has'
    const options = changedTls(what, this.#contexts.options, next)
    this.#contexts = new TlsContexts(what, options, this.#contexts)
  }
}
