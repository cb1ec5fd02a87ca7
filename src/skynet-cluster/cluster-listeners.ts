/** Where other nodes come in: listeners, and an agent for each connection. */
import { checkInteger, checkOptions, checkText, refusal } from '../base/check.ts'
import { isLoopbackHost } from '../base/host-port.ts'
import { GATE_CLIENTS_DEFAULT, SOCKETS_MAX } from '../base/limits.ts'
import type { Listener } from '../sockets/listener.ts'
import type { ListenOptions } from '../sockets/open-listener.ts'
import { Agent, type AgentHost } from './agent.ts'
import { clusterSocket, SOCKET_OPTIONS } from './cluster-socket.ts'
import type { SayOften } from './sayings.ts'

/** Where to listen for other nodes. */
export interface ClusterListen {
  /**
   * Default `127.0.0.1`: this machine. Nobody asks a node who it is, and whoever reaches this port
   * may call every service: any other host belongs behind a firewall, and is logged with a warning.
   */
  readonly host?: string
  /** 0: the system chooses. */
  readonly port: number
  /** Connections at a time; one more is closed at once. Default 1024. */
  readonly maxClient?: number
}

/** Where a node listens. */
export interface ClusterPlace {
  readonly host: string
  readonly port: number
}

/** What listeners need of their service. */
export interface ListenersHost {
  listen(options: ListenOptions): Promise<Listener>
  fork(task: () => unknown): void
  say(level: 'info' | 'error', text: string): void
  /** Of what may come in floods. */
  readonly sayOften: SayOften
}

const NAMES = ['host', 'port', 'maxClient']
const WHAT = 'open the cluster'

/**
 * What `open` was asked for; by name the port is not known.
 *
 * @throws `TypeError`, `RangeError` naming what is wrong.
 */
export function checkOpen(
  listen: ClusterListen | number | string,
  more: Pick<ClusterListen, 'maxClient'> | undefined,
): Required<ClusterListen> {
  if (typeof listen === 'object') {
    if (more !== undefined) throw refusal('type', WHAT, 'more', 'none beside an object', more)
    return checkClusterListen(listen)
  }
  checkOptions(WHAT, 'more', more ?? {}, ['maxClient'])
  if (typeof listen === 'number') return checkClusterListen({ ...more, port: listen })
  if (typeof listen !== 'string') throw refusal('type', WHAT, 'listen', LISTEN, listen)
  checkText(WHAT, 'listen', listen)
  return checkClusterListen({ ...more, port: 0 })
}

const LISTEN = 'a port, the name of a node, or { host, port, maxClient }'

function checkClusterListen(given: ClusterListen): Required<ClusterListen> {
  checkOptions(WHAT, 'listen', given, NAMES)
  const { host = '127.0.0.1', port, maxClient = GATE_CLIENTS_DEFAULT } = given
  checkText(WHAT, 'host', host)
  checkInteger(WHAT, 'port', port, 0, 0xffff)
  checkInteger(WHAT, 'maxClient', maxClient, 1, SOCKETS_MAX)
  return { host, port, maxClient }
}

export class ClusterListeners {
  readonly #host: ListenersHost
  readonly #agentHost: AgentHost

  constructor(host: ListenersHost, agentHost: AgentHost) {
    this.#host = host
    this.#agentHost = agentHost
  }

  /** @throws {SkynetError} `ERR_LISTEN`, `ERR_SOCKET_LIMIT`. */
  async open({ host, port, maxClient }: Required<ClusterListen>): Promise<ClusterPlace> {
    const listener = await this.#host.listen({ host, port, ...SOCKET_OPTIONS })
    if (!isLoopbackHost(host)) {
      this.#host.say(
        'error',
        `cluster: whoever reaches ${listener.address} may call every service of this node: ` +
          'the protocol of Skynet asks nobody who it is',
      )
    }
    this.#host.fork(() => this.#accept(listener, maxClient))
    return { host, port: listener.port }
  }

  async #accept(listener: Listener, max: number): Promise<void> {
    let count = 0
    for await (const connection of listener) {
      const { remoteAddress } = connection
      if (count >= max) {
        this.#host.sayOften('refused', `refused ${remoteAddress}: there are ${max} connections`)
        void connection.close().catch(() => {})
        continue
      }
      this.#host.sayOften('accept', `socket accept from ${remoteAddress}`)
      const agent = new Agent(this.#agentHost, clusterSocket(connection), remoteAddress)
      count++
      this.#host.fork(async () => {
        await agent.run()
        count--
      })
    }
  }
}
