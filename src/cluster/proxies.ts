/** The handles here that stand for services of other nodes. Runs on the worker of the cluster. */
import { SkynetError } from '../base/errors.ts'
import { HANDLE_ID_MAX, PROXIES_MAX, PROXIES_NAMED_MAX } from '../base/limits.ts'
import { Context, type Forwarder } from '../kernel/context.ts'
import type { Handles } from '../kernel/handles.ts'
import type { Router } from '../kernel/router.ts'
import { UNBOUND } from '../wire/service-id.ts'
import { forgetAsked } from './asked.ts'
import { type BorderPeer, type RemoteKey, type RemoteProxy, remoteAddress } from './peer.ts'

export interface ProxiesHost {
  readonly handles: Handles
  readonly router: Router
  /** That of the cluster. */
  readonly worker: number
}

/** A context that has a forwarder handles nothing itself. */
const NOBODY = { receive: (): void => {}, ...UNBOUND }

export class Proxies {
  readonly #host: ProxiesHost
  readonly #forwarder: Forwarder
  readonly #limit: number
  readonly #all = new Map<number, RemoteProxy>()
  /** Those by name. */
  #named = 0

  constructor(host: ProxiesHost, forwarder: Forwarder, limit = PROXIES_MAX) {
    this.#host = host
    this.#forwarder = forwarder
    this.#limit = limit
  }

  get size(): number {
    return this.#all.size
  }

  values(): Iterable<RemoteProxy> {
    return this.#all.values()
  }

  /** Undefined: that handle is of a service here, or of none any more. */
  get(handle: number): RemoteProxy | undefined {
    return this.#all.get(handle)
  }

  /**
   * The one proxy of a service, made when it is named first.
   *
   * @throws {SkynetError} `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`, `ERR_MESSAGE_MALFORMED`.
   */
  of(peer: BorderPeer, key: RemoteKey): RemoteProxy {
    const known = peer.proxies.get(key)
    if (known !== undefined) return known
    this.#check(peer, key)
    const handle = this.#register(remoteAddress(peer, key), this.#forwarder)
    this.#host.handles.markRemote(handle, peer.node, typeof key === 'number' ? key : 0)
    const proxy: RemoteProxy = { handle, peer, key, asked: undefined, watchers: undefined }
    this.#all.set(handle, proxy)
    peer.proxies.set(key, proxy)
    if (typeof key === 'string') this.#named++
    return proxy
  }

  #check({ node }: BorderPeer, key: RemoteKey): void {
    if (typeof key === 'number' && key > HANDLE_ID_MAX) {
      throw new SkynetError('ERR_MESSAGE_MALFORMED', { at: 0, reason: `a service ${key}` })
    }
    const limit = this.#limit
    if (this.#all.size >= limit) throw new SkynetError('ERR_PROXY_LIMIT', { node, limit })
    // A name ends with its node only, so names must not take what services need.
    if (typeof key === 'string' && this.#named >= PROXIES_NAMED_MAX) {
      throw new SkynetError('ERR_PROXY_LIMIT', { node, limit: PROXIES_NAMED_MAX })
    }
  }

  /** A handle for which `forwarder` takes what comes. */
  #register(title: string, forwarder: Forwarder): number {
    const { handles, router, worker } = this.#host
    const handle = handles.register(worker, true)
    router.add(new Context(handle, title, NOBODY, forwarder))
    return handle
  }

  /** A handle of the cluster itself, which nobody is told of. */
  ownHandle(title: string, forwarder: Forwarder): number {
    return this.#register(title, forwarder)
  }

  /** That service has ended, or its node: who sends to it is told that there is none. */
  retire(proxy: RemoteProxy): void {
    if (!this.#all.delete(proxy.handle)) return
    forgetAsked(proxy)
    const { peer, key } = proxy
    peer.proxies.delete(key)
    if (typeof key === 'number') peer.untoldKnown.delete(key)
    else this.#named--
    const { handles, router } = this.#host
    const context = router.contexts.get(proxy.handle)
    // Before its handle may be given out again.
    handles.remotes?.release(proxy.handle)
    handles.retire(proxy.handle)
    if (context !== undefined) router.remove(context)
  }
}
