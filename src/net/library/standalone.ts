/**
 * The socket server as a library, for programs without services: no node, no threads. It runs on
 * the thread of its caller, who polls for events. Each call is a line or two here; what it does
 * stands in the own-*.ts files, which share one loop.
 */
import type { Clock } from '../../base/clock.ts'
import type { Os, SocketOption } from '../../os/os.ts'
import { type NetstatInfo, netstat } from '../netstat.ts'
import type { SocketSettings } from '../settings.ts'
import type { SocketTotals } from '../totals.ts'
import type { UdpAddress } from '../udp-address.ts'
import { OwnDatagrams } from './own-datagrams.ts'
import { OwnLoop } from './own-loop.ts'
import { OwnOpening } from './own-opening.ts'
import { OwnSockets } from './own-sockets.ts'
import { OwnStreams } from './own-streams.ts'
import type { SocketEvent } from './socket-event.ts'
import {
  checkAddress,
  checkData,
  checkPoll,
  checkSend,
  checkServer,
  type OwnerOptions,
  type PollOptions,
  type SendOptions,
  type ServerConnectOptions,
  type ServerListenOptions,
  type ServerUdpOptions,
  type SocketServerOptions,
} from './standalone-options.ts'

/**
 * Made by `createSocketServer`. An id is not used again before 2^31 others were, so an old one is
 * harmless: calls say false, there is no such socket. What fails later is an `error` event. Every
 * call throws `TypeError` or `RangeError` for an argument that makes no sense, and
 * `ERR_SERVER_RELEASED` after `release`; `netstat` and `totals` still tell how it was then.
 */
export class StandaloneServer implements Disposable {
  readonly #loop: OwnLoop
  readonly #opening: OwnOpening
  readonly #sockets: OwnSockets
  readonly #streams: OwnStreams
  readonly #datagrams: OwnDatagrams

  /** @throws {SkynetError} `ERR_SYSCALL`, `ERR_PLATFORM`. */
  constructor(os: Os, clock: Clock, options: SocketServerOptions) {
    const loop = new OwnLoop(os, clock, checkServer(options), options.log)
    this.#loop = loop
    this.#opening = new OwnOpening(loop)
    this.#sockets = new OwnSockets(loop)
    this.#streams = new OwnStreams(loop)
    this.#datagrams = new OwnDatagrams(loop)
  }

  // --- opening -------------------------------------------------------------------------------

  /**
   * Listen. The port is open when this returns, and told by an `open` event; nobody is accepted
   * before `start`.
   *
   * @returns The id of the listener.
   * @throws {SkynetError} `ERR_LISTEN`, `ERR_SOCKET_LIMIT`.
   */
  listen(options: ServerListenOptions): number {
    this.#sockets.check('listen')
    return this.#opening.listen(options)
  }

  /**
   * Connect. What is sent meanwhile waits. An `open` event follows, or `error`, and then the id is
   * gone. The system gives up after minutes: `shutdown` what takes too long for you.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`.
   */
  connect(options: ServerConnectOptions): number {
    this.#sockets.check('connect')
    return this.#opening.connect(options)
  }

  /**
   * A UDP socket. Its port is told by an `open` event.
   *
   * @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`.
   */
  udp(options: ServerUdpOptions = {}): number {
    this.#sockets.check('open a UDP socket')
    return this.#opening.udp(options)
  }

  /**
   * Read and write a descriptor that exists: a pipe, a terminal. It stays open when the socket is
   * closed. An `open` event follows (`binding`), or `error`, and then the id is gone.
   *
   * @throws {SkynetError} `ERR_SOCKET_LIMIT`.
   */
  bind(fd: number, options: OwnerOptions = {}): number {
    this.#sockets.check('bind')
    return this.#opening.bind(fd, options)
  }

  // --- reading and closing: false where there is no such socket ------------------------------

  /**
   * Begin to accept, or to read what was accepted: an `open` event says `start`. Go on after
   * `pause`, without an event. When another owner is named the socket moves to it: `transfer`. What
   * cannot be started is told by an `error` event.
   *
   * @param owner Default: the one it has.
   */
  start(id: number, owner?: number): boolean {
    return this.#sockets.start(id, owner)
  }

  /** Stop reading, or accepting, until `start`. The peer's bytes wait in the kernel. */
  pause(id: number): boolean {
    return this.#sockets.order('pause', id)
  }

