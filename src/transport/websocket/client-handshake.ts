/** The opening handshake of a client of WebSocket (RFC 6455, 4.1): its request, and the answer. */
import { randomBytes } from 'node:crypto'
import { isObject, refusal } from '../../base/check.ts'
import { printable } from '../../base/text.ts'
import { agreedDeflate, type Deflate, OFFER } from './deflate.ts'
import { acceptOf, wordsOf } from './handshake.ts'

/** Where to, and what to say there. */
export interface ClientHello {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  /** The head of the request. */
  readonly text: string
  /** The answer to its key. */
  readonly accept: string
  readonly subprotocols: readonly string[]
  readonly isDeflateAsked: boolean
}

/** What the request has besides. */
export interface HelloOptions {
  readonly subprotocols?: readonly string[] | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly deflate?: boolean | undefined
}

const WHAT = 'connect a WebSocket'
const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
const PORTS: Readonly<Record<string, number>> = { 'ws:': 80, 'wss:': 443 }
/** What the handshake itself says. */
const OWN = /^(host|upgrade|connection|sec-websocket-.*)$/i

/** @throws `TypeError` naming what is wrong with it. */
export function clientHello(url: string | URL, options: HelloOptions): ClientHello {
  const place = parsed(url)
  const { subprotocols = [], headers = {}, deflate = false } = options
  checkSubprotocols(WHAT, subprotocols)
  checkHeaders(headers)
  const key = randomBytes(16).toString('base64')
  const lines = [
    `GET ${place.pathname}${place.search} HTTP/1.1`,
    `Host: ${place.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ]
  if (subprotocols.length > 0) lines.push(`Sec-WebSocket-Protocol: ${subprotocols.join(', ')}`)
  if (deflate) lines.push(`Sec-WebSocket-Extensions: ${OFFER}`)
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`)
  const { hostname, port, protocol } = place
  return {
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? PORTS[protocol]! : Number(port),
    isSecure: protocol === 'wss:',
    text: `${lines.join('\r\n')}\r\n\r\n`,
    accept: acceptOf(key),
    subprotocols,
    isDeflateAsked: deflate,
  }
}

function parsed(url: string | URL): URL {
  const text = String(url)
  const place = URL.canParse(text) ? new URL(text) : undefined
  const isGood = place !== undefined && place.protocol in PORTS && place.hash === ''
  if (isGood && place.username === '' && place.password === '') return place
  throw refusal('value', WHAT, 'url', 'ws://host/path or wss://host/path', url)
}

/** @throws `TypeError` for what is no list of names, or has one twice. */
export function checkSubprotocols(what: string, names: readonly string[]): void {
  const isList = Array.isArray(names) && names.every((name) => TOKEN.test(String(name)))
  if (isList && new Set(names).size === names.length) return
  throw refusal('value', what, 'subprotocols', 'names without blanks, each once', names)
}

function checkHeaders(headers: Readonly<Record<string, string>>): void {
  if (!isObject(headers)) throw refusal('type', WHAT, 'headers', 'an object', headers)
  for (const [name, value] of Object.entries(headers)) {
    if (!TOKEN.test(name) || OWN.test(name)) {
      throw refusal('value', WHAT, 'headers', 'names that the handshake does not have itself', name)
    }
    if (typeof value !== 'string' || !VALUE.test(value)) {
      throw refusal('value', WHAT, `headers.${name}`, 'a line of text', value)
    }
  }
}

/** What a server has answered. */
export interface ServerHello {
  readonly subprotocol: string
  readonly deflate: Deflate | undefined
}

/** Characters of what a server says in its first line that people get to read. */
const REASON_MAX = 100
const STATUS = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/

/**
 * @param head The answer up to the blank line, without that.
 * @returns A string: why it is no WebSocket.
 */
export function readServerHello(head: string, hello: ClientHello): ServerHello | string {
  const [first = '', ...lines] = head.split('\r\n')
  const status = STATUS.exec(first)
  if (status === null) return 'it answers no HTTP/1.1'
  if (status[1] !== '101')
    return `it answers ${status[1]} ${printable((status[2] ?? '').slice(0, REASON_MAX))}`.trimEnd()
  const headers = headersOf(lines)
  if (headers === undefined) return 'it answers headers that are none'
  if (!wordsOf(headers.get('upgrade')).includes('websocket')) return 'it answers no Upgrade'
  if (!wordsOf(headers.get('connection')).includes('upgrade')) return 'it answers no Connection'
  if (headers.get('sec-websocket-accept') !== hello.accept) {
    return 'its Sec-WebSocket-Accept is that of another key'
  }
  const subprotocol = headers.get('sec-websocket-protocol') ?? ''
  if (subprotocol !== '' && !hello.subprotocols.includes(subprotocol)) {
    return 'it answers a subprotocol that was not asked for'
  }
  const deflate = agreedDeflate(headers.get('sec-websocket-extensions'))
  if (typeof deflate === 'string') return `it answers ${deflate}`
  if (deflate !== undefined && !hello.isDeflateAsked)
    return 'it answers other extensions than asked'
  return { subprotocol, deflate }
}

/** By name in lower case, joined where one comes again. Undefined for a line that is none. */
function headersOf(lines: readonly string[]): ReadonlyMap<string, string> | undefined {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const at = line.indexOf(':')
    const name = line.slice(0, Math.max(0, at)).toLowerCase()
    if (!TOKEN.test(name)) return undefined
    const value = line.slice(at + 1).trim()
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return headers
}
