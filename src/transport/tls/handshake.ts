/** From a stream to a stream over TLS, for both sides. */
import {
  type ConnectionOptions,
  checkServerIdentity as checkIdentity,
  connect,
  type SecureContext,
} from 'node:tls'
import { types } from 'node:util'
import { ipFamily } from '../../base/ip.ts'
import type { WaitOptions } from '../../service/wait-options.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { NodeEngine } from './node-engine.ts'
import { opensslEngine } from './openssl-engine.ts'
import type { TlsContexts } from './tls-contexts.ts'
import type { TlsEngine, TlsEngineHost } from './tls-engine.ts'
import { TlsLife } from './tls-life.ts'
import type { TlsClientOptions } from './tls-options.ts'
import type { TlsPool } from './tls-pool.ts'
import { TlsStream } from './tls-stream.ts'

type Check = NonNullable<TlsClientOptions['checkServerIdentity']>

const errorOf = (found: unknown): Error =>
  types.isNativeError(found) ? found : new Error(String(found))

/**
 * What it throws would be thrown where nobody is: it is an error that it has found. So is whatever
 * else it returns, as the promise of an async one, which is known too late.
 */
const strictly =
  (check: Check): Check =>
  (host, certificate) => {
    try {
      const found: unknown = check(host, certificate)
      return found ? errorOf(found) : undefined
    } catch (error) {
      return errorOf(error)
    }
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
  const life = new TlsLife(below, pool, (host) => contexts.engineOn(below, host, first))
  await life.handshake(limits)
  return new TlsStream(life)
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
  context: SecureContext,
  pool: TlsPool,
  limits: WaitOptions,
): Promise<TlsStream> {
  const { session, onSession } = options
  const makeEngine = (life: TlsEngineHost): TlsEngine => {
    // Sessions are what OpenSSL would have to call us back for.
    const isPlain = session === undefined && onSession === undefined
    const engine = isPlain ? opensslClient(below, life, host, options, context) : undefined
    return engine ?? nodeClient(below, life, host, options, context, pool)
  }
  const life = new TlsLife(below, pool, makeEngine, host)
  await life.handshake(limits)
  return new TlsStream(life)
}

/** The name that is asked for: addresses are none. */
const nameOf = (host: string, { servername }: TlsClientOptions): string | undefined =>
  servername ?? (ipFamily(host) === 0 ? host : undefined)

function opensslClient(
  below: ByteStream,
  life: TlsEngineHost,
  host: string,
  options: TlsClientOptions,
  context: SecureContext,
): TlsEngine | undefined {
  const { ALPNProtocols = [], rejectUnauthorized = true } = options
  const check = strictly(options.checkServerIdentity ?? checkIdentity)
  // OpenSSL takes no empty one.
  const servername = nameOf(host, options) || undefined
  const client = {
    servername,
    protocols: ALPNProtocols,
    rejectUnauthorized,
    check: check.bind(undefined, servername ?? host),
  }
  return opensslEngine(below, life, { context, client })
}

function nodeClient(
  below: ByteStream,
  life: TlsEngineHost,
  host: string,
  options: TlsClientOptions,
  context: SecureContext,
  { service }: TlsPool,
): TlsEngine {
  const { ALPNProtocols, checkServerIdentity, rejectUnauthorized, session, onSession } = options
  const servername = nameOf(host, options)
  const settings: ConnectionOptions = {
    host,
    secureContext: context,
    rejectUnauthorized: rejectUnauthorized ?? true,
    ...(servername !== undefined && { servername }),
    ...(ALPNProtocols !== undefined && { ALPNProtocols: [...ALPNProtocols] }),
    ...(checkServerIdentity !== undefined && {
      checkServerIdentity: strictly(checkServerIdentity),
    }),
    ...(session !== undefined && { session }),
  }
  return new NodeEngine(below, life, {
    secure: (wire) => connect({ ...settings, socket: wire as never }),
    onSession: onSession && ((given) => service.run('TLS session', () => onSession(given))),
  })
}
