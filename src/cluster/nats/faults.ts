/** What NATS says when it cannot, in our words. */
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { isError, messageOf } from '../../base/thrown.ts'

/** Names of errors of nats.js that are about who we are, and codes of TLS in Node.js. */
const AUTH_NAMES = [
  'AuthorizationError',
  'UserAuthenticationExpiredError',
  'PermissionViolationError',
]
const AUTH_CODES =
  /^(?:ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/
/** Of a server without TLS, or with nothing but TLS. */
const AUTH_WORDS = /\btls\b|certificate/i

/** Nested that deep at most. */
const CAUSES_MAX = 4

type AnyError = Error & { readonly code?: unknown }

function chain(thrown: unknown): AnyError[] {
  const errors: AnyError[] = []
  for (let error = thrown; errors.length < CAUSES_MAX && isError(error); error = error.cause) {
    errors.push(error)
  }
  return errors
}

const isAbout = (thrown: unknown, name: string): boolean =>
  chain(thrown).some((error) => error.name === name)

/** The server knows nobody who would answer. */
export const isNoResponders = (thrown: unknown): boolean => isAbout(thrown, 'NoResponders')

function isAuth(thrown: unknown): boolean {
  return chain(thrown).some(
    (error) =>
      AUTH_NAMES.includes(error.name) ||
      (typeof error.code === 'string' && AUTH_CODES.test(error.code)) ||
      AUTH_WORDS.test(error.message),
  )
}

/** The innermost that says something: `connect ECONNREFUSED 127.0.0.1:4222`. */
function reasonOf(thrown: unknown): string {
  const texts = chain(thrown)
    .map(messageOf)
    .filter((text) => text !== '')
  return texts.length === 0 ? messageOf(thrown) : [...new Set(texts)].join(': ')
}

/** Why there is no connection, or no answer over it. */
export function faultOf(thrown: unknown, address: string): SkynetError {
  if (isSkynetError(thrown)) return thrown
  const reason = reasonOf(thrown)
  if (isAuth(thrown))
    return new SkynetError('ERR_CLUSTER_AUTH', { address, reason }, { cause: thrown })
  return storeLost(`${address}: ${reason}`, thrown)
}

export function storeLost(reason: string, cause?: unknown): SkynetError<'ERR_STORE_LOST'> {
  return new SkynetError('ERR_STORE_LOST', { reason }, cause === undefined ? {} : { cause })
}
