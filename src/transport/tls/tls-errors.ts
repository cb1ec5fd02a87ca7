/** What a handshake may fail of: what OpenSSL and Node.js call it, and our codes. */
import { shown } from '../../base/check.ts'
import { isSkynetError, SkynetError } from '../../base/errors.ts'

type TlsCode = 'ERR_TLS_EXPIRED' | 'ERR_TLS_HOST' | 'ERR_TLS_MISMATCH' | 'ERR_TLS_REFUSED'

/** Those that are no trouble with a chain of certificates; as Node.js has them in `code`. */
const CODES: Readonly<Record<string, TlsCode>> = {
  CERT_HAS_EXPIRED: 'ERR_TLS_EXPIRED',
  CERT_NOT_YET_VALID: 'ERR_TLS_EXPIRED',
  CRL_HAS_EXPIRED: 'ERR_TLS_EXPIRED',
  CRL_NOT_YET_VALID: 'ERR_TLS_EXPIRED',
  ERR_TLS_CERT_ALTNAME_INVALID: 'ERR_TLS_HOST',
  HOSTNAME_MISMATCH: 'ERR_TLS_HOST',
  ERR_SSL_NO_SHARED_CIPHER: 'ERR_TLS_MISMATCH',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'ERR_TLS_MISMATCH',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'ERR_TLS_MISMATCH',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'ERR_TLS_MISMATCH',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'ERR_TLS_MISMATCH',
  ERR_SSL_VERSION_TOO_LOW: 'ERR_TLS_MISMATCH',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'ERR_TLS_MISMATCH',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'ERR_TLS_MISMATCH',
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'ERR_TLS_MISMATCH',
}

/** What the peer has said of us, by an alert. OpenSSL names the version that had it first. */
const ALERT = /^ERR_SSL_.*ALERT_/
/** Of a chain: `SELF_SIGNED_CERT_IN_CHAIN`, `CERT_REVOKED` … */
const CHAIN = /CERT|ISSUER|CHAIN|CRL|^INVALID_(?:CA|PURPOSE)$|^PATH_LENGTH|LEAF_SIGNATURE/

/** Why there is no stream: what Node.js has thrown, by what it is about. */
export function handshakeError(address: string, error: unknown): Error {
  if (isSkynetError(error)) return error
  const { code: problem = 'UNKNOWN', message } = error as NodeJS.ErrnoException
  const info = { address, problem, reason: reasonOf(message) }
  return new SkynetError(codeOf(problem), info, { cause: error })
}

function codeOf(problem: string): TlsCode | 'ERR_TLS_CERTIFICATE' | 'ERR_TLS_HANDSHAKE' {
  const code = Object.hasOwn(CODES, problem) ? CODES[problem] : undefined
  if (code !== undefined) return code
  if (ALERT.test(problem)) return 'ERR_TLS_REFUSED'
  return CHAIN.test(problem) ? 'ERR_TLS_CERTIFICATE' : 'ERR_TLS_HANDSHAKE'
}

/** What a server fails of that has no certificate to show. */
const NOTHING_TO_SHOW: ReadonlySet<string | undefined> = new Set([
  'ERR_SSL_NO_SHARED_CIPHER',
  'ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM',
])

/**
 * Of a server that has certificates for names alone, and none for this one. OpenSSL does not say.
 *
 * @param asked The name that the client asks for, if any.
 */
export function unknownName(error: NodeJS.ErrnoException, asked: string | undefined): Error {
  const { code } = error
  if (!NOTHING_TO_SHOW.has(code)) return error
  const name = asked === undefined ? 'it asks for no name' : `it asks for ${shown(asked)}`
  const text = `${name}, and no certificate is for that`
  return Object.assign(new Error(text, { cause: error }), { code })
}

/** Of `C0B6:error:0A000076:SSL routines:place:no shared cipher:file:7:`, what people read. */
export function reasonOf(message: string): string {
  const [, , , routine, , reason] = message.split(':')
  return routine === 'SSL routines' && reason !== undefined ? reason : message.trim()
}
