/** `connectWebSocket`: a WebSocket to a server. */
import { checkFunction, checkOptions, refusal } from '../../base/check.ts'
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { WEBSOCKET_HANDSHAKE_MS, WEBSOCKET_HEAD_BYTES_MAX } from '../../base/limits.ts'
import {
  checkLimits,
  limitsFrom,
  WAIT_NAMES,
  type WaitOptions,
} from '../../service/wait-options.ts'
import { Skynet } from '../../skynet/skynet.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { Frame } from '../../sockets/stream-reader.ts'
import { type ClientHello, clientHello, readServerHello } from './client-handshake.ts'
import {
  carrierOf,
  checkWebSocket,
  rulesOf,
  WEBSOCKET_NAMES,
  type WebSocketOptions,
} from './rules.ts'
import { WebSocketStream } from './websocket-stream.ts'

/** Where `connect` is to connect to. */
export interface WebSocketEndpoint extends WaitOptions {
  readonly host: string
  readonly port: number
}

export interface ConnectWebSocketOptions extends WebSocketOptions, WaitOptions {
  /** Those that are spoken here, the best one first: `stream.subprotocol` is what was agreed on. */
  readonly subprotocols?: readonly string[]
  /** More headers of the request: `Origin`, `Authorization`, `Cookie`. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * Who connects. Default: TCP, which `wss://` is not:
   * `(to) => connectTls(skynet, { ...to, tls: {} })`.
   */
  readonly connect?: (to: WebSocketEndpoint) => Promise<ByteStream>
}

const WHAT = 'connect a WebSocket'
const NAMES = [...WEBSOCKET_NAMES, ...WAIT_NAMES, 'subprotocols', 'headers', 'connect']
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Connect a WebSocket to a server.
 *
 *     const chat = await connectWebSocket(skynet, 'ws://127.0.0.1:8080/chat')
 *
 * @param url `ws://host:port/path?query`, or `wss://` with `connect`.
 * @param options `timeoutMs`, 10 s unless told otherwise, is for all of it.
 * @throws {SkynetError} `ERR_WEBSOCKET_HANDSHAKE` the server says no, or speaks something else; as
 * `skynet.socket.connect`. `TypeError`, `RangeError` naming the option.
 */
export async function connectWebSocket(
  skynet: Skynet,
  url: string | URL,
  options: ConnectWebSocketOptions & { readonly binary: true },
): Promise<WebSocketStream<Buffer>>
export async function connectWebSocket(
  skynet: Skynet,
  url: string | URL,
  options?: ConnectWebSocketOptions,
): Promise<WebSocketStream>
export async function connectWebSocket<In extends Frame>(
  skynet: Skynet,
  url: string | URL,
  options: ConnectWebSocketOptions = {},
): Promise<WebSocketStream<In>> {
  checkOptions(WHAT, 'options', options, NAMES)
  checkWebSocket(WHAT, options)
  checkLimits(WHAT, options)
  const hello = clientHello(url, options)
  const rules = rulesOf(skynet, 'client', options)
  const { timeoutMs = WEBSOCKET_HANDSHAKE_MS, signal } = options
  const left = limitsFrom(Skynet.serviceOf(skynet).runtime, { timeoutMs, signal })
  const connect = connectorOf(skynet, hello, options)
  const stream = await connect({ host: hello.host, port: hello.port, ...waitOf(left()) })
  try {
    stream.hold?.()
    stream.write(hello.text)
    const { head, rest } = await readHead(stream, () => waitOf(left()))
    const agreed = readServerHello(head, hello)
    if (typeof agreed === 'string') throw failed(agreed)
    return new WebSocketStream<In>(carrierOf(stream), rules, agreed, rest)
  } catch (error) {
    void stream.close().catch(() => {})
    throw isSkynetError(error, 'ERR_SOCKET_TIMEOUT') ? late(error) : error
  }

  function late(cause: SkynetError<'ERR_SOCKET_TIMEOUT'>): SkynetError {
    const info = { id: cause.info.id, what: `shake hands with ${String(url)} over`, timeoutMs }
    return new SkynetError('ERR_SOCKET_TIMEOUT', info, { cause })
  }

  function failed(reason: string): SkynetError {
    return new SkynetError('ERR_WEBSOCKET_HANDSHAKE', { url: String(url), reason })
  }

  /** The answer up to its blank line, and what came behind it. */
  async function readHead(
    from: ByteStream,
    wait: () => WaitOptions,
  ): Promise<{ head: string; rest: Buffer }> {
    let bytes = Buffer.alloc(0)
    for (;;) {
      const chunk = await from.read(undefined, wait())
      if (chunk === null) throw failed('it has ended before it answered')
      const searched = Math.max(0, bytes.length - HEAD_END.length)
      bytes = Buffer.concat([bytes, chunk])
      const at = bytes.indexOf(HEAD_END, searched)
      if (at > WEBSOCKET_HEAD_BYTES_MAX || (at < 0 && bytes.length > WEBSOCKET_HEAD_BYTES_MAX)) {
        throw failed(`its answer has more than ${WEBSOCKET_HEAD_BYTES_MAX} bytes`)
      }
      if (at < 0) continue
      return { head: bytes.toString('latin1', 0, at), rest: bytes.subarray(at + HEAD_END.length) }
    }
  }
}

/** In whole milliseconds: somebody may be told of them. */
const waitOf = ({ timeoutMs, signal }: WaitOptions): WaitOptions => ({
  timeoutMs: timeoutMs && Math.ceil(timeoutMs),
  signal,
})

function connectorOf(
  skynet: Skynet,
  { isSecure }: ClientHello,
  { connect }: ConnectWebSocketOptions,
): (to: WebSocketEndpoint) => Promise<ByteStream> {
  if (connect !== undefined) {
    checkFunction(WHAT, 'connect', connect)
    return connect
  }
  if (isSecure) throw refusal('type', WHAT, 'connect', 'a function, for wss:', connect)
  return async (to) => {
    const connection = await skynet.socket.connect(to)
    connection.setNoDelay()
    return connection
  }
}
