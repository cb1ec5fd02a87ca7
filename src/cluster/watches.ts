/**
 * Being told of the end of services of other nodes, and telling others of the end of ours.
 *
 * Who monitors a service of a peer waits at its proxy; the first has that peer asked to watch it,
 * which asks like anybody else on its node. A link that begins anew is asked again, as what was in
 * flight is lost; what has ended meanwhile is `gone` then. `node down` is told once the peer's
 * epoch is over, not when the link is.
 *
 * All other services that a peer has heard of are looked at from time to time, so that it need not
 * keep the handles of those that have ended. Of a service that a third node has named its own node
 * does not know that it is known here: it is told.
 */
import { SkynetError } from '../base/errors.ts'
import { PROXIES_MAX } from '../base/limits.ts'
import { askerOf } from '../service/askers.ts'
import type { Ending } from '../service/life.ts'
import type { OrderingHost } from '../service/ordering.ts'
import { causedBy, sendable } from '../service/sendable.ts'
import { monitor } from '../supervision/monitor.ts'
import { PTYPE } from '../wire/ptype.ts'
import { nameAbroad } from './abroad.ts'
import type { BorderControl } from './control.ts'
import type { BorderPeer, RemoteKey, RemoteProxy, Watcher } from './peer.ts'

export interface WatchesHost {
  /** The service of the cluster. */
  readonly service: OrderingHost
  /** Name of this node. */
  readonly node: string
  /** Handle of a service here; 0: none has that name. */
  handleOf(key: RemoteKey): number
  /** False: it does not leave. */
  tell(peer: BorderPeer, control: BorderControl): boolean
  retire(proxy: RemoteProxy): void
}

export class Watches {
  readonly #host: WatchesHost

  constructor(host: WatchesHost) {
    this.#host = host
  }

  // --- who is here, and waits for the end of what is there ---------------------------------------

  add(proxy: RemoteProxy, watcher: Watcher): void {
    proxy.watchers ??= new Map()
    proxy.watchers.set(askerOf(watcher), watcher)
    if (proxy.watchers.size === 1) this.#say(proxy)
  }

  /** Is the end of what it stands for waited for? What was said before is harmless. */
  #say(proxy: RemoteProxy): void {
    const { peer, key, watchers } = proxy
    const isWatched = watchers !== undefined && watchers.size > 0
    if (!this.#host.tell(peer, [isWatched ? 'watch' : 'unwatch', key])) peer.hasUntold = true
    // It is known there that nobody waits, so it need not be said again.
    else if (!isWatched) proxy.watchers = undefined
  }

  /** Have it watch what somebody here waits for, and nothing else. */
  watchAgain(peer: BorderPeer): void {
    for (const proxy of peer.proxies.values()) {
      if (proxy.watchers !== undefined) this.#say(proxy)
    }
    this.#tellKnown(peer)
  }

  /** A third node has named a service of that peer, which does not know that it is known here. */
  named({ peer, key }: RemoteProxy): void {
    if (typeof key === 'number') peer.untoldKnown.add(key)
  }

  #tellKnown(peer: BorderPeer): void {
    const { untoldKnown } = peer
    if (untoldKnown.size === 0) return
    if (this.#host.tell(peer, ['known', [...untoldKnown]])) untoldKnown.clear()
  }

  /** False: it was no watcher. */
  giveUp(proxy: RemoteProxy, watcher: Watcher): boolean {
    if (proxy.watchers?.delete(askerOf(watcher)) !== true) return false
    if (proxy.watchers.size === 0) this.#say(proxy)
    return true
  }

  /** Those of a worker that died wait no more. */
  dropWatchers(proxy: RemoteProxy, dead: ReadonlySet<number>): void {
    for (const watcher of proxy.watchers?.values() ?? []) {
      if (dead.has(watcher.source)) this.giveUp(proxy, watcher)
    }
  }

  /** What a proxy stands for has ended: who waits for that is told. */
  settle(proxy: RemoteProxy, ending: Omit<Ending, 'handle'>): void {
    const { router } = this.#host.service.runtime
    const value: Ending = { ...ending, handle: proxy.handle }
    for (const { source, session } of proxy.watchers?.values() ?? []) {
      if (session !== 0) router.send(PTYPE.RESPONSE, source, 0, session, value)
    }
    proxy.watchers = undefined
  }

