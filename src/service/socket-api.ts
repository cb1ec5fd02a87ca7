/** `skynet.socket`: how a service comes to its sockets. */
import { checkArray, checkBytes, checkInteger, checkOptions } from '../base/check.ts'
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { SOCKET_ID_MAX } from '../base/limits.ts'
import type { SocketClient } from '../net/client.ts'
import { checkEndpoint, ENDPOINT_NAMES, type Endpoint, endpointText } from '../net/endpoint.ts'
import { type NetstatInfo, netstat } from '../net/netstat.ts'
import { connectFailure, type GivenOptions, listenFailure, openListener } from '../net/open.ts'
import { checkDescriptor, checkListen, LISTEN_FLAG_NAMES, type ListenPlace } from '../net/place.ts'
import { checkSettings, type SocketSettings } from '../net/settings.ts'
import { PROTOCOL } from '../net/slots.ts'
import { STATE } from '../net/state.ts'
import type { SocketTotals } from '../net/totals.ts'
import type { UdpAddress } from '../net/udp-address.ts'
import { checkOption, OPTIONS } from '../os/options.ts'
import { openOrClose } from './closing.ts'
import { Connection } from './connection.ts'
import { Listener } from './listener.ts'
import { lookUp } from './look-up.ts'
import { dialUdp, receiveUdp, type UdpOptions } from './open-udp.ts'
import type { Service } from './service.ts'
import type { UdpSocket } from './udp-socket.ts'
import { SocketWait, Waiter } from './wait.ts'
import { checkLimits, checkWait, limitsFrom, WAIT_NAMES, type WaitOptions } from './wait-options.ts'

/** What holds for a connection from its start; of a listener, for each that it accepts. */
export interface StreamOptions extends Partial<SocketSettings> {
  /** Options of the system, as in `Connection.setOption`: `{ noDelay: 1, keepCount: 3 }`. */
  readonly options?: GivenOptions
}

/** Where to listen, how long that may take, and what holds for each connection. */
export interface ListenOptions extends WaitOptions, ListenPlace, StreamOptions {}

/** `{ port }`, `{ host, port }` or `{ path }`. Default host: `127.0.0.1`. */
export interface ConnectOptions extends WaitOptions, Endpoint, StreamOptions {}

const STREAM_NAMES = [...ENDPOINT_NAMES, 'options', ...WAIT_NAMES]
const LISTEN_NAMES = [...STREAM_NAMES, ...LISTEN_FLAG_NAMES]

export class SocketApi {
  readonly #service: Service

  constructor(service: Service) {
    this.#service = service
  }

  /** @throws {SkynetError} `ERR_SERVICE_EXITED` once the service has ended: so does every call. */
  get #client(): SocketClient {
    if (this.#service.hasEnded) throw this.#service.exited()
    return this.#service.pool.client
  }

