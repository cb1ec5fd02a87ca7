/** What may be said of a server of WebSockets, checked. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  checkArray,
  checkFlag,
  checkInteger,
  checkOptions,
  checkPlain,
  checkString,
  isA,
  refusal,
} from '../../base/check.ts'
import {
  HTTP_OPTION_NAMES,
  type HttpHandler,
  type HttpLimits,
  type HttpListener,
  type HttpPlace,
  type HttpRules,
} from '../../http/http-options.ts'
import { HttpServer } from '../../http/http-server.ts'
import { serveHttp } from '../../http/serve-http.ts'
import type { UpgradeTest } from '../../http/upgrades.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import { checkListener } from '../../sockets/byte-stream.ts'
import { TrustedProxies } from '../trust.ts'
import { checkSubprotocols } from './client-handshake.ts'

/** Who may connect, and what is agreed on. */
export interface UpgradeOptions {
  /** Of the URL, without what is behind `?`: `/chat`. Default: any. */
  readonly path?: string
  /**
   * Whose pages may connect: `https://game.example`; `any`: all. Default: those of the host that
   * they connect to. Who sends no `Origin` is no browser, and may.
   */
  readonly origins?: readonly string[] | 'any'
  /** Those that are spoken here: a client gets the first of its own that is known. */
  readonly subprotocols?: readonly string[]
  /** Take frames without a mask too: clients of Skynet's own library send such. Default: no. */
  readonly allowUnmasked?: boolean
  /**
   * Proxies that are believed when `X-Forwarded-For` says for whom they stand: `10.0.0.0/8`.
   * Default: none, and `addressOf` of the HTTP server says who it is, where that has one.
   */
  readonly trust?: readonly string[]
}

interface OwnHttp extends HttpLimits, Pick<HttpRules, 'addressOf'> {
  /** Other requests. Default: an answer of 426. */
  readonly handler?: HttpHandler
  readonly server?: never
}

/** An HTTP server that is there: it goes on when nobody takes WebSockets from it any more. */
interface GivenHttp {
  readonly server: HttpServer
  readonly listener?: never
  readonly port?: never
}

/** Where clients come: a port, a listener of others (TLS, behind a proxy), or an HTTP server. */
export type WebSocketPlace =
  | (OwnHttp & Omit<HttpPlace, 'path'>)
  | (OwnHttp & HttpListener & { readonly port?: never })
  | GivenHttp

/** Pages of files are of `null`. */
const ORIGIN = /^(null|[a-z][a-z0-9+.-]*:\/\/[^/?#\s]+)$/i

const UPGRADE_NAMES = ['path', 'origins', 'subprotocols', 'allowUnmasked', 'trust']

/**
 * @param known Names of the options that only the caller knows.
 * @throws `TypeError` naming the option.
 */
export function checkWebSocketServer(
  what: string,
  options: UpgradeOptions & WebSocketPlace,
  known: readonly string[],
): void {
  checkPlain(what, 'options', options)
  const { path, origins, subprotocols, allowUnmasked, trust, server } = options
  const place = server === undefined ? HTTP_OPTION_NAMES : ['server']
  checkOptions(what, 'options', options, [...UPGRADE_NAMES, ...known, ...place])
  if (path !== undefined && !(typeof path === 'string' && /^\/[^?#]*$/.test(path))) {
    throw refusal('value', what, 'path', 'a path from / on, without ? and #', path)
  }
  if (origins !== undefined && origins !== 'any') {
    checkArray(what, 'origins', origins)
    for (const origin of origins) {
      checkString(what, 'origins', origin)
      if (ORIGIN.test(origin)) continue
      throw refusal('value', what, 'origins', `as browsers say it: 'https://game.example'`, origin)
    }
  }
  if (subprotocols !== undefined) checkSubprotocols(what, subprotocols)
  checkFlag(what, 'allowUnmasked', allowUnmasked)
  if (trust !== undefined) new TrustedProxies(trust, what)
  if (server !== undefined) checkServer(what, server, options)
  else if (options.listener !== undefined) checkListener(what, 'listener', options.listener)
  else checkInteger(what, 'port', options.port, 0, 65_535)
}

function checkServer(what: string, server: unknown, options: UpgradeOptions): void {
  if (!isA(server, HttpServer)) throw refusal('type', what, 'server', 'an HttpServer', server)
  if (!server.isTaken(testOf(options))) return
  throw refusal('value', what, 'path', 'one at which nobody takes clients', options.path)
}

const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  /(^|[\s,])websocket([\s,]|$)/i.test(headers.upgrade ?? '')

/** Which requests of a server are for it. */
export const testOf = ({ path }: UpgradeOptions): UpgradeTest => path ?? isWebSocket

/** @returns The server that was given, or one of their own. @throws As `serveHttp`. */
export async function httpOf(
  skynet: Skynet,
  options: UpgradeOptions & WebSocketPlace,
  known: readonly string[],
): Promise<{ readonly server: HttpServer; readonly isOwn: boolean }> {
  if (options.server !== undefined) return { server: options.server, isOwn: false }
  const others = [...UPGRADE_NAMES, ...known]
  const http = Object.entries(options).filter(([name]) => !others.includes(name))
  const own = { handler: answerUpgrade, ...Object.fromEntries(http) }
  return { server: await serveHttp(skynet, own as Parameters<typeof serveHttp>[1]), isOwn: true }
}

/** To who asks for no WebSocket. */
function answerUpgrade(_: unknown, response: ServerResponse): void {
  // It is a client still, as its gate counts, until it is gone.
  response.shouldKeepAlive = false
  response.writeHead(426, { Upgrade: 'websocket', 'Content-Type': 'text/plain' })
  response.end('This is a WebSocket\n')
}
