/** The certificates of a listener: which one a client gets, by the name that it asks for. */
import { constants, randomBytes } from 'node:crypto'
import { type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { NodeEngine } from './node-engine.ts'
import { opensslEngine } from './openssl-engine.ts'
import type { ServerTrust, TlsEngine, TlsEngineHost } from './tls-engine.ts'
import { unknownName } from './tls-errors.ts'
import {
  checkTlsServer,
  contextOf,
  hasCertificate,
  type TlsContextOptions,
  type TlsOptions,
} from './tls-options.ts'
import type { TlsWire } from './tls-wire.ts'

/** Of the keys by which a server reads the tickets that it has given. */
const TICKET_KEYS_BYTES = 48
/** OpenSSL resumes nothing of a server that checks certificates and has no such name. */
const SESSION_CONTEXT = 'skynet-ts'
/** Where each client has to show a certificate none is resumed: see `#context`. */
const NO_TICKETS = constants.SSL_OP_NO_TICKET

export class TlsContexts {
  readonly options: TlsOptions
  readonly #settings: TLSSocketOptions & ServerTrust & { readonly secureContext: SecureContext }
  readonly #named = new Map<string, SecureContext>()
  readonly #ticketKeys: Buffer

  /**
   * @param before Tickets that these have given stay good. Where clients have to show certificates
   * there are none.
   * @throws `TypeError` naming what is wrong.
   */
  constructor(what: string, options: TlsOptions, before?: TlsContexts) {
    checkTlsServer(what, options)
    const {
      contexts = {},
      ALPNProtocols,
      requestCert = false,
      rejectUnauthorized,
      ...own
    } = options
    this.options = options
    const keys = before === undefined ? randomBytes(TICKET_KEYS_BYTES) : before.#ticketKeys
    this.#ticketKeys = keys
    const secureContext = this.#context(what, 'tls', own)
    for (const [name, context] of Object.entries(contexts)) {
      this.#named.set(name.toLowerCase(), this.#context(what, `contexts['${name}']`, context))
    }
    this.#settings = {
      isServer: true,
      secureContext,
      requestCert,
      rejectUnauthorized: requestCert && rejectUnauthorized !== false,
      ...(ALPNProtocols !== undefined && { ALPNProtocols: [...ALPNProtocols] }),
    }
  }

  /**
   * A session that is resumed shows no certificate, and OpenSSL asks nobody again: one of before,
   * of another name, or of other `ca` would let its client in.
   */
  #context(what: string, name: string, options: TlsContextOptions): SecureContext {
    const ours = { ticketKeys: this.#ticketKeys, sessionIdContext: SESSION_CONTEXT }
    if (this.options.requestCert !== true) return contextOf(what, name, { ...ours, ...options })
    const secureOptions = (options.secureOptions ?? 0) | NO_TICKETS
    return contextOf(what, name, { ...ours, ...options, secureOptions })
  }

  /** @param first What was read of `below` already. */
  engineOn(below: ByteStream, host: TlsEngineHost, first: Buffer | undefined): TlsEngine {
    const server = this.#settings
    const { secureContext: context, ALPNProtocols } = server
    // Names and protocols are what OpenSSL would have to call us back for.
    const isPlain = this.#named.size === 0 && ALPNProtocols === undefined
    const engine = isPlain ? opensslEngine(below, host, { context, first, server }) : undefined
    if (engine !== undefined) return engine
    let asked: string | undefined
    let isServed = this.#named.size === 0 || hasCertificate(this.options)
    const SNICallback: TLSSocketOptions['SNICallback'] = (name, take) => {
      const named = this.#namedContext(name)
      asked = name
      isServed ||= named !== undefined
      take(null, named)
    }
    const settings = this.#named.size > 0 ? { ...server, SNICallback } : server
    const secure = (wire: TlsWire): TLSSocket => new TLSSocket(wire as never, settings)
    const broke = (error: Error): void => host.broke(isServed ? error : unknownName(error, asked))
    return new NodeEngine(below, { ...host, broke }, { first, secure, server })
  }

  #namedContext(name: string): SecureContext | undefined {
    const asked = name.toLowerCase()
    return this.#named.get(asked) ?? this.#named.get(`*${asked.slice(asked.indexOf('.'))}`)
  }
}
