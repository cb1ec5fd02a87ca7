/** `listenKcp`: a port at which clients of KCP come in. */
import { SkynetError } from '../../base/errors.ts'
import { ACCEPTED_MAX } from '../../base/limits.ts'
import { Queue } from '../../base/queue.ts'
import { checkWait, type WaitOptions } from '../../service/wait-options.ts'
import type { Skynet } from '../../skynet/skynet.ts'
import { BareServer } from './bare-server.ts'
import type { Conversation } from './conversation.ts'
import { type Arrival, type Dropped, KcpServer } from './kcp-server.ts'
import { KcpStream } from './kcp-stream.ts'
import { LookWaits } from './look-waits.ts'
import { type CheckedServer, checkKcpServer, type KcpServerOptions } from './options.ts'
import { KcpPort } from './port.ts'

/** Where to listen: as `skynet.socket.udp`, a port at least. */
export interface KcpPlace {
  readonly port: number
  /** Default `0.0.0.0`: every IPv4 address of this machine. */
  readonly host?: string | undefined
  readonly reusePort?: boolean | undefined
  readonly ipv6Only?: boolean | undefined
}

export interface KcpListenOptions extends KcpPlace, KcpServerOptions, WaitOptions {}

/** What a listener has counted. */
export interface KcpStat extends Readonly<Dropped> {
  /** Conversations now, those that are not confirmed included. */
  readonly connections: number
  /** Conversations that have something to do, or to be looked at later. */
  readonly scheduled: number
}

/** What a listener asks about whoever has proven his address. */
export interface Gatekeeper {
  /** Undefined: turn him away. */
  knock(address: string): Guest | undefined
}

/** Somebody whose conversation is not confirmed. */
export interface Guest {
  /** He can be let go: what this returns is called when he is gone. */
  begins(letGo: () => void): void
  enter(stream: KcpStream): void
  leave(): void
}

const WHAT = 'listen'
const PLACE_NAMES = ['port', 'host', 'reusePort', 'ipv6Only']
const NAMES = [...PLACE_NAMES, 'timeoutMs', 'signal']
/** Names of the options of a place. */
export const KCP_PLACE_NAMES: readonly string[] = PLACE_NAMES

/** Obtained from `listenKcp`. Iterate it, or `accept` one stream after another. */
export class KcpListener implements AsyncIterable<KcpStream>, AsyncDisposable {
  readonly host: string
  readonly #port: KcpPort
  readonly #settings: CheckedServer
  readonly #core: KcpServer | BareServer
  readonly #gatekeeper: Gatekeeper | undefined
  readonly #waits: LookWaits
  readonly #accepted = new Queue<KcpStream>()
  readonly #greeting = new Set<Conversation>()
  #error: SkynetError | undefined
  #isAccepting = false
  #closing: Promise<void> | undefined

