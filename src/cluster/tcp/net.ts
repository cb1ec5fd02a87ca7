/** The connections of a node to the others: where it listens, and how it connects. */

import { type HostPort, hostPortText } from '../../base/host-port.ts'
import {
  CLUSTER_CONNECT_MS,
  CLUSTER_LINGER_MS,
  CLUSTER_SEND_BYTES_MAX,
  CLUSTER_UNTAKEN_MS_MIN,
} from '../../base/limits.ts'
import type { TcpRules } from './options.ts'
import type { TcpPeer } from './peer.ts'
import { TcpPeers } from './peers.ts'
import { Route } from './route.ts'
import type { PeerListener, PeerStream, StreamSettings, TcpHost } from './sockets.ts'

export class TcpNet {
  readonly rules: TcpRules
  readonly host: TcpHost
  readonly peers: TcpPeers
  readonly #userTimeoutMs: number
  readonly #random: () => number
  #listener: PeerListener | undefined
  #loading: Promise<typeof import('./node-tls.ts')> | undefined
  isClosed = false

  /** @param leaseMs So long may a peer take nothing of what was sent: then it is cut off. */
  constructor(rules: TcpRules, host: TcpHost, leaseMs: number, random: () => number) {
    this.rules = rules
    this.host = host
    this.peers = new TcpPeers(rules.identity, host)
    this.#userTimeoutMs = Math.max(leaseMs, CLUSTER_UNTAKEN_MS_MIN)
    this.#random = random
  }

  /** Where others find this node: once it listens. */
  get address(): string {
    const { listen, advertise } = this.rules
    return hostPortText(advertise ?? { ...listen, port: this.#listener?.port ?? listen.port })
  }

  #settings({ host, port }: HostPort): StreamSettings {
    return {
      host,
      port,
      sendLimitBytes: CLUSTER_SEND_BYTES_MAX,
      lingerMs: CLUSTER_LINGER_MS,
      options: { noDelay: 1, userTimeoutMs: this.#userTimeoutMs },
    }
  }

  /** @throws {SkynetError} `ERR_LISTEN` and its like. */
  async listen(): Promise<void> {
    await this.#withTls()
    const listener = await this.host.socket.listen(this.#settings(this.rules.listen))
    this.#listener = listener
    if (this.isClosed) return listener.close()
    if (this.rules.isOpen) {
      this.host.log(`cluster: no secret: whoever is on this machine may join at ${this.address}`)
    }
    this.host.fork(async () => {
      for await (const stream of listener) this.peers.accept(stream)
    })
  }

  /** Its code is loaded for who wants it. */
  async #withTls(): Promise<void> {
    const { certificates } = this.rules
    if (certificates === undefined) return
    this.#loading ??= import('./node-tls.ts')
    const { NodeTls } = await this.#loading
    if (!this.isClosed) this.peers.tls ??= new NodeTls(this.host, certificates)
  }

  async #connect(place: HostPort): Promise<PeerStream> {
    await this.#withTls()
    const stream = await this.host.socket.connect({
      ...this.#settings(place),
      timeoutMs: CLUSTER_CONNECT_MS,
    })
    if (this.isClosed) stream.shutdown()
    return stream
  }

  /**
   * A way that is kept up: with a connection to one of these places.
   *
   * @param entered It is there.
   */
  dial(
    places: readonly HostPort[],
    failed: (error: unknown) => void,
    entered?: (peer: TcpPeer) => void,
  ): Route {
    const attempt = async (count: number): Promise<void> => {
      const stream = await this.#connect(places[count % places.length]!)
      const peer = await this.peers.dialled(stream)
      const there = peer.hasEntered ? peer : this.peers.ofInstance(peer.hello!)
      if (there === undefined) return
      entered?.(there)
      await there.over
    }
    return this.#route(attempt, failed)
  }

  /**
   * Look whether somebody listens there, again and again, while there is no connection: it is the
   * other side that makes it.
   */
  probe(
    places: readonly HostPort[],
    existing: () => TcpPeer | undefined,
    failed: (e: unknown) => void,
  ) {
    const attempt = async (count: number): Promise<void> => {
      const there = existing()
      if (there !== undefined) return there.over
      const stream = await this.#connect(places[count % places.length]!)
      stream.shutdown()
    }
    return this.#route(attempt, failed)
  }

  #route(attempt: (count: number) => Promise<void>, failed: (error: unknown) => void): Route {
    const { host } = this
    const route: Route = new Route({
      now: () => host.now(),
      timeout: (ms, task) => host.timeout(ms, task),
      random: this.#random,
      try: async (count) => {
        if (this.isClosed) route.stop()
        else await attempt(count)
      },
      failed,
    })
    return route
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.peers.tls?.close()
    await this.#listener?.close()
    await this.peers.close()
  }
}