  /** Say FIN once everything has left. Reading goes on. */
  end(id: number): boolean {
    return this.#sockets.order('end', id)
  }

  /**
   * Close once everything has left, in at most `lingerMs`: keep polling meanwhile. A `close` event
   * follows, unless there was one.
   */
  close(id: number): boolean {
    this.#opening.unlink(id)
    return this.#sockets.order('close', id)
  }

  /** Close now, and drop what was not sent. */
  shutdown(id: number): boolean {
    this.#opening.unlink(id)
    return this.#sockets.order('shutdown', id)
  }

  /** Change limits and timeouts of a socket; of a listener, for those that it will accept. */
  configure(id: number, settings: Partial<SocketSettings>): boolean {
    return this.#sockets.configure(id, settings)
  }

  /**
   * Set an option of the system: `noDelay`, `keepIdleSeconds`, `receiveBufferBytes` … A flag is 0
   * or 1. What a listener accepts inherits it.
   *
   * @throws {SkynetError} `ERR_SYSCALL` the system refused it.
   */
  setOption(id: number, name: SocketOption, value: number): boolean {
    return this.#sockets.setOption(id, name, value)
  }

  // --- sending -------------------------------------------------------------------------------

  /**
   * Send now what the kernel takes; the rest leaves while you poll. A UDP socket sends one datagram
   * to its usual peer.
   *
   * @param data Yours again on return, unless it is given away: see `free`. Text is sent as UTF-8.
   * @returns False when it was dropped: there is no such socket, it is closing or listens, or
   * `sendLimitBytes` wait already. Policy `close` ends the socket then: `error`, `close`.
   */
  send(id: number, data: string | Uint8Array, options: SendOptions = {}): boolean {
    const socket = this.#sockets.find('send', id)
    const bytes = checkData('send', data)
    checkSend(options)
    const { priority, free } = options
    if (socket?.udp !== undefined) return this.#datagrams.send(socket, bytes, free)
    return this.#streams.send(socket, bytes, priority === 'low', free)
  }

  /**
   * The same bytes to many connections: encoded once, held once. Those that are gone, and those
   * whose policy refuses more, are left out.
   */
  broadcast(ids: readonly number[], data: string | Uint8Array): void {
    this.#sockets.check('broadcast')
    this.#streams.broadcast(ids, checkData('broadcast', data))
  }

  /**
   * Send one datagram, of up to 65,507 bytes. They are yours again on return.
   *
   * @param to The `from` of a `udp` event, or `UdpAddress.of(host, port)`.
   * @returns False when it was dropped: no such UDP socket, one of IPv4 for a peer of IPv6, or too
   * much waits already.
   */
  sendTo(id: number, to: UdpAddress, data: string | Uint8Array): boolean {
    const socket = this.#sockets.find('send', id)
    checkAddress('send', to)
    return this.#datagrams.sendTo(socket, to, checkData('send', data))
  }

  /**
   * Choose the usual peer of a UDP socket: where `send` goes. Others are received all the same.
   *
   * @returns False as in `sendTo`.
   */
  udpConnect(id: number, to: UdpAddress): boolean {
    const socket = this.#sockets.find('connect', id)
    checkAddress('connect', to)
    return this.#datagrams.connect(socket, to)
  }

  // --- events --------------------------------------------------------------------------------

  /**
   * What happened, in order: at most one turn of the loop, about 1 MiB. Nothing is read, accepted
   * or sent late but in here. While it sleeps nothing else of the program runs: no timer, no
   * promise, no signal handler, so an `AbortSignal` could not end it; a timeout does.
   *
   * What was read of a socket before you closed it still comes.
   *
   * @returns Nothing (`[]`) when the time is over, or without a timeout no socket is left.
   */
  poll(options: PollOptions = {}): SocketEvent[] {
    this.#sockets.check('poll')
    checkPoll(options)
    return this.#loop.poll(options.timeoutMs)
  }

  /** Every socket there is now. */
  netstat(): NetstatInfo[] {
    return netstat(this.#loop.client)
  }

  /** What all sockets have done since the server was made, those that are gone included. */
  totals(): SocketTotals {
    return this.#loop.totals()
  }

  /** Close everything now; drop what was not sent or not polled. A second time it does nothing. */
  release(): void {
    if (this.#loop.isClosed) return
    this.#opening.unlinkAll()
    this.#loop.close()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
