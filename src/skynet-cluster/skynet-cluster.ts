/** `SkynetCluster`: nodes of ours and of Skynet call each other's services, on Skynet's wire. */
import { checkText, refusal } from '../base/check.ts'
import type { LuaValue } from '../codec/seri/reader.ts'
import type { AnyService, MethodsOf } from '../modules/definition.ts'
import type { Address } from '../service/addresses.ts'
import type { ServiceRef } from '../service/ref.ts'
import type { WaitOptions } from '../service/wait-options.ts'
import { type ClusterListen, type ClusterPlace, checkOpen } from './cluster-listeners.ts'
import { checkAnsweredHandle, checkDeadline, checkRemote, type NodeCalls } from './node-calls.ts'
import { type ClusterNodeInfo, checkTable, type NodeTable } from './remote-nodes.ts'
import { RemoteRef } from './remote-ref.ts'
import { checkSnaxMethods, type RemoteSnax, remoteSnax } from './snax.ts'
import type { SnaxMethod } from './words.ts'

/** `@name`, `.name`, `:0000000a`, or a handle, of a service on another node. */
export type RemoteAddress = number | string

/** What a cluster needs of its service, and of `clusterd`. */
export interface ClusterBase {
  readonly calls: NodeCalls
  /** Of this node, by address. @throws {SkynetError} `ERR_NAME_UNKNOWN`. */
  knownHandle(address: Address | undefined): number
  refOf<S extends AnyService>(handle: number): ServiceRef<MethodsOf<S>>
  ask<T>(method: string, args: readonly unknown[], options: WaitOptions | undefined): Promise<T>
}

/** A node that there is a connection to. */
export interface ClusterSender {
  readonly node: string
  call<T = unknown>(address: RemoteAddress, ...values: readonly unknown[]): Promise<T>
  send(address: RemoteAddress, ...values: readonly unknown[]): void
}

/**
 * The nodes of a cluster of Skynet, for one service. All services of a node share the connections:
 * one to each other node. Obtained from `skynetCluster`.
 *
 * What asks another node rejects with `ERR_SKYNETCLUSTER_TIMEOUT` when that takes longer than
 * `timeoutMs`; what asks this one, `open` say, with `ERR_CALL_TIMEOUT`.
 */
export class SkynetCluster {
  readonly #base: ClusterBase
  readonly #options: WaitOptions | undefined

  /** @internal Made by `skynetCluster`. */
  constructor(base: ClusterBase, options?: WaitOptions) {
    this.#base = base
    this.#options = options
  }