  /** Made by `openKcp` only. */
  constructor(
    port: KcpPort,
    host: string,
    settings: CheckedServer,
    gatekeeper: Gatekeeper | undefined,
  ) {
    this.host = host
    this.#port = port
    this.#settings = settings
    this.#gatekeeper = gatekeeper
    this.#waits = new LookWaits(port.service, port.udp.id)
    const { bare } = settings
    this.#core =
      bare === undefined
        ? new KcpServer(settings, port, this, port.now)
        : new BareServer(bare.conv, settings, port, this)
    port.start(this.#core, {
      draining: () => void (settings.staysOpen || this.close()),
      leave: () => this.#leave(),
      failed: (why) => this.#failed(why),
    })
  }

  /** The one that is really open. */
  get port(): number {
    return this.#port.udp.port
  }

  /** `127.0.0.1:8888`, `[::1]:8888`. */
  get address(): string {
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  /** Is anybody let in? */
  get isOpen(): boolean {
    return !this.#core.isClosed
  }

  get stat(): KcpStat {
    const { dropped, size, deadlines } = this.#core
    return { ...dropped, connections: size, scheduled: deadlines.size }
  }

  /**
   * The next stream, or null once the listener is closed. One caller at a time.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`; `ERR_SOCKET_FAILED`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`
   * as asked for.
   */
  async accept(options?: WaitOptions): Promise<KcpStream | null> {
    checkWait('accept', options)
    if (this.#isAccepting) throw new SkynetError('ERR_SOCKET_BUSY', { id: this.#port.udp.id })
    this.#isAccepting = true
    try {
      return await this.#waits.until('accept from', () => this.#next(), options)
    } finally {
      this.#isAccepting = false
    }
  }

  #next(): KcpStream | null | undefined {
    const stream = this.#accepted.shift()
    if (stream !== undefined) return stream
    if (this.#error !== undefined) throw this.#error
    return this.#core.isClosed ? null : undefined
  }

  /** Streams until the listener is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<KcpStream, void, void> {
    try {
      for (let next = await this.accept(); next !== null; next = await this.accept()) yield next
    } finally {
      await this.close()
    }
  }

  /**
   * Let nobody in any more. Streams that nobody took are closed; the others stay, and so does the
   * UDP socket, until the last of them has ended. Again: harmless.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#core.isClosed = true
    const { now } = this.#port
    for (const each of [...this.#greeting]) each.close(0, '', now)
    for (let next = this.#accepted.shift(); next !== undefined; next = this.#accepted.shift()) {
      void next.close()
    }
    this.#port.arm()
    this.#waits.look()
    if (this.#core.isEmpty) await this.#port.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #leave(): void {
    const { now } = this.#port
    for (const each of [...this.#core.conversations]) each.abandon(now)
  }

  /** The UDP socket has failed, or was closed. */
  #failed(why: unknown): void {
    const isOurs = why === undefined
    this.#core.isClosed = true
    const { now } = this.#port
    const failure = isOurs ? 'its UDP socket was closed' : String(why)
    if (why instanceof SkynetError) this.#error = why
    for (const each of [...this.#core.conversations]) each.fail(failure, now)
    this.#waits.look()
    this.isOver()
  }

  // --- what the core needs ---------------------------------------------------------------------

  /** @internal */
  isOver(): void {
    if (this.#core.isClosed && this.#core.isEmpty) void this.#port.close().catch(() => {})
  }

  /** @internal */
  knocks(from: { toString(): string }): Arrival | undefined {
    if (this.#accepted.length >= ACCEPTED_MAX) return undefined
    const guest = this.#gatekeeper?.knock(from.toString())
    if (this.#gatekeeper !== undefined && guest === undefined) return undefined
    let greeting: Conversation | undefined
    return {
      begins: (conversation) => {
        greeting = conversation
        this.#greeting.add(conversation)
        guest?.begins(() => {
          conversation.close(0, '', this.#port.now)
          this.#port.arm()
        })
      },
      enters: (conversation) => {
        this.#greeting.delete(conversation)
        const stream = new KcpStream(this.#port, conversation, this.#settings)
        if (guest !== undefined) guest.enter(stream)
        else {
          this.#accepted.push(stream)
          this.#waits.look()
        }
      },
      leaves: () => {
        this.#greeting.delete(greeting!)
        guest?.leave()
      },
    }
  }
}

/**
 * Listen for clients of KCP.
 *
 *     const listener = await listenKcp(skynet, { port: 7001 })
 *     for await (const stream of listener) skynet.fork(() => serve(stream))
 *
 * @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
 * `TypeError`, `RangeError` naming the option.
 */
export function listenKcp(skynet: Skynet, options: KcpListenOptions): Promise<KcpListener> {
  return openKcp(skynet, options, checkKcpServer(WHAT, options, NAMES))
}

/** @internal For a gate, which is asked about each client. */
export async function openKcp(
  skynet: Skynet,
  options: KcpPlace & WaitOptions,
  settings: CheckedServer,
  gatekeeper?: Gatekeeper,
): Promise<KcpListener> {
  const { port, host = '0.0.0.0', reusePort, ipv6Only, timeoutMs, signal } = options
  const udp = await skynet.socket.udp({ port, host, reusePort, ipv6Only, timeoutMs, signal })
  return new KcpListener(new KcpPort(skynet, udp), host, settings, gatekeeper)
}
