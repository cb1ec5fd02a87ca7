/** `skynet.socket`: how a service comes to its sockets. */
import { checkInteger } from '../base/check.ts'
import { SkynetError } from '../base/errors.ts'
import { BACKLOG_DEFAULT, SOCKETS_MAX } from '../base/limits.ts'
import type { SocketInfo } from '../net/slots.ts'
import { STATE } from '../net/state.ts'
import type { AnyAddress } from '../os/os.ts'
import { Connection, failureReason } from './connection.ts'
import { addressesOf, checkEndpoint, type Endpoint, endpointText, listenAt } from './endpoint.ts'
import { Listener } from './listener.ts'
import type { Service } from './service.ts'
import { Waiter, type WaitOptions } from './wait.ts'

/**
 * `{ port }`, `{ host, port }` or `{ path }`. Default host: `0.0.0.0`, every IPv4 address of this
 * machine; `::` takes IPv4 as well, unless `ipv6Only`. Port 0 lets the system choose.
 */
export interface ListenOptions extends Endpoint {
  /** Connections that the kernel holds until they are accepted. Default 511. */
  readonly backlog?: number
  /** Let other sockets listen on the same port too: the kernel spreads the connections. */
  readonly reusePort?: boolean
  /** Of an IPv6 address: leave IPv4 out. */
  readonly ipv6Only?: boolean
}

/** `{ port }`, `{ host, port }` or `{ path }`. Default host: `127.0.0.1`. */
export interface ConnectOptions extends WaitOptions, Endpoint {}

export class SocketApi {
  readonly #service: Service

  constructor(service: Service) {
    this.#service = service
  }

  /**
   * Listen for connections.
   *
   * @throws {SkynetError} `ERR_LISTEN` (address in use, not permitted, unknown name),
   * `ERR_SOCKET_LIMIT`. `RangeError` for a port or backlog out of range.
   */
  async listen(options: ListenOptions): Promise<Listener> {
    const endpoint = checkEndpoint('listen', options, '0.0.0.0', 0)
    const { backlog = BACKLOG_DEFAULT, reusePort, ipv6Only } = options
    checkInteger('listen', 'backlog', backlog, 1, 65535)
    const { pool } = this.#service
    const { client } = pool
    const text = endpointText(endpoint)
    const failed = (reason: string): Error =>
      new SkynetError('ERR_LISTEN', { address: text, reason })
    const [address] = await addressesOf(endpoint, failed)
    if (this.#service.hasEnded) throw this.#service.exited()
    const fd = listenAt(client.os, address!, { backlog, reusePort, ipv6Only })
    if (fd < 0) throw failed(client.os.errorText(fd))
    const id = client.slots.reserve()
    if (id < 0) {
      client.os.close(fd)
      throw new SkynetError('ERR_SOCKET_LIMIT', { limit: SOCKETS_MAX })
    }
    const listener = new Listener(pool, id, options.path === undefined ? endpoint.host : text)
    const waiter = new Waiter<void>(this.#service, undefined, () => failed('timeout'))
    listener.open(waiter)
    client.order('listen', id, fd, this.#service.handle)
    client.order('start', id, this.#service.handle)
    await waiter.promise
    return listener
  }

  /**
   * Connect to a server. Names are resolved off the socket thread, every address is tried.
   *
   * @throws {SkynetError} `ERR_CONNECT` refused, unreachable, unknown name; `ERR_SOCKET_TIMEOUT`,
   * `ABORT_ERR`, `ERR_SOCKET_LIMIT`. `RangeError` for a port out of range.
   */
  async connect(options: ConnectOptions): Promise<Connection> {
    const endpoint = checkEndpoint('connect', options, '127.0.0.1', 1)
    const text = endpointText(endpoint)
    const { pool, handle, runtime } = this.#service
    const { client } = pool
    if (this.#service.hasEnded) throw this.#service.exited()
    const failed = (reason: string, cause?: unknown): Error =>
      new SkynetError('ERR_CONNECT', { address: text, reason }, { cause })
    const startedAt = runtime.now
    const resolving = new Waiter<AnyAddress[]>(this.#service, options, (ms) => {
      const info = { id: 0, what: `resolve ${endpoint.host} for`, timeoutMs: ms }
      return new SkynetError('ERR_SOCKET_TIMEOUT', info)
    })
    addressesOf(endpoint, failed).then(
      (found) => resolving.resolve(found),
      (error: unknown) => resolving.reject(error),
    )
    const addresses = await resolving.promise
    const id = client.slots.reserve()
    if (id < 0) throw new SkynetError('ERR_SOCKET_LIMIT', { limit: SOCKETS_MAX })
    const connection = new Connection(pool, id, 'opening')
    const { timeoutMs = 0, signal } = options
    const left = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (runtime.now - startedAt))
    const opened = connection.open({ timeoutMs: left, signal })
    client.connect(id, handle, addresses)
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
    const { pool, handle } = this.#service
    if (this.#service.hasEnded) throw this.#service.exited()
    const own = pool.get(id)
    if (own instanceof Connection) return own
    if (!Number.isInteger(id) || pool.client.slots.stateOf(id) === STATE.INVALID) {
      throw new SkynetError('ERR_SOCKET_INVALID', { id })
    }
    if (own !== undefined) {
      throw new SkynetError('ERR_SOCKET_STATE', { id, reason: 'it is a listener' })
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

  /** Every socket of the node, whoever owns it: state, owner, bytes. It stops nobody. */
  netstat(): SocketInfo[] {
    return this.#service.pool.client.slots.list()
  }

  /**
   * Write to any socket of the node, also one that another service owns and reads.
   *
   * @returns False when there is no such socket.
   */
  write(id: number, data: string | Uint8Array): boolean {
    const { client } = this.#service.pool
    if (client.slots.stateOf(id) <= STATE.LISTEN) return false
    client.writer(id).write(data)
    return true
  }
}
