/**
 * `clusterd`, a unique service: all connections of this node to others, and of others to it. What
 * the services of the node ask comes packed, and answers leave packed: it moves bytes.
 */
import { formatHandle, type SkynetError } from '../base/errors.ts'
import { Skynet } from '../skynet/skynet.ts'
import { checkNotNeeded } from '../supervision/needed.ts'
import { type ClusterListen, ClusterListeners, type ClusterPlace } from './cluster-listeners.ts'
import { LIMITS, nodesOf } from './known-nodes.ts'
import { LocalServices } from './local-services.ts'
import { parseAddress } from './node-address.ts'
import { Questions } from './questions.ts'
import { RegisteredNames, type SnaxMethod } from './registered-names.ts'
import type { ClusterNodeInfo, NodeTable } from './remote-nodes.ts'
import type { Target } from './request-frames.ts'
import { sayingsOf } from './sayings.ts'

/** What the door asks of it; nobody else does. */
export interface ClusterdMethods {
  /** The answer as it came, or why there is none. */
  request(node: string, target: Target, message: Uint8Array): Promise<Uint8Array | SkynetError>
  push(node: string, target: Target, message: Uint8Array): void
  /** Resolves once there is a connection, or with why there is none. */
  connect(node: string): Promise<SkynetError | undefined>
  reload(table: NodeTable): void
  nodes(): ClusterNodeInfo[]
  open(listen: Required<ClusterListen>): Promise<ClusterPlace>
  openNamed(node: string, maxClient: number): Promise<ClusterPlace>
  register(name: string, handle: number): void
  registerSnax(name: string, handle: number, methods: readonly SnaxMethod[]): void
  unregister(name: string): void
  /** The handle of a service that passes everything on. */
  proxy(node: string, target: Target): Promise<number>
  giveUp(source: number, session: number): void
}

/**
 * What becomes of a request, as an answer. An error that a handler throws is told as of a handler
 * that has run; here it speaks of the other node, where nothing may have run.
 */
const outcome = <T>(asked: Promise<T>): Promise<T | SkynetError> =>
  asked.catch((error: SkynetError) => error)

/** The methods of the service. */
export function clusterd(skynet: Skynet): ClusterdMethods {
  const service = Skynet.serviceOf(skynet)
  const site = Skynet.siteOf(skynet)
  const say = sayingsOf(service)
  const isNeeded = (handle: number): boolean => {
    try {
      checkNotNeeded(site, handle)
      return false
    } catch {
      return true
    }
  }
  const names = new RegisteredNames(skynet)
  const local = new LocalServices(service, names, LIMITS, isNeeded, say)
  const listen: ClusterListeners['open'] = (options) => listeners.open(options)
  const listeners = new ClusterListeners(
    {
      listen: (options) => skynet.socket.listen(options),
      fork: (task) => skynet.fork(task),
      say: (level, text) => service.say(level, text),
      sayOften: say,
    },
    local,
  )
  const nodes = nodesOf(skynet)
  const questions = new Questions(skynet, nodes, say)
  const proxies = new Map<string, Promise<number>>()

  return {
    request: (node, target, message) => outcome(questions.request(node, target, message)),
    push: (node, target, message) => questions.push(node, target, message),
    connect: (node) => outcome(questions.connect(node).then(() => undefined)),
    giveUp: (source, session) => questions.giveUp(source, session),
    reload: (table) => nodes.reload(table),
    nodes: () => nodes.list(),
    open: listen,
    async openNamed(node, maxClient) {
      const address = nodes.addressOf(node)
      return listen({ ...parseAddress('open the cluster', node, address), maxClient })
    },
    register: (name, handle) => {
      names.register(name, handle)
      service.say('info', `Register [${name}] ${formatHandle(handle)}`)
    },
    registerSnax: (name, handle, methods) => names.registerSnax(name, handle, methods),
    unregister: (name) => {
      const handle = names.unregister(name)
      if (handle !== undefined) service.say('info', `Unregister [${name}] ${formatHandle(handle)}`)
    },
    async proxy(node, target) {
      const key = `${node} ${typeof target} ${target}`
      const known = await proxies.get(key)?.catch(() => 0)
      if (known !== undefined && skynet.isAlive(known)) return known
      const launched = skynet
        .newService('clusterproxy', { args: [node, target] })
        .then(({ handle }) => handle)
      proxies.set(key, launched)
      return launched
    },
  }
}
