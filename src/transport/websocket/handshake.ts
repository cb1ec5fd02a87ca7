/** The opening handshake of WebSocket (RFC 6455, 4), as text: what is asked, what is answered. */
import { createHash } from 'node:crypto'
import { acceptOffer, type Deflate } from './deflate.ts'

/** What a handshake is told by: a request of node:http is one. */
export interface HandshakeRequest {
  readonly method?: string | undefined
  readonly httpVersion: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** What a server takes. */
export interface HandshakeRules {
  /** Pages of these origins may connect; `any`: all; undefined: those of the host itself. */
  readonly origins: readonly string[] | 'any' | undefined
  /** Those that are understood; undefined: none is spoken of. */
  readonly subprotocols: readonly string[] | undefined
  readonly deflate: boolean
}

/** The request was good. */
export interface Accepted {
  readonly status: 101
  /** What is to be written: the head of the answer. */
  readonly text: string
  readonly subprotocol: string
  readonly deflate: Deflate | undefined
}

/** The request was not. */
export interface NotAccepted {
  readonly status: 400 | 403 | 405 | 426 | 503 | 505
  /** For people: in the body of the answer. */
  readonly reason: string
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/
const VERSION = '13'

/** The answer to a key. */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(key).update(GUID).digest('base64')

/** Words of a list of a header, in lower case. */
export const wordsOf = (header: string | undefined): readonly string[] =>
  (header ?? '').split(',').map((word) => word.trim().toLowerCase())

/** A header that may be there once. Twice: it is neither. */
function single({ headers }: Pick<HandshakeRequest, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' || value === undefined ? value : value.join(', ')
}

const refuse = (status: NotAccepted['status'], reason: string): NotAccepted => ({ status, reason })

/** What a server makes of a request. */
export function answerHandshake(
  request: HandshakeRequest,
  rules: HandshakeRules,
): Accepted | NotAccepted {
  const header = (name: string): string | undefined => single(request, name)
  const key = header('sec-websocket-key')
  if (request.method !== 'GET') return refuse(405, 'A WebSocket begins with GET')
  if (request.httpVersion !== '1.1') return refuse(505, 'A WebSocket begins with HTTP/1.1')
  if (!wordsOf(header('upgrade')).includes('websocket')) return refuse(426, 'Upgrade: websocket')
  if (!wordsOf(header('connection')).includes('upgrade')) return refuse(400, 'Connection: Upgrade')
  if (header('sec-websocket-version') !== VERSION) {
    return refuse(426, `Sec-WebSocket-Version: ${VERSION}`)
  }
  if (key === undefined || !KEY.test(key)) return refuse(400, 'Sec-WebSocket-Key of 16 bytes')
  const host = header('host')
  if (host === undefined) return refuse(400, 'Host')
  if (!isOriginTaken(header('origin'), host, rules.origins)) {
    return refuse(403, 'Pages of this origin may not connect')
  }
  const subprotocol = chosen(header('sec-websocket-protocol'), rules.subprotocols)
  if (subprotocol === undefined) return refuse(400, 'Sec-WebSocket-Protocol that is known here')
  const offer = rules.deflate ? acceptOffer(header('sec-websocket-extensions')) : undefined
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
  ]
  if (subprotocol !== '') lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  if (offer !== undefined) lines.push(`Sec-WebSocket-Extensions: ${offer.answer}`)
  return { status: 101, text: `${lines.join('\r\n')}\r\n\r\n`, subprotocol, deflate: offer }
}

/** Browsers tell whose page it is, and a page cannot lie. Who is no browser need not tell. */
function isOriginTaken(
  origin: string | undefined,
  host: string,
  origins: HandshakeRules['origins'],
): boolean {
  if (origin === undefined || origins === 'any') return true
  const from = origin.toLowerCase()
  if (origins !== undefined) return origins.some((each) => each.toLowerCase() === from)
  const [, authority] = from.split('://')
  return authority === host.toLowerCase()
}

/** The first one of the client's that is known; empty: none was asked for. */
function chosen(
  header: string | undefined,
  known: readonly string[] | undefined,
): string | undefined {
  if (header === undefined || known === undefined) return ''
  const asked = header.split(',').map((each) => each.trim())
  return asked.find((each) => known.includes(each))
}

const REASONS: Readonly<Record<NotAccepted['status'], string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
}

/** The whole answer of a server that says no; the connection ends behind it. */
export function refusalText({ status, reason }: NotAccepted): string {
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(reason)}`,
  ]
  if (status === 405) lines.push('Allow: GET')
  if (status === 426) lines.push('Upgrade: websocket', `Sec-WebSocket-Version: ${VERSION}`)
  return `${lines.join('\r\n')}\r\n\r\n${reason}`
}
