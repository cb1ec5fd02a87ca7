/** From a stream to a stream over TLS, for both sides. */
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { types } from 'node:util'
import { ipFamily } from '../../base/ip.ts'
import type { WaitOptions } from '../../service/wait-options.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { TlsContexts } from './tls-contexts.ts'
import { TlsLife } from './tls-life.ts'
import type { TlsClientOptions } from './tls-options.ts'
import type { TlsPool } from './tls-pool.ts'
import { TlsStream } from './tls-stream.ts'
import type { TlsWire } from './tls-wire.ts'

type Check = NonNullable<TlsClientOptions['checkServerIdentity']>

/** What it throws would be thrown where nobody is: it is an error that it has found. */
const orThrown =
  (check: Check): Check =>
  (host, certificate) => {
    try {
      return check(host, certificate)
    } catch (error) {
      return types.isNativeError(error) ? error : new Error(String(error))
    }
  }

/** What OpenSSL thinks of the certificate of the peer: Node.js says it to its own server only. */
interface Verifying {
  readonly ssl: { verifyError(): NodeJS.ErrnoException | undefined }
}

/**
 * The side of the server.
 *
 * @param first What was read of `below` already.
 * @throws {SkynetError} `ERR_TLS_…` why there is none; as waits.
 */
export async function acceptOver(
  below: ByteStream,
  contexts: TlsContexts,
  pool: TlsPool,
  limits: WaitOptions,
  first?: Buffer,
): Promise<TlsStream> {
  const { requestCert = false, rejectUnauthorized = true } = contexts.options
  let problem: NodeJS.ErrnoException | undefined
  const life = new TlsLife(below, pool, (wire) => contexts.socketOn(wire), '', first)
  life.socket.once('secure', () => {
    problem = requestCert ? (life.socket as never as Verifying).ssl.verifyError() : undefined
    life.shaken(rejectUnauthorized ? problem : undefined)
  })
  await life.handshake(limits)
  const isAuthorized = requestCert && (problem === undefined || problem === null)
  return new TlsStream(life, isAuthorized, problem?.code)
}

/**
 * The side of the client.
 *
 * @param host Whom it has connected to.
 * @throws As `acceptOver`.
 */
export async function connectOver(
  below: ByteStream,
  host: string,
  options: TlsClientOptions,
  context: ConnectionOptions['secureContext'],
  pool: TlsPool,
  limits: WaitOptions,
): Promise<TlsStream> {
  const { ALPNProtocols, checkServerIdentity, rejectUnauthorized, session, onSession } = options
  const { servername = ipFamily(host) === 0 ? host : undefined } = options
  const settings: ConnectionOptions = {
    host,
    secureContext: context,
    rejectUnauthorized: rejectUnauthorized ?? true,
    ...(servername !== undefined && { servername }),
    ...(ALPNProtocols !== undefined && { ALPNProtocols: [...ALPNProtocols] }),
    ...(checkServerIdentity !== undefined && {
      checkServerIdentity: orThrown(checkServerIdentity),
    }),
    ...(session !== undefined && { session }),
  }
  const secure = (wire: TlsWire): TLSSocket => connect({ ...settings, socket: wire as never })
  const life = new TlsLife(below, pool, secure, host)
  const { socket } = life
  socket.disableRenegotiation()
  socket.once('secureConnect', () => life.shaken())
  if (onSession !== undefined) {
    const { service } = pool
    socket.on('session', (given) => service.run('TLS session', () => onSession(given)))
  }
  await life.handshake(limits)
  const { authorized, authorizationError } = socket
  return new TlsStream(life, authorized, authorized ? undefined : String(authorizationError))
}
