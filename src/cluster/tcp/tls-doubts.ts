/** Why somebody at the other end of TLS is not believed: his certificate, or no TLS at all. */
import { X509Certificate } from 'node:crypto'
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { handshakeError } from '../../transport/tls/tls-errors.ts'
import type { TlsStream } from '../../transport/tls/tls-stream.ts'
import { isOfNode } from './certificates.ts'
import { type Doubt, ONE_TLS } from './handshake.ts'
import type { PeerHello } from './hello.ts'

/** What a node without TLS answers: `TLS_REFUSAL` of peer.ts. */
const NO_TLS = /ALERT_UNEXPECTED_MESSAGE$/

const OLD_LIST = /^CRL_(?:HAS_EXPIRED|NOT_YET_VALID)$/

/** What is wrong with the certificate of who says that he is that node. */
export function doubtOf(stream: TlsStream): (hello: PeerHello) => Doubt | undefined {
  const shown = stream.peerCertificate()
  const certificate = shown && new X509Certificate(shown.raw)
  const problem =
    stream.authorized && shown !== undefined ? undefined : problemOf(stream, certificate)
  return ({ node }) => {
    if (problem !== undefined) return problem
    if (certificate !== undefined && isOfNode(certificate, node)) return undefined
    const reason = `its certificate is not of '${node}': it has no subjectAltName=DNS:${node}`
    return { refusal: 'unnamed', reason }
  }
}

function problemOf(
  { authorizationError: code = 'none was shown' }: TlsStream,
  certificate: X509Certificate | undefined,
): Doubt {
  if (code === 'CERT_REVOKED') {
    const { subjectAltName: names = 'no name', serialNumber } = certificate!
    const reason = `certificate revoked: 'tls.crl' has that of ${names}, number ${serialNumber}`
    return { refusal: 'revoked', reason }
  }
  if (OLD_LIST.test(code)) {
    const reason = `a list in 'tls.crl' is not good now (${code}): give a new one, or mend a clock`
    return { refusal: 'unlisted', reason }
  }
  if (code.includes('CRL')) {
    const reason =
      "nobody of 'tls.ca' has signed its certificate, or 'tls.crl' has no good list of each who " +
      `has (${code})`
    return { refusal: 'unlisted', reason }
  }
  const error = handshakeError('', Object.assign(new Error(code), { code }))
  if (isSkynetError(error, 'ERR_TLS_EXPIRED')) {
    const reason = `its certificate is not good now (${code}): give it a new one, or mend a clock`
    return { refusal: 'expired', reason }
  }
  return { refusal: 'untrusted', reason: `nobody of 'tls.ca' has signed its certificate (${code})` }
}

/** What people have to mend is `ERR_CLUSTER_AUTH`; what may pass by itself is `ERR_CONNECT`. */
export function troubleOf(address: string, error: unknown): unknown {
  if (!isSkynetError(error) || !error.code.startsWith('ERR_TLS_')) return error
  const { problem, reason: told } = error.info as { problem: string; reason: string }
  if (problem === 'UNKNOWN') {
    const reason = 'it has ended the connection in the handshake of TLS'
    return new SkynetError('ERR_CONNECT', { address, reason }, { cause: error })
  }
  const reason = NO_TLS.test(problem) ? ONE_TLS.ours : `TLS has failed: ${told}`
  return new SkynetError('ERR_CLUSTER_AUTH', { address, reason }, { cause: error })
}