  /** A link has begun: what its peer was told before may be lost. */
  tellAgain(peer: BorderPeer): void {
    for (const watch of peer.watches.values()) watch.abort()
    peer.watches.clear()
    for (const key of peer.proxies.keys()) if (typeof key === 'number') peer.untoldKnown.add(key)
    this.watchAgain(peer)
  }

  /** Its epoch is over. */
  down(peer: BorderPeer): void {
    for (const watch of peer.watches.values()) watch.abort()
    peer.watches.clear()
    const { node, epoch } = peer
    const cause = new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'maybe' })
    for (const proxy of [...peer.proxies.values()]) {
      this.settle(proxy, { reason: 'node down', cause })
      this.#host.retire(proxy)
    }
  }

  // --- what is here, and whose end others wait for -----------------------------------------------

  watch(peer: BorderPeer, key: RemoteKey): void {
    if (peer.watches.has(key) || peer.watches.size >= PROXIES_MAX) return
    const handle = this.#host.handleOf(key)
    const stop = new AbortController()
    peer.watches.set(key, stop)
    monitor(this.#host.service, handle, { signal: stop.signal }).then(
      (ending) => {
        if (peer.watches.get(key) !== stop) return
        peer.watches.delete(key)
        const cause = ending.cause && sendable(ending.cause)
        nameAbroad(cause, this.#host.node)
        this.#tellEnding(peer, key, { ...ending, ...causedBy(cause) })
      },
      // Nobody waits any more: it was given up, or this node ends.
      () => {},
    )
  }

  #tellEnding(peer: BorderPeer, key: RemoteKey, ending: Ending): void {
    if (this.#host.tell(peer, ['ended', key, ending])) return
    peer.untoldEndings ??= new Map()
    // A peer that waits for more ends than it has handles has made them up.
    if (peer.untoldEndings.size < PROXIES_MAX) peer.untoldEndings.set(key, ending)
  }

  unwatch(peer: BorderPeer, key: RemoteKey): void {
    peer.watches.get(key)?.abort()
    peer.watches.delete(key)
    peer.untoldEndings?.delete(key)
  }

  /** That service of a peer has ended. */
  ended(peer: BorderPeer, key: RemoteKey, ending: Ending): void {
    const proxy = peer.proxies.get(key)
    if (proxy === undefined) return
    this.settle(proxy, ending)
    // Another one may get that name.
    if (typeof key === 'number') this.#host.retire(proxy)
  }

  gone(peer: BorderPeer, keys: readonly number[]): void {
    for (const key of keys) {
      const proxy = peer.proxies.get(key)
      if (proxy === undefined) continue
      this.settle(proxy, { reason: 'gone' })
      this.#host.retire(proxy)
    }
  }

  /** What a peer knows of, besides what it has heard from here. */
  known(peer: BorderPeer, ids: readonly number[]): void {
    // A peer that knows of more than it has handles has made them up.
    for (const id of ids) if (peer.heard.size < PROXIES_MAX) peer.heard.add(id)
    this.sweep(peer)
  }

  #tellEndings(peer: BorderPeer): void {
    const { untoldEndings } = peer
    peer.untoldEndings = undefined
    for (const [key, ending] of untoldEndings ?? []) this.#tellEnding(peer, key, ending)
  }

  /** What a peer knows of: it is told of those that have ended. */
  sweep(peer: BorderPeer): void {
    this.#tellEndings(peer)
    this.#tellKnown(peer)
    const { handles } = this.#host.service.runtime
    const gone: number[] = []
    for (const id of peer.heard) {
      // Of one that is watched it is told by that, and why.
      if (peer.watches.has(id) || peer.untoldEndings?.has(id) === true) continue
      if (handles.workerOf(this.#host.handleOf(id)) >= 0) continue
      gone.push(id)
    }
    // What does not leave is looked at again.
    if (gone.length === 0 || !this.#host.tell(peer, ['gone', gone])) return
    for (const id of gone) peer.heard.delete(id)
  }
}