  /** The same with another `timeoutMs`, from 1, or with a `signal`: `ABORT_ERR` when it aborts. */
  with(options: WaitOptions): SkynetCluster {
    checkDeadline('use the cluster', options)
    return new SkynetCluster(this.#base, options)
  }

  /**
   * Let other nodes in: as `{ host, port }`; at a port of this machine; or where the table says
   * that the node of that name is.
   *
   * @returns Where: with the port that is really open.
   * @throws {SkynetError} `ERR_LISTEN`; `ERR_SKYNETCLUSTER_DOWN` the table does not say where.
   */
  open(listen: ClusterListen): Promise<ClusterPlace>
  open(listen: number | string, more?: Pick<ClusterListen, 'maxClient'>): Promise<ClusterPlace>
  async open(
    listen: ClusterListen | number | string,
    more?: Pick<ClusterListen, 'maxClient'>,
  ): Promise<ClusterPlace> {
    const given = checkOpen(listen, more)
    if (typeof listen !== 'string') return this.#ask('open', [given])
    return this.#ask('openNamed', [listen, given.maxClient])
  }

  /**
   * Say where nodes are: `{ db: '10.0.0.2:2528', old: false }`. Those that are not named stay as
   * they are. Of a node that is somewhere else now, or down, who waits for an answer gets
   * `ERR_SKYNETCLUSTER_LOST`.
   */
  async reload(table: NodeTable): Promise<void> {
    checkTable('reload the cluster', table)
    await this.#ask('reload', [table])
  }

  /** The nodes that this one knows of, as they are now. */
  nodes(): Promise<ClusterNodeInfo[]> {
    return this.#ask('nodes', [])
  }

  /**
   * Call a service of another node.
   *
   * @param values The first one is the command: for services of ours the name of a method. What
   * they are in Lua is a table of docs/skynet-cluster.md.
   * @returns The first value of the answer; undefined: there is none.
   * @throws {SkynetError} `ERR_SKYNETCLUSTER_REMOTE` the other node says no; `…_LOST` it cannot be
   * reached, or the connection has ended; `…_DOWN` it is marked as down, or nobody knows of it;
   * `…_TIMEOUT`; `…_ANSWER` the answer cannot be read; `…_FULL` too much is under way.
   * `info.sent` of those that have it: `no` when the service certainly was not called.
   * `ERR_MESSAGE_UNSUPPORTED` and the like for `values`.
   */
  async call<T = unknown>(
    node: string,
    address: RemoteAddress,
    ...values: readonly unknown[]
  ): Promise<T> {
    return (await this.#request('call', node, address, values, this.#options))[0] as T
  }

  /** As `call`, with all values of the answer: `const [ok, text] = await cluster.callAll(…)`. */
  async callAll<T extends readonly unknown[] = unknown[]>(
    node: string,
    address: RemoteAddress,
    ...values: readonly unknown[]
  ): Promise<T> {
    const all = await this.#request('call', node, address, values, this.#options)
    return all as readonly unknown[] as T
  }

  /** As `call`, without an answer: nobody knows whether it comes. What is lost is logged. */
  send(node: string, address: RemoteAddress, ...values: readonly unknown[]): void {
    checkText('send', 'node', node)
    checkRemote('send', address)
    this.#base.calls.push(node, address, values)
  }

  /**
   * The handle of a service that is registered on another node, for calls by number.
   *
   * @throws {SkynetError} As `call`; `ERR_SKYNETCLUSTER_REMOTE`: `name not found`.
   */
  async query(node: string, name: string): Promise<number> {
    checkText('query', 'node', node)
    checkText('query', 'name', name)
    const [handle] = await this.#base.calls.request(node, 0, [name], this.#options)
    return checkAnsweredHandle(handle, node, 'its names')
  }

  /**
   * Let other nodes find a service by a name: as `@name`. It has one name.
   *
   * @param address Default: this service.
   * @throws {SkynetError} `ERR_SKYNETCLUSTER_NAME` another service has that name.
   */
  async register(name: string, address?: Address): Promise<void> {
    checkText('register', 'name', name)
    await this.#ask('register', [name, this.#base.knownHandle(address)])
  }

  /** Take a name back. Harmless when nobody has it. */
  async unregister(name: string): Promise<void> {
    checkText('unregister', 'name', name)
    await this.#ask('unregister', [name])
  }

  /**
   * A typed reference to a service of another node: `cluster.ref<typeof db>('b', '@db')`. Its
   * `call` and `send` are as those of a `ServiceRef`.
   */
  ref<S extends AnyService = AnyService>(
    node: string,
    address: RemoteAddress,
  ): RemoteRef<MethodsOf<S>> {
    checkText('refer to a service', 'node', node)
    checkRemote('refer to a service', address)
    const { calls } = this.#base
    const caller = {
      call: async (values: readonly unknown[], options: WaitOptions | undefined) =>
        (await calls.request(node, address, values, options))[0],
      send: (values: readonly unknown[]) => calls.push(node, address, values),
    }
    return new RemoteRef(caller, node, address, this.#options)
  }

  /**
   * A service of this node that passes everything on to one of another node, for who has only
   * handles: `proxy('db@main')`, `proxy('db', '@main')`. One for each, however often it is asked
   * for.
   */
  async proxy<S extends AnyService = AnyService>(
    node: string,
    address?: RemoteAddress,
  ): Promise<ServiceRef<MethodsOf<S>>> {
    const [its, target] = address === undefined ? splitName(node) : [node, address]
    checkText('make a proxy', 'node', its)
    checkRemote('make a proxy', target)
    return this.#base.refOf<S>(await this.#ask('proxy', [its, target]))
  }

  /**
   * A service of another node that is written with snax.
   *
   * @param methods Its methods, in the order in which its file defines them: their numbers follow
   * from that. `['response.ping', 'accept.hello']`.
   * @param address Default: the unique service of that name.
   * @throws {SkynetError} As `call`.
   */
  async snax<const M extends SnaxMethod>(
    node: string,
    name: string,
    methods: readonly M[],
    address?: RemoteAddress,
  ): Promise<RemoteSnax<M>> {
    checkText('find a snax service', 'name', name)
    checkSnaxMethods('find a snax service', methods)
    if (address !== undefined) checkRemote('find a snax service', address)
    const target = address ?? (await this.#querySnax(node, name))
    return remoteSnax(node, target, methods, {
      call: (values) => this.call(node, target, ...values),
      send: (values) => this.send(node, target, ...values),
    })
  }

  /**
   * Let nodes of Skynet use a service as a snax service: `cluster.snax(node, name)` there. The file
   * of that name there says which methods it has; here are its names, in the same order.
   *
   * @param address Default: this service.
   */
  async registerSnax(
    name: string,
    methods: readonly SnaxMethod[],
    address?: Address,
  ): Promise<void> {
    checkText('register', 'name', name)
    checkSnaxMethods('register', methods)
    await this.#ask('registerSnax', [name, this.#base.knownHandle(address), methods])
  }

  /** Resolves once there is a connection to that node. Throws as `call`. */
  async getSender(node: string): Promise<ClusterSender> {
    checkText('find a sender', 'node', node)
    await this.#base.calls.connect(node, this.#options)
    return {
      node,
      call: (address, ...values) => this.call(node, address, ...values),
      send: (address, ...values) => this.send(node, address, ...values),
    }
  }

  async #querySnax(node: string, name: string): Promise<number> {
    const handle = await this.call(node, '.service', 'QUERY', 'snaxd', name)
    return checkAnsweredHandle(handle, node, '.service')
  }

  async #request(
    what: string,
    node: string,
    address: RemoteAddress,
    values: readonly unknown[],
    options: WaitOptions | undefined,
  ): Promise<LuaValue[]> {
    checkText(what, 'node', node)
    checkRemote(what, address)
    return this.#base.calls.request(node, address, values, options)
  }

  #ask<T>(method: string, args: readonly unknown[]): Promise<T> {
    return this.#base.ask<T>(method, args, this.#options)
  }
}

/** `db@main`, `db.main`: a node and what is behind it. */
function splitName(name: string): [string, string] {
  const found = typeof name === 'string' ? /^([^@.]+)([@.].+)$/s.exec(name) : null
  if (found !== null) return [found[1]!, found[2]!]
  throw refusal(
    'value',
    'make a proxy',
    'node',
    `as 'db@main' or 'db.main', without an address`,
    name,
  )
}
