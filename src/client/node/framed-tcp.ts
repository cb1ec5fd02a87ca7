/** Links over TCP and TLS, for clients in programs of Node.js: each message in a frame. */
import * as net from 'node:net'
import { type ConnectionOptions, connect as connectTls, createSecureContext } from 'node:tls'
import {
  checkArray,
  checkBytes,
  checkFunction,
  checkInteger,
  checkOptions,
  checkPlain,
  checkString,
} from '../../base/check.ts'
import { everyList } from '../../base/pem.ts'
import { type FrameFormat, formatOf } from '../../frames/frame-format.ts'
import { FrameParser } from '../../frames/frame-parser.ts'
import type { FrameHeader } from '../../frames/framing.ts'
import type { ClientLink, ClientLinkEvents, ClientLinkMaker } from '../client-link.ts'
import { after } from '../timers.ts'

/** Where the gate is, and how it frames messages. */
export interface FramedTcpOptions {
  readonly port: number
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** As the gate's `tcp()` has it. Default `u16be`. */
  readonly header?: FrameHeader
  /** The longest message, in bytes. Default: what the header can tell, 1 MiB at most. */
  readonly messageBytesMax?: number
  /** Over TLS, by these options of `node:tls`: `servername`, `ca`, ALPN … */
  readonly tls?: ConnectionOptions
}

const WHAT = 'connect over TCP'
const NAMES = ['port', 'host', 'header', 'messageBytesMax', 'tls']
/** A peer that takes nothing does not keep a connection that was closed here. */
const CLOSING_MS = 5000

/**
 * `transport` of a client in Node.js, without a node of Skynet: `connect(game, { transport:
 * framedTcp({ port: 7000 }) })`.
 *
 * @throws `TypeError`, `RangeError` naming the option.
 */
export function framedTcp(options: FramedTcpOptions): ClientLinkMaker {
  checkPlain(WHAT, 'options', options)
  checkOptions(WHAT, 'options', options, NAMES)
  const { port, host = '127.0.0.1', header = 'u16be', messageBytesMax, tls: secure } = options
  checkInteger(WHAT, 'port', port, 1, 65_535)
  checkString(WHAT, 'host', host)
  const tls = secure === undefined ? undefined : checkedTls(secure)
  const max = messageBytesMax === undefined ? undefined : { max: messageBytesMax }
  const format = formatOf({ header, ...max })
  return {
    open(events) {
      const servername = net.isIP(host) ? '' : host
      const socket =
        tls === undefined
          ? net.connect({ port, host })
          : orWrong(() => connectTls({ servername, ...tls, port, host }))
      const readyEvent = tls === undefined ? 'connect' : 'secureConnect'
      return new TcpLink(socket, readyEvent, format, events)
    },
  }
}

/**
 * Whoever is wrong hears of it now: once there is a connection it would be tried again for ever.
 * Certificates and keys are read once for all connections.
 */
function checkedTls(options: ConnectionOptions): ConnectionOptions {
  checkPlain(WHAT, 'tls', options)
  const { servername, session, checkServerIdentity, ALPNProtocols } = options
  if (servername !== undefined) checkString(WHAT, 'tls.servername', servername)
  if (session !== undefined) checkBytes(WHAT, 'tls.session', session)
  if (checkServerIdentity !== undefined) {
    checkFunction(WHAT, 'tls.checkServerIdentity', checkServerIdentity)
  }
  if (ALPNProtocols !== undefined && !ArrayBuffer.isView(ALPNProtocols)) {
    checkArray(WHAT, 'tls.ALPNProtocols', ALPNProtocols)
    for (const name of ALPNProtocols) checkBytes(WHAT, 'tls.ALPNProtocols', name)
  }
  const secureContext =
    options.secureContext ??
    orWrong(() => createSecureContext({ ...options, ...everyList(options) }))
  return { ...options, secureContext }
}

/** What `node:tls` throws names no option. */
function orWrong<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    const text = `Cannot ${WHAT} with what 'tls' has: ${(cause as Error).message}`
    throw Object.assign(new TypeError(text, { cause }), { code: 'ERR_INVALID_ARG_VALUE' })
  }
}

class TcpLink implements ClientLink {
  readonly #socket: net.Socket
  readonly #format: FrameFormat
  readonly #parser: FrameParser
  readonly #events: ClientLinkEvents
  #isOver = false
  #error: Error | undefined

  constructor(
    socket: net.Socket,
    readyEvent: string,
    format: FrameFormat,
    events: ClientLinkEvents,
  ) {
    this.#socket = socket
    this.#format = format
    this.#parser = new FrameParser(format)
    this.#events = events
    socket.setNoDelay(true)
    socket.once(readyEvent, () => this.#isOver || events.opened())
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', (error) => {
      this.#error = error
    })
    socket.once('close', () => this.#end(this.#error?.message ?? 'the server has ended it'))
  }

  send(message: Uint8Array): void {
    if (this.#isOver) return
    try {
      this.#socket.write(this.#format.encode(message))
    } catch (error) {
      this.#socket.destroy(error as Error)
    }
  }

  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#socket.once(
      'close',
      after(CLOSING_MS, () => this.#socket.destroy()),
    )
    this.#socket.destroySoon()
  }

  #take(chunk: Buffer): void {
    if (this.#isOver) return
    try {
      this.#parser.push(chunk)
      for (;;) {
        const frame = this.#parser.next()
        if (frame === undefined || this.#isOver) return
        this.#events.heard(frame)
      }
    } catch (error) {
      this.#socket.destroy()
      this.#end((error as Error).message)
    }
  }

  #end(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#events.closed(reason)
  }
}