  /**
   * Listen for connections.
   *
   * @throws {SkynetError} `ERR_LISTEN` (address in use, not permitted, unknown name),
   * `ERR_SOCKET_LIMIT`; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`. `RangeError` for a port or backlog out
   * of range.
   */
  async listen(options: ListenOptions): Promise<Listener> {
    const { endpoint, flags } = checkListen(options)
    const settings = checkSettings('listen', options, LISTEN_NAMES)
    checkLimits('listen', options)
    const left = limitsFrom(this.#service.runtime, options)
    checkSocketOptions('listen', options.options)
    const { pool } = this.#service
    const { client } = pool
    const failed = listenFailure(endpoint)
    const [address] = await lookUp(this.#service, endpoint, failed, left())
    if (this.#service.hasEnded) throw this.#service.exited()
    const { id, fd, file } = openListener(client, address!, flags, failed, options.options)
    const text = endpointText(endpoint)
    const name = options.path === undefined ? endpoint.host : text
    const listener = new Listener(pool, id, name, file)
    const about = new SocketWait(`listen on ${text} with`, id, pool)
    const waiter = new Waiter<void>(this.#service, about, left())
    listener.open(waiter)
    client.order('listen', id, fd, this.#service.handle)
    if (settings !== undefined) client.orderWith('configure', id, settings)
    client.order('start', id, this.#service.handle)
    await openOrClose(waiter.promise, listener)
    return listener
  }

  /**
   * Connect to a server. Names are resolved off the socket thread, every address is tried.
   * When the backlog of the server is full TCP waits; a Unix socket fails at once, with EAGAIN.
   *
   * @throws {SkynetError} `ERR_CONNECT` refused, unreachable, unknown name; `ERR_SOCKET_TIMEOUT`,
   * `ABORT_ERR`, `ERR_SOCKET_LIMIT`. `RangeError` for a port out of range.
   */
  async connect(options: ConnectOptions): Promise<Connection> {
    const endpoint = checkEndpoint('connect', options, '127.0.0.1', 1)
    const settings = checkSettings('connect', options, STREAM_NAMES)
    checkLimits('connect', options)
    checkSocketOptions('connect', options.options)
    const { pool, handle, runtime } = this.#service
    const { client } = pool
    const failed = connectFailure(endpoint)
    const left = limitsFrom(runtime, options)
    const addresses = await lookUp(this.#service, endpoint, failed, left())
    const id = pool.reserve()
    const connection = new Connection(pool, id, 'opening')
    const opened = connection.open(left())
    if (settings !== undefined) client.orderWith('configure', id, settings)
    client.connect(id, handle, addresses, options.options)
    try {
      return await opened
    } catch (error) {
      const reason = failureReason(error)
      throw reason === undefined ? error : failed(reason, error)
    }
  }

  /**
   * Take a socket over: accepted by a gate and not used yet, or open in another service. Not a byte
   * is lost or overtaken: what the former owner had not read comes first. That owner's reads reject
   * with `ERR_SOCKET_MOVED`.
   *
   * @param id `connection.id`, handed over in a message.
   * @throws {SkynetError} `ERR_SOCKET_INVALID` no such socket, `ERR_SOCKET_STATE` it is closing, or
   * listens; `ERR_SOCKET_TIMEOUT`, `ABORT_ERR`.
   */
  async start(id: number, options?: WaitOptions): Promise<Connection> {
    checkInteger('start', 'id', id, 1, SOCKET_ID_MAX)
    checkWait('start', options)
    const { pool, handle } = this.#service
    if (this.#service.hasEnded) throw this.#service.exited()
    const own = pool.get(id)
    if (own instanceof Connection) return own
    if (pool.client.slots.stateOf(id) === STATE.INVALID) {
      throw new SkynetError('ERR_SOCKET_INVALID', { id })
    }
    if (pool.client.slots.protocolOf(id) !== PROTOCOL.stream || own !== undefined) {
      const reason = 'only a connection can be taken over'
      throw new SkynetError('ERR_SOCKET_STATE', { id, reason })
    }
    const connection = new Connection(pool, id, 'opening')
    const opened = connection.open(options)
    pool.client.order('start', id, handle)
    try {
      return await opened
    } catch (error) {
      const reason = failureReason(error)
      throw reason === undefined ? error : new SkynetError('ERR_SOCKET_STATE', { id, reason })
    }
  }

  /**
   * Read and write a descriptor that exists: a pipe, a terminal, a socket from elsewhere. It stays
   * open when the connection is closed.
   *
   * @throws {SkynetError} `ERR_BIND` no such descriptor, or one that cannot be waited for: a file.
   */
  async bind(fd: number, options?: WaitOptions): Promise<Connection> {
    checkDescriptor(fd)
    checkWait('bind', options)
    const { pool, handle } = this.#service
    const id = pool.reserve()
    const connection = new Connection(pool, id, 'opening')
    const opened = connection.open(options)
    pool.client.order('bind', id, fd, handle)
    try {
      return await opened
    } catch (error) {
      const reason = failureReason(error)
      if (reason === undefined) throw error
      throw new SkynetError('ERR_BIND', { what: `descriptor ${fd}`, reason }, { cause: error })
    }
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
    return receiveUdp(this.#service, options)
  }

  /** A UDP socket that receives at a port that is known. As `udp`. */
  async udpListen(options: UdpOptions & { readonly port: number }): Promise<UdpSocket> {
    checkInteger('open a UDP socket', 'port', options?.port, 1, 65535)
    return receiveUdp(this.#service, options)
  }

  /**
   * A UDP socket whose `send` goes to one peer. Names are looked up.
   *
   * @throws {SkynetError} `ERR_CONNECT` unknown name, `ERR_SOCKET_LIMIT`.
   */
  udpDial(endpoint: Endpoint | UdpAddress, options?: WaitOptions): Promise<UdpSocket> {
    return dialUdp(this.#service, endpoint, options)
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
   * refuses more, are left out.
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
   */
  write(id: number, data: string | Uint8Array): boolean {
    const client = this.#client
    if (typeof id !== 'number' || client.slots.stateOf(id) <= STATE.LISTEN) {
      checkInteger('write', 'id', id, 1, SOCKET_ID_MAX)
      checkBytes('write', 'data', data)
      return false
    }
    return client.writer(id).write(data)
  }
}

function checkSocketOptions(what: string, options: StreamOptions['options']): void {
  checkOptions(what, 'options', options, Object.keys(OPTIONS))
  for (const [name, value] of Object.entries(options ?? {})) checkOption(what, name, value)
}

/** The reason of a failure that `Connection.open` rejected with. */
const failureReason = (error: unknown): string | undefined =>
  isSkynetError(error, 'ERR_SOCKET_FAILED') ? error.info.reason : undefined
