/**
 * OpenSSL of this process, through foreign functions: the one that Node.js has in it, or stands on.
 * None of these calls comes back into JavaScript: a thread that is ended within a call back takes
 * the process with it.
 */
import type { SecureContext } from 'node:tls'
import { inspect, types } from 'node:util'
import { bindCalls, type ForeignCalls } from './libc.ts'

/** Addresses are `uintptr_t`; 0 is NULL. */
const CALLS = {
  ERR_clear_error: 'void ERR_clear_error(void)',
  ERR_get_error: 'unsigned long ERR_get_error(void)',
  BIO_s_mem: 'uintptr_t BIO_s_mem(void)',
  BIO_new: 'uintptr_t BIO_new(uintptr_t method)',
  BIO_up_ref: 'int BIO_up_ref(uintptr_t bio)',
  BIO_free: 'int BIO_free(uintptr_t bio)',
  BIO_read: 'int BIO_read(uintptr_t bio, void *to, int length)',
  BIO_write: 'int BIO_write(uintptr_t bio, const void *bytes, int length)',
  BIO_ctrl: 'long BIO_ctrl(uintptr_t bio, int command, long number, uintptr_t more)',
  SSL_CTX_sess_set_new_cb: 'void SSL_CTX_sess_set_new_cb(uintptr_t context, uintptr_t callback)',
  SSL_CTX_sess_set_get_cb: 'void SSL_CTX_sess_set_get_cb(uintptr_t context, uintptr_t callback)',
  SSL_new: 'uintptr_t SSL_new(uintptr_t context)',
  SSL_free: 'void SSL_free(uintptr_t ssl)',
  SSL_set_bio: 'void SSL_set_bio(uintptr_t ssl, uintptr_t input, uintptr_t output)',
  SSL_set_accept_state: 'void SSL_set_accept_state(uintptr_t ssl)',
  SSL_set_connect_state: 'void SSL_set_connect_state(uintptr_t ssl)',
  SSL_ctrl: 'long SSL_ctrl(uintptr_t ssl, int command, long number, const void *more)',
  SSL_set_options: 'uint64_t SSL_set_options(uintptr_t ssl, uint64_t options)',
  SSL_set_verify: 'void SSL_set_verify(uintptr_t ssl, int mode, uintptr_t callback)',
  SSL_set_alpn_protos: 'int SSL_set_alpn_protos(uintptr_t ssl, const void *names, uint32_t n)',
  SSL_do_handshake: 'int SSL_do_handshake(uintptr_t ssl)',
  SSL_read: 'int SSL_read(uintptr_t ssl, void *to, int length)',
  SSL_write: 'int SSL_write(uintptr_t ssl, const void *bytes, int length)',
  SSL_shutdown: 'int SSL_shutdown(uintptr_t ssl)',
  SSL_get_error: 'int SSL_get_error(uintptr_t ssl, int result)',
  SSL_get_verify_result: 'long SSL_get_verify_result(uintptr_t ssl)',
  SSL_session_reused: 'int SSL_session_reused(uintptr_t ssl)',
  SSL_get0_alpn_selected: 'void SSL_get0_alpn_selected(uintptr_t ssl, void *name, void *length)',
  SSL_get1_peer_certificate: 'uintptr_t SSL_get1_peer_certificate(uintptr_t ssl)',
  SSL_get0_verified_chain: 'uintptr_t SSL_get0_verified_chain(uintptr_t ssl)',
  OPENSSL_sk_num: 'int OPENSSL_sk_num(uintptr_t stack)',
  OPENSSL_sk_value: 'uintptr_t OPENSSL_sk_value(uintptr_t stack, int index)',
  i2d_X509: 'int i2d_X509(uintptr_t certificate, void *to)',
  X509_free: 'void X509_free(uintptr_t certificate)',
  OpenSSL_version_num: 'unsigned long OpenSSL_version_num(void)',
  memcpy: 'void memcpy(void *to, const void *from, size_t length)',
  dlsym: 'uintptr_t dlsym(uintptr_t library, const void *name)',
} as const

/** Those that return text. */
const TEXTS = {
  ERR_reason_error_string: 'const char *ERR_reason_error_string(unsigned long code)',
  X509_verify_cert_error_string: 'const char *X509_verify_cert_error_string(long code)',
  SSL_get_version: 'const char *SSL_get_version(uintptr_t ssl)',
  SSL_get_servername: 'const char *SSL_get_servername(uintptr_t ssl, int type)',
} as const

type Texts = {
  readonly [K in keyof typeof TEXTS]: (value: number, type?: number) => string | null
}

/** Of the C headers. */
export const SSL = {
  ERROR_WANT_READ: 2,
  ERROR_ZERO_RETURN: 6,
  CTRL_MODE: 33,
  CTRL_SET_TLSEXT_HOSTNAME: 55,
  HOST_NAME: 0,
  MODE_AUTO_RETRY: 4,
  MODE_RELEASE_BUFFERS: 16,
  OP_NO_RENEGOTIATION: 2 ** 30,
  VERIFY_NONE: 0,
  VERIFY_PEER: 1,
  VERIFY_FAIL_IF_NO_PEER_CERT: 2,
  BIO_CTRL_RESET: 1,
} as const

export interface Openssl extends ForeignCalls<typeof CALLS>, Texts {
  /**
   * A function that says 1 whoever asks, as OpenSSL asks one whether a chain is good enough. What
   * it thinks itself of the chain is in `SSL_get_verify_result`.
   */
  readonly yes: number
}

let here: Openssl | undefined
let isLookedFor = false

/**
 * Of this thread; undefined: Node.js has another library, or shows none of its functions.
 * `openLibc` comes before.
 */
export function openssl(): Openssl | undefined {
  if (isLookedFor) return here
  isLookedFor = true
  try {
    const calls = bindCalls(CALLS)
    // Others that have the same functions (BoringSSL) say 1.
    if (calls.OpenSSL_version_num() / 2 ** 28 < 3) return undefined
    const yes = calls.dlsym(0, Buffer.from('RAND_status\0'))
    if (yes === 0) return undefined
    here = { ...calls, ...(bindCalls(TEXTS) as unknown as Texts), yes }
  } catch {
    // One of the functions is not there.
  }
  return here
}

/**
 * Where the `SSL_CTX` of a context is. It lives as long as the context, and as what was made of it;
 * OpenSSL calls Node.js for tickets of the context, so that must live as long, too.
 *
 * @returns Undefined: Node.js does not say.
 */
export function addressOfContext(context: SecureContext): number | undefined {
  const external = (context.context as { readonly _external?: unknown })._external
  if (!types.isExternal(external)) return undefined
  const [, address] = /^\[External: (?:0x)?([0-9a-f]+)\]$/i.exec(inspect(external)) ?? []
  return address === undefined ? undefined : Number.parseInt(address, 16)
}

/**
 * What a worker that is over has left in `NativeObjects`: a positive number is an SSL, a negative
 * one a BIO.
 */
export function freeObjects(
  left: readonly number[],
  open: () => Pick<Openssl, 'SSL_free' | 'BIO_free'> | undefined = openssl,
): void {
  if (left.length === 0) return
  const { SSL_free, BIO_free } = open()!
  for (const object of left) {
    if (object > 0) SSL_free(object)
    else BIO_free(-object)
  }
}
