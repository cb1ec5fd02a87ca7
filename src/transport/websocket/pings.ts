/** Pings of ours that wait for their pongs, and pongs for those of the peer. */
import { SkynetError } from '../../base/errors.ts'
import { monotonicNow } from '../../base/event-loop.ts'
import { WEBSOCKET_PINGS_MAX, WEBSOCKET_PONG_BYTES_MAX } from '../../base/limits.ts'
import { SocketWait, Waiter, type WaitHost } from '../../service/wait.ts'
import type { WaitOptions } from '../../service/wait-options.ts'
import type { WebSocketFrames } from './frame-writer.ts'

const NUMBER_BYTES = 4

interface Ping {
  readonly number: number
  readonly sentAt: number
  readonly waiter: Waiter<number>
}

/** Made with the first ping. */
export class Pings {
  readonly #host: WaitHost
  readonly #id: number
  readonly #open: Ping[] = []
  #sent = 0

  constructor(host: WaitHost, id: number) {
    this.#host = host
    this.#id = id
  }

  /**
   * @param send Sends a ping with this payload.
   * @returns Milliseconds until its pong, or that of a later one.
   */
  ask(options: WaitOptions | undefined, send: (payload: Buffer) => void): Promise<number> {
    const limit = WEBSOCKET_PINGS_MAX
    if (this.#open.length >= limit) throw new SkynetError('ERR_SOCKET_BUSY', { id: this.#id })
    const payload = Buffer.allocUnsafe(NUMBER_BYTES)
    const number = ++this.#sent >>> 0
    payload.writeUInt32BE(number)
    send(payload)
    const about = new SocketWait('await a pong of', this.#id)
    const waiter = new Waiter<number>(this.#host, about, options, (over) => {
      const at = this.#open.findIndex((each) => each.waiter === over)
      if (at >= 0) this.#open.splice(at, 1)
    })
    if (!waiter.isOver) this.#open.push({ number, sentAt: monotonicNow(), waiter })
    return waiter.promise
  }

  /** A peer may answer the last one alone: those before it are answered as well. */
  answered(payload: Buffer): void {
    if (payload.length !== NUMBER_BYTES) return
    const number = payload.readUInt32BE()
    const at = this.#open.findIndex((each) => each.number === number)
    const now = monotonicNow()
    for (const { waiter, sentAt } of this.#open.slice(0, at + 1)) waiter.resolve(now - sentAt)
  }

  fail(error: SkynetError): void {
    for (const { waiter } of this.#open.slice()) waiter.reject(error)
  }
}

/** What pongs are written to. */
export interface PongCarrier {
  readonly isOpen: boolean
  readonly bufferedAmount: number
  writeFrame(format: WebSocketFrames, body: Buffer): boolean
  drain(options: undefined): Promise<void>
}

/** Bytes of a frame around its payload, at most: as a client writes it. */
const HEAD_BYTES = 6

/**
 * Answers pings at once, but no more of them than leave: a peer that takes no pong costs what
 * `WEBSOCKET_PONG_BYTES_MAX` says. The last ping is answered when there is room again, which is all
 * that RFC 6455, 5.5.3 wants. Made with the first ping.
 */
export class Pongs {
  readonly #carrier: PongCarrier
  readonly #format: WebSocketFrames
  /** Bytes of pongs since all had left. */
  #bytes = 0
  /** The last ping that was not answered, while it is waited for the pongs to leave. */
  #owed: Buffer | undefined

  constructor(carrier: PongCarrier, format: WebSocketFrames) {
    this.#carrier = carrier
    this.#format = format
  }

  /** @param payload Of the chunk that is read: it is copied when it is kept. */
  answer(payload: Buffer): void {
    if (this.#owed !== undefined) {
      this.#owed = Buffer.from(payload)
      return
    }
    if (this.#carrier.bufferedAmount === 0) this.#bytes = 0
    this.#bytes += payload.length + HEAD_BYTES
    if (this.#bytes <= WEBSOCKET_PONG_BYTES_MAX) {
      this.#send(payload)
      return
    }
    this.#owed = Buffer.from(payload)
    // Who is closed, or has failed, owes nothing.
    this.#carrier.drain(undefined).then(
      () => this.#pay(),
      () => {},
    )
  }

  #pay(): void {
    const owed = this.#owed!
    this.#owed = undefined
    this.#bytes = 0
    this.#send(owed)
  }

  #send(payload: Buffer): void {
    if (this.#carrier.isOpen) this.#carrier.writeFrame(this.#format, payload)
  }
}
