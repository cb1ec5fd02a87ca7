/** What is known of a peer over TLS, whoever has made the stream. */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import type { ByteStream } from './byte-stream.ts'

export interface SecurePeer {
  /** It has shown a certificate that is trusted. Of a client: when it was asked for. */
  readonly authorized: boolean
  /** Why not, as OpenSSL calls it; undefined: it was not asked. */
  readonly authorizationError: string | undefined
  /** What both sides speak within; undefined: they have agreed on nothing. */
  readonly alpnProtocol: string | undefined
  /** The name that the client has asked for; undefined: none. */
  readonly servername: string | undefined
  /** `TLSv1.3`, `TLSv1.2`. */
  readonly protocol: string
  /** As `node:tls` has it; undefined: it has shown none, or is gone. */
  peerCertificate(isDetailed?: boolean): PeerCertificate | DetailedPeerCertificate | undefined
}

/** Undefined: who is on the way may read along. */
export function securePeerOf(stream: ByteStream): SecurePeer | undefined {
  const { encrypted } = stream as { readonly encrypted?: unknown }
  return encrypted === true ? (stream as ByteStream & SecurePeer) : undefined
}
