/** What a client is made of: options, checked. */
import {
  type ArgumentCheck,
  anything,
  BAD_VALUE,
  CONNECT,
  MS_MAX,
  mustBe,
  numberIn,
  optionsOf,
  withMethods,
  wrongArgument,
} from './check.ts'
import type { ClientLinkMaker } from './client-link.ts'
import type { ClientProtocol, LoginOf } from './client-protocol.ts'
import type { ClientCoreOptions } from './core.ts'
import { FULL } from './full.ts'
import { type ClientStorage, type KeptToken, type TokenStore, tokenStore } from './token-store.ts'
import { type WebSocketClass, webSocketLinks } from './web-socket.ts'

/** Where the gate is, and what a client may hold. Of `url` and `transport` one is given. */
export interface ClientConnectOptions {
  /** `wss://game.example/canvas`; `https:` means the same. In a browser also a path: `/canvas`. */
  readonly url?: string | URL
  /** In place of `url`: framed TCP in Node.js, or one of your own. */
  readonly transport?: ClientLinkMaker
  /** The class that is used for `url`. Default: the global one, which Node.js has from 22 on. */
  readonly WebSocket?: WebSocketClass
  /** Offered by the WebSocket, as its own argument. */
  readonly subprotocols?: string | string[]
  /**
   * Keeps the token of the session for the next load of the page, which goes on with the session:
   * `sessionStorage`. Missing: a page that is loaded again is a new session, and a page that goes
   * away ends its own.
   */
  readonly storage?: ClientStorage
  /** Default: `skynet-ts` and the address. */
  readonly storageKey?: string
  /**
   * Calls that are not answered; beyond, `ERR_CLIENT_FULL`. Default 100. They are sent no faster
   * than the gate takes them.
   */
  readonly callsMax?: number
  /** Bytes of the values of all those. Default 1 MiB. */
  readonly callBytesMax?: number
  /** From the begin of a connection until the server has welcomed us. Default 10 s. */
  readonly openTimeoutMs?: number
  /** Wait before the first attempt after a cut, by chance up to this. Default 500 ms. */
  readonly retryMsMin?: number
  /** It doubles with each failure up to this, which is no less. Default 30 s. */
  readonly retryMsMax?: number
}

/** Who logs in: a value, or what gives one for each new session, as a token that gets old. */
export type ClientLogin<P extends ClientProtocol> =
  | LoginOf<P>
  | (() => LoginOf<P> | Promise<LoginOf<P>>)

/** With the login, if the protocol has one. */
export type ConnectOptionsOf<P extends ClientProtocol> = ClientConnectOptions &
  (undefined extends LoginOf<P>
    ? { readonly login?: ClientLogin<P> }
    : { readonly login: ClientLogin<P> })

const number = numberIn(1, MS_MAX)
/** RFC 7230. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const isText = (value: unknown): boolean => typeof value === 'string'
const checkOptions = optionsOf({
  url: mustBe('a string or a URL', (value) => isText(value) || value instanceof URL),
  transport: withMethods('open'),
  WebSocket: mustBe('a class', isClass),
  subprotocols: mustBe('tokens, none of them twice', areTokens),
  login: anything,
  storage: withMethods('getItem', 'setItem', 'removeItem'),
  storageKey: mustBe('a string', isText),
  callsMax: number,
  callBytesMax: number,
  openTimeoutMs: number,
  retryMsMin: number,
  retryMsMax: number,
} satisfies Record<keyof ConnectOptionsOf<ClientProtocol>, ArgumentCheck>)

/** Asks whether it may stand behind `new`, and does not call it. */
function isClass(value: unknown): boolean {
  try {
    return Boolean(Reflect.construct(Object, [], value as WebSocketClass))
  } catch {
    return false
  }
}

/** A WebSocket that is given others names neither option nor value, at each attempt. */
function areTokens(value: unknown): boolean {
  const all: unknown[] = Array.isArray(value) ? value : [value]
  const isToken = (each: unknown): boolean => isText(each) && TOKEN.test(each as string)
  return all.every(isToken) && new Set(all).size === all.length
}

/** Options with their defaults. */
export interface ClientSettings extends Omit<ClientCoreOptions, keyof KeptToken> {
  readonly links: ClientLinkMaker
  readonly store: TokenStore | undefined
}

/** @throws `TypeError`, `RangeError` naming the option; `ERR_CLIENT_NO_WEBSOCKET`. */
export function settingsOf(options: ClientConnectOptions): ClientSettings {
  if (FULL) checkOptions(CONNECT, 'options', options)
  const { url, transport, subprotocols, WebSocket, storage } = options
  const { storageKey = `skynet-ts ${url ?? ''}`, retryMsMax = 30_000 } = options
  // Its default is no longer than the longest wait, whatever that is.
  const { retryMsMin = Math.min(500, retryMsMax) } = options
  if (FULL) numberIn(1, retryMsMax)(CONNECT, 'retryMsMin', retryMsMin)
  if (FULL && (url === undefined) === (transport === undefined)) {
    throw wrongArgument(CONNECT, 'url', 'given, or else transport, not both', url, BAD_VALUE)
  }
  const { callsMax = 100, callBytesMax = 2 ** 20, openTimeoutMs = 10_000 } = options
  return {
    ...{ callsMax, callBytesMax, openTimeoutMs, retryMsMin, retryMsMax },
    links: transport ?? webSocketLinks(url!, subprotocols, WebSocket),
    store: storage && tokenStore(storage, storageKey),
  }
}
