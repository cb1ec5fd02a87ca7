/**
 * TLS by the functions of OpenSSL, for whom nothing has to be asked during a handshake. `node:tls`
 * encrypts sockets of Node.js so, and none of ours: for those it goes through objects of
 * node:stream, and needs a few times as long.
 */
import type { DetailedPeerCertificate, PeerCertificate, SecureContext } from 'node:tls'
import { addressOfContext, openssl } from '../../os/openssl.ts'
import { Ssl } from '../../os/ssl.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { Connection } from '../../sockets/connection.ts'
import { EmptyRecords, TOO_MANY_EMPTY } from './empty-records.ts'
import { certificateOf, detailedOf } from './peer-certificate.ts'
import type { ServerTrust, TlsEngine, TlsEngineHost, TlsFacts } from './tls-engine.ts'

const RENEGOTIATES = Object.assign(new Error('the peer renegotiates'), {
  code: 'ERR_TLS_RENEGOTIATION_DISABLED',
})

export interface OpensslEngineOptions {
  /** OpenSSL calls Node.js for tickets of it: it lives as long as the engine. */
  readonly context: SecureContext
  /** What was read of `below` already. */
  readonly first?: Buffer | undefined
  readonly server?: ServerTrust
  readonly client?: {
    readonly servername: string | undefined
    readonly protocols: readonly string[]
    readonly rejectUnauthorized: boolean
    /** Is the certificate of whom was asked for? */
    check(certificate: PeerCertificate): Error | undefined
  }
}

/**
 * No context may have engines of both kinds: see below.
 *
 * @returns Undefined: OpenSSL cannot be reached so, for no context.
 * @throws {Error} This worker has no room for it.
 */
export function opensslEngine(
  below: ByteStream,
  host: TlsEngineHost,
  options: OpensslEngineOptions,
): OpensslEngine | undefined {
  const lib = openssl()
  const context = lib === undefined ? undefined : addressOfContext(options.context)
  if (lib === undefined || context === undefined) return undefined
  // A socket of `node:tls` sets both, and they take whatever asks for such a socket.
  lib.SSL_CTX_sess_set_new_cb(context, 0)
  lib.SSL_CTX_sess_set_get_cb(context, 0)
  const ssl = Ssl.of(context, options.server === undefined ? 'client' : 'server')
  return new OpensslEngine(below, host, options, ssl)
}

class OpensslEngine implements TlsEngine {
  readonly #below: ByteStream
  readonly #host: TlsEngineHost
  readonly #options: OpensslEngineOptions
  readonly #ssl: Ssl
  readonly #records = new EmptyRecords()
  /** What carries it copies what is written: it may be in memory of the thread. */
  readonly #isBelowCopying: boolean
  #isShaken = false
  #isPeerDone = false
  #isDestroyed = false
  #isReading = false
  #isFlowing = true
  #held: Buffer | undefined
  #facts: TlsFacts | undefined
  /** What is written while OpenSSL waits for the other half of a message of a handshake. */
  #delayed: { readonly bytes: Uint8Array; readonly done: () => void } | undefined
  isEndSent = false

  constructor(below: ByteStream, host: TlsEngineHost, options: OpensslEngineOptions, ssl: Ssl) {
    this.#below = below
    this.#host = host
    this.#options = options
    this.#ssl = ssl
    this.#isBelowCopying = below instanceof Connection
    this.#held = options.first
    below.hold?.(true)
    const { server, client } = options
    if (server?.requestCert) ssl.askCertificate(server.rejectUnauthorized)
    if (client?.servername !== undefined) ssl.askFor(client.servername)
    if (client !== undefined && client.protocols.length > 0) ssl.offer(client.protocols)
  }

  // --- the handshake -------------------------------------------------------------------------

  start(): void {
    if (this.#options.client === undefined || this.#shake()) this.#goOn()
  }

  /** @returns Whether it goes on, or is done. */
  #shake(): boolean {
    const outcome = this.#ssl.handshake()
    if (!this.#send(this.#ssl.takeOutput())) return false
    if (outcome === 'failed') this.#host.broke(this.#ssl.error!)
    if (outcome === 'ended') this.#host.received(null)
    if (outcome !== 'done') return outcome === 'more'
    this.#isShaken = true
    const problem = this.#peerProblem()
    // The stream may be over before anybody asks.
    this.#facts = this.#factsWith(problem)
    const { rejectUnauthorized } = this.#options.server ?? this.#options.client!
    this.#host.shaken(rejectUnauthorized ? problem : undefined)
    return !this.#isDestroyed
  }

  #peerProblem(): NodeJS.ErrnoException | undefined {
    const { server, client } = this.#options
    if (server !== undefined) return server.requestCert ? this.#ssl.peerProblem : undefined
    return this.#ssl.peerProblem ?? client!.check(this.peerCertificate(true)!)
  }

  facts(): TlsFacts {
    return this.#facts!
  }

