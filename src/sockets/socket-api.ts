/** `skynet.socket`: how a service comes to its sockets. */
import { checkArray, checkBytes, checkInteger } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { SOCKET_ID_MAX } from '../base/limits.ts'
import type { SocketClient } from '../net/client/client.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { type NetstatInfo, netstat } from '../net/netstat.ts'
import { STATE } from '../net/state.ts'
import type { SocketTotals } from '../net/totals.ts'
import type { UdpAddress } from '../net/udp-address.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import type { Connection } from './connection.ts'
import type { Listener } from './listener.ts'
import { bindDescriptor, type ConnectOptions, connectTo, takeOver } from './open-connection.ts'
import { type ListenOptions, listenOn } from './open-listener.ts'
import { dialUdp, receiveUdp, type UdpOptions } from './open-udp.ts'
import type { SocketOpener } from './opening.ts'
import type { UdpSocket } from './udp-socket.ts'

export class SocketApi {
  readonly #opener: SocketOpener

  constructor(opener: SocketOpener) {
    this.#opener = opener
  }

  /** @throws {SkynetError} `ERR_SERVICE_EXITED` once the service has ended: so does every call. */
  get #client(): SocketClient {
    const { service } = this.#opener
    if (service.hasEnded) throw service.exited()
    return this.#opener.pool.client
  }

  /**
   * Listen for connections.
   *
   * @throws {SkynetError} `ERR_LISTEN` (address in use, not permitted, unknown name),
   * `ERR_SOCKET_LIMIT`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`. `RangeError` for a port or backlog out
   * of range.
   */
  listen(options: ListenOptions): Promise<Listener> {
    return listenOn(this.#opener, options)
  }

  /**
   * Connect to a server. Names are resolved off the socket thread, every address is tried.
   * When the backlog of the server is full TCP waits; a Unix socket fails at once, with EAGAIN.
   *
   * @throws {SkynetError} `ERR_CONNECT` refused, unreachable, unknown name; `ERR_SOCKET_TIMEOUT`,
   * `ABORT_ERR`, `ERR_SOCKET_LIMIT`. `RangeError` for a port out of range.
   */
  connect(options: ConnectOptions): Promise<Connection> {
    return connectTo(this.#opener, options)
  }

  /**
   * Take a socket over: accepted by a gate and not used yet, or open in another service. Not a byte
   * is lost or overtaken: what the former owner had not read comes first. That owner's reads reject
   * with `ERR_SOCKET_MOVED`.
   *
   * @param id `connection.id`, handed over in a message.
   * @throws {SkynetError} `ERR_SOCKET_INVALID` no such socket, `ERR_SOCKET_STATE` it is closing,
   * listens, or carries HTTP, TLS or a WebSocket; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  start(id: number, options?: WaitOptions): Promise<Connection> {
    return takeOver(this.#opener, id, options)
  }

  /**
   * Read and write a descriptor that exists: a pipe, a terminal, a socket from elsewhere. It stays
   * open when the connection is closed.
   *
   * @throws {SkynetError} `ERR_BIND` no such descriptor, or one that is no socket, pipe or
   * terminal.
   */
  bind(fd: number, options?: WaitOptions): Promise<Connection> {
    return bindDescriptor(this.#opener, fd, options)
  }

  /** `bind` of the standard input. */
  stdin(options?: WaitOptions): Promise<Connection> {
    return this.bind(0, options)
  }

  /**
   * A UDP socket. With a host or a port it receives there: `{ port: 0 }` lets the system choose.
   *
   * @throws {SkynetError} `ERR_BIND`, `ERR_SOCKET_LIMIT`; `TypeError`, `RangeError`.
   */
  udp(options: UdpOptions = {}): Promise<UdpSocket> {
    return receiveUdp(this.#opener, options)
  }

  /** A UDP socket that receives at a port that is known. As `udp`. */
  async udpListen(options: UdpOptions & { readonly port: number }): Promise<UdpSocket> {
    checkInteger('open a UDP socket', 'port', options?.port, 1, 65535)
    return receiveUdp(this.#opener, options)
  }

  /**
   * A UDP socket whose `send` goes to one peer. Names are looked up.
   *
   * @throws {SkynetError} `ERR_CONNECT` unknown name, `ERR_SOCKET_LIMIT`.
   */
  udpDial(endpoint: Endpoint | UdpAddress, options?: WaitOptions): Promise<UdpSocket> {
    return dialUdp(this.#opener, endpoint, options)
  }

  /**
   * Every socket of the node, whoever owns it: state, owner, bytes, where. It stops nobody.
   */
  netstat(): NetstatInfo[] {
    return netstat(this.#client)
  }

  /**
   * What all sockets of the node have done since it began, those that are gone included, and how
   * many there are now. It stops nobody. Numbers since the beginning only grow; take the difference
   * of two calls for a rate. System calls are as of the last turn of each thread.
   */
  totals(): SocketTotals {
    return this.#client.totals()
  }

  /**
   * The same bytes to many connections, whoever owns them: encoded once, held once. Broadcasts of
   * one turn to the same sockets leave together. Ids that are gone, and connections whose policy
   * refuses more, or that carry TLS, are left out.
   *
   * @param ids `connection.id` of each. Keep the array from one broadcast to the next: it is fast.
   */
  broadcast(ids: readonly number[], data: string | Uint8Array): void {
    checkBytes('broadcast', 'data', data)
    checkArray('broadcast', 'ids', ids)
    const client = this.#client
    client.broadcast(ids, typeof data === 'string' ? Buffer.from(data) : data)
  }

  /**
   * Write to any socket of the node, also one that another service owns and reads.
   *
   * @returns False when there is no such socket, or its policy refuses more.
   * @throws {SkynetError} `ERR_SOCKET_STATE` it carries TLS: nothing is written.
   */
  write(id: number, data: string | Uint8Array): boolean {
    const client = this.#client
    if (typeof id !== 'number' || client.slots.stateOf(id) <= STATE.LISTEN) {
      checkInteger('write', 'id', id, 1, SOCKET_ID_MAX)
      checkBytes('write', 'data', data)
      return false
    }
    if (client.slots.isSealed(id)) {
      throw new SkynetError('ERR_SOCKET_STATE', { id, reason: 'its owner alone writes to it' })
    }
    return client.writer(id).write(data)
  }

  /** @internal Is there such a socket? For who was told that nothing was written. */
  has(id: number): boolean {
    return this.#client.slots.stateOf(id) > STATE.LISTEN
  }
}
