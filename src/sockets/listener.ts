/** A listening socket of a service. */
import { ACCEPTED_MAX } from '../base/limits.ts'
import type { SocketFile } from '../net/socket-file.ts'
import { Repeats } from '../service/repeats.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { StreamListener } from './byte-stream.ts'
import { Connection } from './connection.ts'
import { Intake, type IntakeOf } from './intake.ts'
import type { SocketPool } from './pool.ts'
import { handlers } from './socket-events.ts'
import { SocketLife } from './socket-life.ts'

const ACCEPTED: IntakeOf<Connection> = {
  verb: 'accept',
  cost: () => 1,
  limit: () => ACCEPTED_MAX,
}

/** Obtained from `skynet.socket.listen`. Iterate it, or `accept` one connection after another. */
export class Listener implements StreamListener {
  readonly id: number
  /** The host that was asked for (`unix:/path` for a path), and the port that is really open. */
  readonly host: string
  port = 0
  /** @internal It goes on while the node stops. */
  staysOpen = false
  readonly #life: SocketLife
  readonly #accepted: Intake<Connection>
  /** Of a Unix socket. */
  readonly #file: SocketFile | undefined
  readonly #refusals: Repeats

  /** Made by open-listener.ts only. */
  constructor(pool: SocketPool, id: number, host: string, file?: SocketFile) {
    this.id = id
    this.host = host
    this.#file = file
    this.#life = new SocketLife(pool, this, 'opening')
    this.#accepted = new Intake(this.#life, ACCEPTED)
    this.#refusals = new Repeats(
      pool.service,
      (more) => `accept on ${this.address}: ${more} more were refused`,
      'error',
    )
  }

  /** `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/x.sock`. */
  get address(): string {
    if (this.host.startsWith('unix:')) return this.host
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  get isOpen(): boolean {
    return this.#life.isOpen
  }

  /**
   * The next connection, or null once the listener is closed. One caller at a time.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`, `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  accept(options?: WaitOptions): Promise<Connection | null> {
    return this.#accepted.take(options)
  }

  /** Connections until the listener is closed; leaving the loop closes it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Connection, void, void> {
    try {
      for (let next = await this.accept(); next !== null; next = await this.accept()) yield next
    } finally {
      await this.close()
    }
  }

  /**
   * Stop listening. Connections that nobody took are closed; the others stay. Resolves when the
   * descriptor is closed: then anybody may listen on the port. It closes all the same when nobody
   * waits any more: `ERR_SOCKET_TIMEOUT`, `ABORT_ERR` as asked for.
   */
  close(options?: WaitOptions): Promise<void> {
    return this.#life.close(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // --- its life, as the pool and socket-life.ts see it -----------------------------------------

  /** @internal Wait until the socket thread listens. Called by open-listener.ts. */
  open(verb: string, options: WaitOptions | undefined): Promise<void> {
    return this.#life.open(verb, options)
  }

  /** @internal Says that a client was refused: of many at once only how many more. */
  refused(why: string): void {
    this.#refusals.say(`accept on ${this.address}: a client was refused: ${why}`)
  }

  /** @internal The node will stop. */
  stopListening(): void {
    if (!this.staysOpen) void this.close()
  }

  /** @internal The file of a Unix socket. Before the descriptor: its inode is nobody else's. */
  leave(): void {
    this.#file?.remove()
  }

  /** @internal CLOSE comes when the descriptor is closed. */
  letGo(): boolean {
    this.#ended()
    return false
  }

  static readonly #events = handlers<Listener>({
    ACCEPT: (self, id, peer) => self.#accept(id, peer.toString()),
    OPEN: (self, port, what) => {
      if (port !== 0) self.port = port
      if (what.toString() === 'start') self.#life.opened()
    },
    REFUSE: (self, _, why) => self.refused(why.toString()),
    ERROR: (self) => self.#ended(),
    CLOSE: (self) => {
      self.#ended()
      self.#life.gone()
    },
  })

  /** @internal */
  happened(kind: number, ud: number, payload: Buffer): void {
    Listener.#events[kind]?.(this, ud, payload)
  }

  #accept(id: number, peer: string): void {
    const { pool, isOver } = this.#life
    if (isOver) pool.client.order('shutdown', id)
    else this.#accepted.push(new Connection(pool, id, 'waiting', peer))
  }

  #ended(): void {
    if (!this.#life.isOver) this.#life.move('closed')
    this.#life.failOpening()
    this.#accepted.end((connection) => void connection.close())
  }
}
