/** What OpenSSL fails of, as Node.js says it. */
import type { Openssl } from './openssl.ts'

/** Row: a number of `X509_V_ERR_…`. Cell: `code` in Node.js. */
// biome-ignore format: numbers beside names
const CERTIFICATE_CODES: ReadonlyMap<number, string> = new Map([
  [2, 'UNABLE_TO_GET_ISSUER_CERT'],
  [3, 'UNABLE_TO_GET_CRL'],
  [4, 'UNABLE_TO_DECRYPT_CERT_SIGNATURE'],
  [5, 'UNABLE_TO_DECRYPT_CRL_SIGNATURE'],
  [6, 'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY'],
  [7, 'CERT_SIGNATURE_FAILURE'],
  [8, 'CRL_SIGNATURE_FAILURE'],
  [9, 'CERT_NOT_YET_VALID'],
  [10, 'CERT_HAS_EXPIRED'],
  [11, 'CRL_NOT_YET_VALID'],
  [12, 'CRL_HAS_EXPIRED'],
  [13, 'ERROR_IN_CERT_NOT_BEFORE_FIELD'],
  [14, 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
  [15, 'ERROR_IN_CRL_LAST_UPDATE_FIELD'],
  [16, 'ERROR_IN_CRL_NEXT_UPDATE_FIELD'],
  [17, 'OUT_OF_MEM'],
  [18, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [19, 'SELF_SIGNED_CERT_IN_CHAIN'],
  [20, 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'],
  [21, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [22, 'CERT_CHAIN_TOO_LONG'],
  [23, 'CERT_REVOKED'],
  [25, 'PATH_LENGTH_EXCEEDED'],
  [26, 'INVALID_PURPOSE'],
  [27, 'CERT_UNTRUSTED'],
  [28, 'CERT_REJECTED'],
  [62, 'HOSTNAME_MISMATCH'],
  // Of OpenSSL 3: before, it was 24.
  [79, 'INVALID_CA'],
])

/** Who has to show a certificate and has shown none, in the words of Node.js. */
export const NO_CERTIFICATE = 2

/** What speaks against a chain; undefined: nothing does. */
export function certificateError(lib: Openssl, result: number): NodeJS.ErrnoException | undefined {
  if (result === 0) return undefined
  const code = CERTIFICATE_CODES.get(result) ?? 'UNSPECIFIED'
  return Object.assign(new Error(lib.X509_verify_cert_error_string(result) ?? code), { code })
}

/**
 * Why the last call has failed. Nothing is left of it: who looks next, Node.js too, takes the
 * oldest error of the thread for its own.
 */
export function opensslError(lib: Openssl): NodeJS.ErrnoException {
  const reason = lib.ERR_reason_error_string(lib.ERR_get_error()) ?? 'it has failed'
  lib.ERR_clear_error()
  const code = `ERR_SSL_${reason.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}`
  return Object.assign(new Error(reason), { code })
}
