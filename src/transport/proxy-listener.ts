/** A listener behind a proxy that says for whom it has connected. */
import { checkFlag, checkGiven, checkMs, refusal } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { monotonicNow } from '../base/event-loop.ts'
import { PROXY_HEADER_MS, PROXY_HEADERS_MAX } from '../base/limits.ts'
import { limitsFrom } from '../service/wait-options.ts'
import { type ByteStream, checkListener, type StreamListener } from '../sockets/byte-stream.ts'
import { HandshakeListener, type HandshakeOf } from './handshakes.ts'
import { type ProxyHeader, ProxyParser } from './proxy-header.ts'
import { TrustedProxies } from './trust.ts'

export interface ProxyOptions {
  /** Who is believed: `10.0.0.0/8`, `192.0.2.1`, `fd00::/8`, `unix`. They must send a header. */
  readonly trust: readonly string[]
  /**
   * Let in also who is no trusted proxy, as a client of its own address: what it sends is not
   * looked at, so a header of its own is bytes like others. Default false: it is refused.
   */
  readonly direct?: boolean
  /** How long a header may take. Default 5 s; when many are under way, down to 0.3 of that. */
  readonly timeoutMs?: number
}

const WHAT = 'listen behind a proxy'
const NAMES = ['trust', 'direct', 'timeoutMs']
/** What was said of a stream: it is gone with the stream. */
const headers = new WeakMap<ByteStream, ProxyHeader>()

const clock = {
  get now(): number {
    return monotonicNow()
  },
}

/** Of a connection: an end at once, which may be a reset. */
interface Dropped {
  shutdown?(): void
}

/** `Listener` is one: it says so in the log, in a flood once a second. */
interface Telling {
  refused?(why: string): void
}

/**
 * Streams of clients whose connections a proxy has taken: HAProxy, nginx, a load balancer of a
 * cloud, which says for whom in a header in front of their bytes, by the PROXY protocol of version
 * 1 or 2. `remoteAddress` is what it has said. The stream is the one that `listener` gives, and no
 * byte behind the header is missing in it.
 *
 *     const listener = withProxy(await skynet.socket.listen({ port: 7000 }), {
 *       trust: ['10.0.0.0/8'],
 *     })
 *     for await (const client of listener) greet(client)
 *
 * Who is not trusted is refused, and so is a proxy whose header does not come in time, or is none.
 * Where the proxy says that it has connected for itself (`LOCAL`, `UNKNOWN`), or says no address,
 * the address is its own.
 *
 * @throws `TypeError`, `RangeError` naming the option.
 */
export function withProxy(listener: StreamListener, options: ProxyOptions): StreamListener {
  checkGiven(WHAT, 'options', options, NAMES)
  const { direct = false, timeoutMs = PROXY_HEADER_MS } = options
  checkFlag(WHAT, 'direct', direct)
  checkMs(WHAT, 'timeoutMs', timeoutMs, 1)
  const trust = new TrustedProxies(options.trust, WHAT)
  if (!direct && options.trust.length === 0) {
    throw refusal('value', WHAT, 'trust', 'at least one proxy, as nobody else may come', [])
  }
  checkListener(WHAT, 'listener', listener)
  const { refused } = listener as Telling
  const handshake: HandshakeOf<ByteStream> = {
    max: PROXY_HEADERS_MAX,
    timeoutMs,
    begin: (stream, ms) => introduced(stream, trust, direct, ms),
    drop(stream, why) {
      if (why !== undefined) refused?.call(listener, `${stream.remoteAddress}: ${why.message}`)
      const { shutdown } = stream as Dropped
      if (shutdown === undefined) stream.close().catch(() => {})
      else shutdown.call(stream)
    },
  }
  return new HandshakeListener(listener, handshake)
}

async function introduced(
  stream: ByteStream,
  trust: TrustedProxies,
  isDirectAllowed: boolean,
  timeoutMs: number,
): Promise<ByteStream> {
  const { remoteAddress } = stream
  if (!trust.has(remoteAddress)) {
    if (isDirectAllowed) return stream
    throw new SkynetError('ERR_PROXY_UNTRUSTED', { address: remoteAddress })
  }
  const header = await headerOf(stream, timeoutMs)
  headers.set(stream, header)
  if (header.source !== undefined) {
    Object.defineProperty(stream, 'remoteAddress', { value: header.source, enumerable: true })
  }
  return stream
}

/** Reads no byte of what follows it. */
async function headerOf(stream: ByteStream, timeoutMs: number): Promise<ProxyHeader> {
  const left = limitsFrom(clock, { timeoutMs })
  const parser = new ProxyParser()
  try {
    for (;;) {
      const header = parser.push(await stream.read(parser.wants, left()))
      if (header !== undefined) return header
    }
  } catch (cause) {
    const reason = missing(cause, timeoutMs)
    throw reason === undefined ? cause : new SkynetError('ERR_PROXY_HEADER', { reason }, { cause })
  }
}

/** Why the rest of a header does not come; undefined: it is wrong. */
function missing(error: unknown, timeoutMs: number): string | undefined {
  if (isSkynetError(error, 'ERR_SOCKET_TIMEOUT')) return `it has not come within ${timeoutMs} ms`
  if (isSkynetError(error, 'ERR_SOCKET_ENDED'))
    return 'the connection has ended before it was there'
  return undefined
}

/** What the proxy has said of a stream that came out of `withProxy`; undefined: nothing. */
export const proxyHeaderOf = (stream: ByteStream): ProxyHeader | undefined => headers.get(stream)