  #factsWith(problem: NodeJS.ErrnoException | undefined): TlsFacts {
    const { protocol: alpnProtocol, servername, version: protocol, isResumed } = this.#ssl
    const { server } = this.#options
    const isAsked = server === undefined || server.requestCert
    return {
      alpnProtocol,
      servername: server === undefined ? this.#options.client!.servername : servername,
      protocol,
      isResumed,
      authorized: isAsked && problem === undefined,
      authorizationError: problem && (problem.code ?? problem.message),
    }
  }

  peerCertificate(isDetailed: boolean): PeerCertificate | DetailedPeerCertificate | undefined {
    const der = this.#ssl.peerCertificate
    if (der === undefined) return undefined
    if (!isDetailed) return certificateOf(der)
    const chain = this.#ssl.peerChain
    return detailedOf(chain.length > 0 ? chain : [der])
  }

  // --- what comes ----------------------------------------------------------------------------

  pause(): void {
    this.#isFlowing = false
  }

  resume(): void {
    if (this.#isFlowing) return
    this.#isFlowing = true
    this.#goOn()
  }

  #goOn(): void {
    const held = this.#held
    if (held !== undefined) {
      this.#held = undefined
      this.#took(held)
    } else if (!this.#isReading) this.#read()
  }

  #read(): void {
    this.#isReading = true
    this.#below.read().then(this.#came, this.#lost)
  }

  readonly #came = (chunk: Buffer | null): void => {
    this.#isReading = false
    if (this.#isDestroyed) return
    if (chunk === null) this.#host.wireEnded()
    else if (this.#isFlowing) this.#took(chunk)
    else this.#held = chunk
  }

  readonly #lost = (error: Error): void => {
    if (!this.#isDestroyed) this.#host.broke(error)
  }

  #took(chunk: Buffer): void {
    // Behind the end of the peer it says nothing, whatever comes.
    if (!this.#isPeerDone) this.#decrypt(chunk)
    if (!this.#isDestroyed && this.#isFlowing && !this.#isReading) this.#read()
  }

  #decrypt(chunk: Buffer): void {
    const ssl = this.#ssl
    const ended = this.#records.ends(chunk)
    ssl.feed(chunk)
    const wasShaken = this.#isShaken
    if (!wasShaken && (!this.#shake() || !this.#isShaken)) return
    const clear: Buffer[] = []
    const outcome = ssl.read(clear)
    const answer = ssl.takeOutput()
    if (!this.#send(answer)) return
    for (const bytes of clear) this.#host.received(bytes)
    if (this.#isDestroyed) return
    if (outcome === 'failed') this.#host.broke(ssl.error!)
    else if (outcome === 'ended') {
      this.#isPeerDone = true
      this.#host.received(null)
    } else if (wasShaken && this.#facts!.protocol !== 'TLSv1.3') {
      // Before 1.3 nothing that is read is answered but that, by a refusal.
      if (answer !== undefined) this.#host.broke(RENEGOTIATES)
    } else if (wasShaken && this.#records.areTooMany(ended - ssl.fullRecords)) {
      this.#host.broke(TOO_MANY_EMPTY)
    }
    this.#writeDelayed()
  }

  // --- what leaves ---------------------------------------------------------------------------

  write(bytes: Uint8Array, done: () => void): void {
    let hasRoom = true
    for (let at = 0; at < bytes.length; ) {
      const left = at === 0 ? bytes : bytes.subarray(at)
      const taken = this.#ssl.write(left)
      const sent = this.#hand(this.#ssl.takeOutput())
      if (sent === undefined) return
      if (taken === 'failed') {
        this.#host.broke(this.#ssl.error!)
        return
      }
      if (taken === 'more') {
        const isOurs = left === this.#delayed?.bytes
        this.#delayed = { bytes: isOurs ? left : Buffer.from(left), done }
        return
      }
      at += taken
      hasRoom = sent
    }
    this.#delayed = undefined
    if (hasRoom) done()
    else this.#below.drain().then(done, this.#lost)
  }

  #writeDelayed(): void {
    const delayed = this.#delayed
    if (delayed !== undefined && !this.#isDestroyed) this.write(delayed.bytes, delayed.done)
  }

  end(): void {
    if (this.#isDestroyed || this.isEndSent) return
    if (this.#isShaken) this.#ssl.shutdown()
    if (!this.#send(this.#ssl.takeOutput())) return
    if (this.#below.isOpen) this.#below.end()
    this.isEndSent = true
    this.#host.over()
  }

  /** @returns Whether what carries it is there still. */
  #send(output: Buffer | undefined): boolean {
    return this.#hand(output) !== undefined
  }

  /** @returns As `ByteStream.write`; undefined: it could not. */
  #hand(output: Buffer | undefined): boolean | undefined {
    if (output === undefined) return true
    try {
      return this.#below.write(this.#isBelowCopying ? output : Buffer.from(output))
    } catch (error) {
      this.#host.broke(error as Error)
      return undefined
    }
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#held = undefined
    this.#delayed = undefined
    this.#ssl.free()
    this.#below.close().catch(() => {})
  }
}
