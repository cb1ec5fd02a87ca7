/** What a WebSocket has begun with, and who it is. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { HttpServer } from '../../http/http-server.ts'
import type { HttpSocket } from '../../http/http-socket.ts'
import { urlPath } from '../../http/url-path.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import type { SecurePeer } from '../../sockets/secure-peer.ts'
import { forwardedFor } from '../forwarded-for.ts'
import type { TrustedProxies } from '../trust.ts'

/** Headers of the handshake itself: what they have led to is known by now. */
const SPENT = [
  ...['upgrade', 'connection', 'sec-websocket-key', 'sec-websocket-version'],
  ...['sec-websocket-extensions', 'sec-websocket-protocol'],
]

/** The request that a WebSocket has begun with. It is kept as long as that, so it is small. */
export class WebSocketRequest {
  /** As it was asked for: `/chat?room=7`. */
  readonly url: string
  /** As `node:http` has them, names in lower case; without those of the handshake itself. */
  readonly headers: IncomingHttpHeaders
  /** Who it is, `ip:port`: of a trusted proxy what that says. */
  readonly address: string
  /** What its TLS knows of it: `authorized`, `peerCertificate()`; undefined: it has none. */
  readonly secure: SecurePeer | undefined

  /** Made by a `RequestMaker` only. */
  constructor(message: IncomingMessage, address: string) {
    const { url = '/', headers } = message
    this.url = url
    this.address = address
    this.secure = (message.socket as unknown as HttpSocket).secure
    this.headers = {}
    for (const name in headers) {
      if (!SPENT.includes(name)) this.headers[name] = headers[name]
    }
  }

  /** Without what is behind `?`: `/chat`. */
  get path(): string {
    return urlPath(this.url)
  }
}

/** Says of each request for a WebSocket who it is. */
export class RequestMaker {
  readonly #server: HttpServer
  readonly #trust: TrustedProxies | undefined

  /** @param trust Undefined: the server knows who asks. */
  constructor(server: HttpServer, trust: TrustedProxies | undefined) {
    this.#server = server
    this.#trust = trust
  }

  requestOf(message: IncomingMessage, { remoteAddress }: ByteStream): WebSocketRequest {
    return new WebSocketRequest(message, this.#addressOf(message, remoteAddress))
  }

  #addressOf(message: IncomingMessage, peer: string): string {
    if (this.#trust === undefined) return this.#server.askerOf(message) ?? peer
    const lists = { 'x-forwarded-for': message.headers['x-forwarded-for'] }
    return forwardedFor(lists, peer, this.#trust)
  }
}
