/** Certificates of peers, as `node:tls` shows them. */
import { X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls'

export function certificateOf(der: Uint8Array): PeerCertificate {
  return new X509Certificate(der).toLegacyObject() as unknown as PeerCertificate
}

/** @param chain The certificate, then who has signed which. One of a root is its own issuer. */
export function detailedOf(chain: readonly Uint8Array[]): DetailedPeerCertificate {
  const certificates = chain.map((der) => certificateOf(der) as DetailedPeerCertificate)
  for (const [index, certificate] of certificates.entries()) {
    const issuer = certificates[index + 1]
    if (issuer !== undefined) certificate.issuerCertificate = issuer
  }
  const [last, root] = [certificates.at(-1)!, new X509Certificate(chain.at(-1)!)]
  if (root.checkIssued(root)) last.issuerCertificate = last
  return certificates[0]!
}
