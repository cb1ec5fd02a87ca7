/**
 * `clusterd`, a unique service: all connections of this node to others, and of others to it. What
 * the services of the node ask comes packed, and answers leave packed: it moves bytes.
 */
import { Skynet } from '../skynet/skynet.ts'
import { checkNotNeeded } from '../supervision/needed.ts'
import { ClusterListeners } from './cluster-listeners.ts'
import { ClusterProxies } from './cluster-proxies.ts'
import type { ClusterdMethods } from './clusterd-methods.ts'
import { HeardWords } from './heard-words.ts'
import { LIMITS, nodesOf } from './known-nodes.ts'
import { LocalServices } from './local-services.ts'
import { parseAddress } from './node-address.ts'
import { Questions } from './questions.ts'
import { RegisteredNames } from './registered-names.ts'
import { sayingsOf } from './sayings.ts'

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
  const words = new HeardWords(nodes, names, (text) => service.say('info', text))
  const questions = new Questions(skynet, nodes, say)
  const proxies = new ClusterProxies({
    isAlive: (handle) => skynet.isAlive(handle),
    async launch(node, target) {
      return (await skynet.newService('clusterproxy', { args: [node, target] })).handle
    },
  })

  return {
    request: (node, target, message) => questions.request(node, target, message).catch(toError),
    push: (node, target, message) => questions.push(node, target, message),
    connect: (node) => questions.connect(node).then(() => undefined, toError),
    giveUp: (source, session) => questions.giveUp(source, session),
    reload: (table) => words.reload(table),
    nodes: () => nodes.list(),
    open: listen,
    async openNamed(node, maxClient) {
      const address = nodes.addressOf(node)
      return listen({ ...parseAddress('open the cluster', node, address), maxClient })
    },
    register: (name, handle) => words.register(name, handle),
    registerSnax: (name, handle, methods) => words.registerSnax(name, handle, methods),
    unregister: (name) => words.unregister(name),
    restore: (given) => words.restore(given),
    proxy: (node, target) => proxies.get(node, target),
  }
}

const toError = (error: Error): Error => error
