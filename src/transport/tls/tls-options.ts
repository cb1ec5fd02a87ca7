/** What may be said of TLS: what `node:tls` has, by its names, and the names of hosts. */
import {
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'
import {
  checkArray,
  checkBytes,
  checkFlag,
  checkFunction,
  checkGiven,
  checkOptions,
  checkPlain,
  checkString,
  checkText,
  refusal,
} from '../../base/check.ts'
import { everyList } from '../../base/pem.ts'

/** Certificates, keys and ciphers: see `tls.createSecureContext` of Node.js. */
export type TlsContextOptions = Omit<
  SecureContextOptions,
  'clientCertEngine' | 'privateKeyEngine' | 'privateKeyIdentifier'
>

/**
 * For one name of a listener: who it is, and whom it trusts. OpenSSL changes nothing else once it
 * has read which name is asked for.
 */
export type TlsNameOptions = Pick<
  TlsContextOptions,
  'allowPartialTrustChain' | 'ca' | 'cert' | 'crl' | 'key' | 'passphrase' | 'pfx'
>

/** Of a listener. What is not described here is as in `tls.createSecureContext` of Node.js. */
export interface TlsOptions extends TlsContextOptions {
  /**
   * Other certificates for the names that clients ask for: `{ 'a.test': { key, cert } }`. A name
   * may begin with `*.`, for one label. Who asks for another name, or for none, gets what stands
   * outside.
   */
  readonly contexts?: Readonly<Record<string, TlsNameOptions>>
  /** Protocols that are spoken within, the best first: `['h2', 'http/1.1']`. */
  readonly ALPNProtocols?: readonly string[]
  /**
   * Ask clients for a certificate, which `ca` must have signed: each shows it anew, no session is
   * resumed. Default false.
   */
  readonly requestCert?: boolean
  /** Refuse who has no such certificate. Default true; false leaves it to `stream.authorized`. */
  readonly rejectUnauthorized?: boolean
}

/** Of who connects. */
export interface TlsClientOptions extends TlsContextOptions {
  /** The name that is asked for, and that the certificate must have. Default: the host. */
  readonly servername?: string
  readonly ALPNProtocols?: readonly string[]
  /** Default true. False: everybody is believed, also who is in between. */
  readonly rejectUnauthorized?: boolean
  /** Instead of the comparison of names: an error, or nothing. */
  readonly checkServerIdentity?: (host: string, certificate: PeerCertificate) => Error | undefined
  /** What `onSession` has got of an earlier stream: the handshake is shorter. */
  readonly session?: Buffer
  /** Called with what resumes the session: keep the last one. */
  readonly onSession?: (session: Buffer) => void
}

const NAME_NAMES = ['allowPartialTrustChain', 'ca', 'cert', 'crl', 'key', 'passphrase', 'pfx']
const CONTEXT_NAMES = [
  ...NAME_NAMES,
  ...['ciphers', 'dhparam', 'ecdhCurve', 'honorCipherOrder', 'maxVersion', 'minVersion'],
  ...['secureOptions', 'secureProtocol', 'sessionIdContext', 'sessionTimeout', 'sigalgs'],
  'ticketKeys',
]
const SERVER_NAMES = ['contexts', 'ALPNProtocols', 'requestCert', 'rejectUnauthorized']
const CLIENT_NAMES = [
  ...['servername', 'ALPNProtocols', 'rejectUnauthorized', 'checkServerIdentity'],
  ...['session', 'onSession'],
]

/** @throws `TypeError` naming what is wrong. */
export function checkTlsServer(what: string, options: TlsOptions): void {
  checkGiven(what, 'tls', options, [...CONTEXT_NAMES, ...SERVER_NAMES])
  checkFlag(what, 'requestCert', options.requestCert)
  checkShared(what, options)
  const { requestCert, ticketKeys } = options
  if (requestCert === true && ticketKeys !== undefined) {
    throw refusal('value', what, 'ticketKeys', `none beside 'requestCert'`, ticketKeys)
  }
  const { contexts } = options
  if (contexts !== undefined) checkContexts(what, contexts)
  // Those who ask for another name may be nobody's.
  if (contexts === undefined || hasCertificate(options)) checkCertificate(what, 'tls', options)
}

function checkContexts(what: string, contexts: NonNullable<TlsOptions['contexts']>): void {
  checkPlain(what, 'contexts', contexts)
  const names = Object.keys(contexts)
  if (names.length === 0) throw refusal('value', what, 'contexts', 'at least one name', contexts)
  for (const name of names) {
    if (!NAME.test(name)) {
      throw refusal('value', what, 'contexts', `names as 'a.test', '*.a.test'`, name)
    }
    checkGiven(what, `contexts['${name}']`, contexts[name], NAME_NAMES)
    checkCertificate(what, `contexts['${name}']`, contexts[name]!)
  }
}

/** As clients ask for them. */
const NAME = /^(\*\.)?[\w-]+(\.[\w-]+)*$/

export const hasCertificate = ({ key, cert, pfx }: TlsNameOptions): boolean =>
  key !== undefined || cert !== undefined || pfx !== undefined

/**
 * Who asks clients for certificates goes on to ask them when he has another one himself.
 *
 * @throws `TypeError` naming what is no option.
 */
export function changedTls(what: string, before: TlsOptions, next: TlsOptions): TlsOptions {
  checkOptions(what, 'tls', next ?? null, [...CONTEXT_NAMES, ...SERVER_NAMES])
  if (!hasCertificate(next)) return { ...before, ...next }
  const { key, cert, pfx, passphrase, ...kept } = before
  return { ...kept, ...next }
}

/** OpenSSL takes what is empty, and each client fails. */
const isMissing = (value: unknown): boolean =>
  value === undefined || value === null || (value as { length?: unknown }).length === 0

/** Without one each client would fail: no cipher is shared. */
function checkCertificate(what: string, name: string, options: TlsNameOptions): void {
  const { key, cert, pfx } = options
  if (!isMissing(pfx)) return
  if (isMissing(key)) throw refusal('type', what, `${name}.key`, 'the key of a certificate', key)
  if (isMissing(cert)) throw refusal('type', what, `${name}.cert`, 'a certificate', cert)
}

/** @throws `TypeError` naming what is wrong. */
export function checkTlsClient(what: string, options: TlsClientOptions): void {
  checkOptions(what, 'tls', options, [...CONTEXT_NAMES, ...CLIENT_NAMES])
  checkShared(what, options)
  if (options.servername !== undefined) checkString(what, 'servername', options.servername)
  if (options.session !== undefined) checkBytes(what, 'session', options.session)
  for (const name of ['checkServerIdentity', 'onSession'] as const) {
    if (options[name] !== undefined) checkFunction(what, name, options[name])
  }
}

function checkShared(what: string, options: TlsOptions | TlsClientOptions): void {
  const { rejectUnauthorized, ALPNProtocols } = options
  checkFlag(what, 'rejectUnauthorized', rejectUnauthorized)
  if (ALPNProtocols === undefined) return
  checkArray(what, 'ALPNProtocols', ALPNProtocols)
  for (const name of ALPNProtocols) {
    checkText(what, 'ALPNProtocols', name)
    if (Buffer.byteLength(name) > 255) {
      throw refusal('value', what, 'ALPNProtocols', 'names of at most 255 bytes', name)
    }
  }
}

/**
 * Certificates and keys as OpenSSL has them. It reads them now.
 *
 * @throws `TypeError` where it takes them not: a key of another certificate, no PEM …
 */
export function contextOf(what: string, name: string, options: TlsContextOptions): SecureContext {
  try {
    return createSecureContext({ ...options, ...everyList(options) })
  } catch (cause) {
    const text = `Cannot ${what} with what '${name}' has: ${(cause as Error).message}`
    throw Object.assign(new TypeError(text, { cause }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
}
