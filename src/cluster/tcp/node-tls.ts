/**
 * TLS between nodes: both ends show a certificate. Loaded for who has `tls` in its config: nothing
 * else of this room knows that of TLS.
 */
import type { SecureContext } from 'node:tls'
import { CLUSTER_CERTIFICATES_MS, CLUSTER_SEND_BYTES_MAX } from '../../base/limits.ts'
import { messageOf } from '../../base/thrown.ts'
import { Skynet } from '../../skynet/skynet.ts'
import { acceptOver, connectOver } from '../../transport/tls/handshake.ts'
import { TlsContexts } from '../../transport/tls/tls-contexts.ts'
import { contextOf } from '../../transport/tls/tls-options.ts'
import { type TlsPool, tlsPoolOf } from '../../transport/tls/tls-pool.ts'
import type { TlsStream } from '../../transport/tls/tls-stream.ts'
import type { Certificates, TcpTls } from './certificates.ts'
import type { Role } from './hello.ts'
import type { CertifiedPeer, PeerStream, PeerTls, TcpHost } from './sockets.ts'
import { doubtOf, troubleOf } from './tls-doubts.ts'

const WHAT = 'join a cluster over TLS'
/** All nodes know it, and what came before has more to go wrong. */
const VERSION = { minVersion: 'TLSv1.3' } as const

export class NodeTls implements PeerTls {
  readonly #host: TcpHost
  readonly #certificates: Certificates
  readonly #pool: TlsPool
  #server!: TlsContexts
  #client!: SecureContext
  #look: { cancel(): unknown } | undefined

  /** @param host `skynet`: streams over TLS are of a service. */
  constructor(host: TcpHost, certificates: Certificates) {
    this.#host = host
    this.#certificates = certificates
    this.#pool = tlsPoolOf(Skynet.serviceOf(host as Skynet), CLUSTER_SEND_BYTES_MAX)
    this.#use(certificates.current)
    if (certificates.hasFiles) this.#lookLater()
  }

  /** For the handshakes from now on. */
  #use(certificates: TcpTls): void {
    const { crl } = certificates
    // Apart from the others: OpenSSL does not say which it cannot read.
    if (crl !== undefined) contextOf(WHAT, 'tls.crl', { crl })
    const own = { ...certificates, ...VERSION }
    // Who is refused is told why, within TLS, by `doubtOf`: an alert would not say it.
    const told = { requestCert: true, rejectUnauthorized: false }
    const client = contextOf(WHAT, 'tls', own)
    this.#server = new TlsContexts(WHAT, { ...own, ...told })
    this.#client = client
  }

  async over(stream: PeerStream, role: Role, first?: Buffer): Promise<CertifiedPeer> {
    try {
      const secure = await this.#handshake(stream, role, first)
      return { stream: secure, doubt: doubtOf(secure) }
    } catch (error) {
      throw troubleOf(stream.remoteAddress, error)
    }
  }

  #handshake(stream: PeerStream, role: Role, first: Buffer | undefined): Promise<TlsStream> {
    if (role === 'accept') return acceptOver(stream, this.#server, this.#pool, {}, first)
    const told = { rejectUnauthorized: false, checkServerIdentity: () => undefined }
    return connectOver(stream, '', told, this.#client, this.#pool, {})
  }

  close(): void {
    this.#look?.cancel()
    this.#look = undefined
  }

  // --- certificates that are replaced ------------------------------------------------------------

  #lookLater(): void {
    this.#look = this.#host.timeout(CLUSTER_CERTIFICATES_MS, () =>
      this.#host.fork(() => this.#renew()),
    )
  }

  async #renew(): Promise<void> {
    try {
      if (await this.#certificates.renew((read) => this.#use(read))) {
        this.#host.log('cluster: the certificates have changed: connections from now on have them')
      }
    } catch (error) {
      this.#host.error(`cluster: the certificates stay as they were: ${messageOf(error)}`)
    }
    if (this.#look !== undefined) this.#lookLater()
  }
}
