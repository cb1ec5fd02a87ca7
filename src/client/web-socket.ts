/** Links over the WebSocket of a browser, or any class that is like it. */
import { BAD_VALUE, CONNECT, wrongArgument } from './check.ts'
import { ClientError } from './client-error.ts'
import type { ClientLink, ClientLinkEvents, ClientLinkMaker } from './client-link.ts'
import { FULL } from './full.ts'

/** What is used of a WebSocket: the class of browsers, of Node.js from 22 on, and of `ws` fit. */
export interface WebSocketLike {
  binaryType: string
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  /** Is given a `Uint8Array`, which compilers do not agree upon whether a WebSocket takes. */
  send(data: never): void
  close(code?: number, reason?: string): void
}

export type WebSocketClass = new (url: string, protocols?: string | string[]) => WebSocketLike

const ADDRESS = "an address of 'ws:' or 'wss:', without '#'"
/** Closed on purpose. */
const NORMAL = 1000

/**
 * @param url `ws:`, `wss:`, or `http:`, `https:` for the same; in a browser also a path, `/game`.
 * @throws {ClientError} `ERR_CLIENT_NO_WEBSOCKET`: there is none, and none was given.
 */
export function webSocketLinks(
  url: string | URL,
  subprotocols: string | string[] | undefined,
  given: WebSocketClass | undefined,
): ClientLinkMaker {
  const Class = given ?? (globalThis as { WebSocket?: WebSocketClass }).WebSocket
  if (Class === undefined) throw new ClientError('ERR_CLIENT_NO_WEBSOCKET', CONNECT)
  const href = FULL ? checkedAddressOf(url) : addressOf(url)
  return { open: (events) => openSocket(new Class(href, subprotocols), events) }
}

/** @throws `TypeError`: it names the option. */
function checkedAddressOf(url: string | URL): string {
  try {
    const href = addressOf(url)
    if (/^wss?:[^#]*$/.test(href)) return href
  } catch {}
  throw wrongArgument(CONNECT, 'url', ADDRESS, String(url), BAD_VALUE)
}

/** @throws What URLs throw. */
function addressOf(url: string | URL): string {
  const { location } = globalThis as { readonly location?: { readonly href: string } }
  const whole = new URL(url, location?.href)
  whole.protocol = whole.protocol.replace(/^http/, 'ws')
  return whole.href
}

function openSocket(socket: WebSocketLike, events: ClientLinkEvents): ClientLink {
  socket.binaryType = 'arraybuffer'
  const close = (): void => {
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close(NORMAL)
  }
  socket.onopen = () => events.opened()
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    if (data instanceof ArrayBuffer) return events.heard(new Uint8Array(data))
    close()
    events.closed(FULL ? 'a message is no bytes' : '')
  }
  // It is told before each close; without a listener the class of `ws` would throw it.
  socket.onerror = () => {}
  socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => {
    close()
    events.closed(FULL ? `WebSocket ${code}${reason && `: ${reason}`}` : `${code} ${reason}`)
  }
  return { send: (message) => socket.send(message as never), close }
}
