/** A listening socket of a service. */
import { SkynetError } from '../base/errors.ts'
import { ACCEPTED_MAX } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import { EVENT } from '../net/event.ts'
import type { SocketFile } from '../net/socket-file.ts'
import { closeSocket } from './closing.ts'
import { Connection } from './connection.ts'
import type { SocketPool } from './pool.ts'
import { Repeats } from './repeats.ts'
import { SocketWait, Waiter } from './wait.ts'
import { type WaitOptions, wrongWait } from './wait-options.ts'

/** Obtained from `skynet.socket.listen`. Iterate it, or `accept` one connection after another. */
export class Listener implements AsyncIterable<Connection>, AsyncDisposable {
  readonly id: number
  /** The host that was asked for (`unix:/path` for a path), and the port that is really open. */
  readonly host: string
  port = 0
  readonly #pool: SocketPool
  /** Of a Unix socket. */
  readonly #file: SocketFile | undefined
  readonly #waiting = new Queue<Connection>()
  #acceptor: Waiter<Connection | null> | undefined
  #opening: Waiter<void> | undefined
  #isPaused = false
  readonly #refusals: Repeats
  #closing: Waiter<void> | undefined
  #isClosed = false

  /** Made by open-listener.ts only. */
  constructor(pool: SocketPool, id: number, host: string, file?: SocketFile) {
    this.#pool = pool
    this.id = id
    this.host = host
    this.#file = file
    this.#refusals = new Repeats(
      pool.service,
      (more) => `accept on ${this.address}: ${more} more were refused`,
      'error',
    )
    pool.add(this)
  }

  /** `127.0.0.1:8888`, `[::1]:8888`, `unix:/run/x.sock`. */
  get address(): string {
    if (this.host.startsWith('unix:')) return this.host
    return `${this.host.includes(':') ? `[${this.host}]` : this.host}:${this.port}`
  }

  get isOpen(): boolean {
    return !this.#isClosed
  }

  /**
   * The next connection, or null once the listener is closed. One caller at a time.
   *
   * @throws {SkynetError} `ERR_SOCKET_BUSY`, `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  accept(options?: WaitOptions): Promise<Connection | null> {
    const wrong = wrongWait('accept', options)
    if (wrong !== undefined) return Promise.reject(wrong)
    if (this.#acceptor !== undefined) {
      return Promise.reject(new SkynetError('ERR_SOCKET_BUSY', { id: this.id }))
    }
    const connection = this.#waiting.shift()
    if (connection !== undefined) {
      this.#resumeIfLow()
      return Promise.resolve(connection)
    }
    if (this.#isClosed) return Promise.resolve(null)
    const about = new SocketWait('accept from', this.id, this.#pool)
    const waiter = new Waiter<Connection | null>(this.#pool.service, about, options, () => {
      this.#acceptor = undefined
    })
    if (!waiter.isOver) this.#acceptor = waiter
    return waiter.promise
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
    const self = { id: this.id, pool: this.#pool }
    return closeSocket(self, options, (about) => this.#close(about))
  }

  #close(about: SocketWait): Promise<void> | undefined {
    const { service, client } = this.#pool
    if (this.#isClosed) return service.hasEnded ? undefined : this.#closing?.promise
    // The file before the descriptor: until then its inode number is nobody else's.
    this.abandon()
    client.order('close', this.id, service.handle)
    this.#ended()
    if (service.hasEnded) return undefined
    this.#closing = new Waiter<void>(service, about, undefined)
    return this.#closing.promise
  }

  /** @internal The node will stop. */
  stopListening(): void {
    void this.close()
  }

  /** @internal The file of a Unix socket goes with it. Called by the pool too, at the end. */
  abandon(): void {
    this.#file?.remove()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @internal Wait until the socket thread listens. Called by open-listener.ts. */
  open(waiter: Waiter<void>): void {
    this.#opening = waiter
  }

  /** @internal Called by the pool. */
  happened(kind: number, ud: number, payload: Buffer): void {
    if (kind === EVENT.ACCEPT) this.#accepted(ud, payload.toString())
    else if (kind === EVENT.OPEN) {
      if (ud !== 0) this.port = ud
      if (payload.toString() === 'start') this.#opening?.resolve()
    } else if (kind === EVENT.REFUSE) {
      this.#refusals.say(`accept on ${this.address}: a client was refused: ${payload}`)
    } else if (kind === EVENT.ERROR) this.#ended()
    else if (kind === EVENT.CLOSE) this.#gone()
  }

  /** CLOSE of a listener comes when its descriptor is closed. */
  #gone(): void {
    this.#ended()
    this.#pool.remove(this.id)
    this.#closing?.resolve()
    this.#closing = undefined
  }

  #accepted(id: number, peer: string): void {
    if (this.#isClosed) {
      this.#pool.client.order('shutdown', id)
      return
    }
    const connection = new Connection(this.#pool, id, 'waiting', peer)
    if (this.#acceptor !== undefined) {
      this.#acceptor.resolve(connection)
      return
    }
    this.#waiting.push(connection)
    if (this.#waiting.length < ACCEPTED_MAX || this.#isPaused) return
    this.#isPaused = true
    this.#pool.client.order('pause', this.id)
  }

  #resumeIfLow(): void {
    if (!this.#isPaused || this.#waiting.length > ACCEPTED_MAX / 2) return
    this.#isPaused = false
    this.#pool.client.order('start', this.id, this.#pool.service.handle)
  }

  #ended(): void {
    this.#isClosed = true
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      void next.close()
    }
    this.#opening?.reject(new SkynetError('ERR_SOCKET_CLOSED', { id: this.id }))
    this.#acceptor?.resolve(null)
  }
}
