/**
 * Services whose workers take nothing for now, as one runs a handler that does not come to its
 * end. Who sends to them from another node is told to say no more, until that worker has taken what
 * waits for it: so nothing is dropped between messages that come.
 *
 * What was told before a link began anew is lost with it, at both ends.
 */
import { CLUSTER_HOLD_BYTES } from '../base/limits.ts'
import type { BorderControl } from './control.ts'
import type { BorderPeer, RemoteKey } from './peer.ts'

export interface HoldsHost {
  /** False: it does not leave. */
  control(peer: BorderPeer, control: BorderControl): boolean
  /** That wait for the worker of a service here. */
  waitingBytesTo(handle: number): number
  /** Refuse what services here send to that proxy, or not any more. */
  setHeld(proxy: number, isHeld: boolean): void
}

export class Holds {
  readonly #host: HoldsHost

  constructor(host: HoldsHost) {
    this.#host = host
  }

  /** A peer has sent to a service here, for whose worker that much waits. */
  sent(peer: BorderPeer, key: RemoteKey, handle: number, waitingBytes: number): void {
    if (waitingBytes <= CLUSTER_HOLD_BYTES || peer.held?.has(key) === true) return
    // One that does not leave is told with the next that comes.
    if (!this.#host.control(peer, ['full', [key]])) return
    peer.held ??= new Map()
    peer.held.set(key, handle)
  }

  /** Of those that are held the peer is told which have room again. */
  sweep(peer: BorderPeer): void {
    const { held } = peer
    if (held === undefined) return
    const keys = [...held].filter(([, handle]) => this.#hasRoom(handle)).map(([key]) => key)
    if (keys.length === 0 || !this.#host.control(peer, ['room', keys])) return
    for (const key of keys) held.delete(key)
    if (held.size === 0) peer.held = undefined
  }

  #hasRoom(handle: number): boolean {
    return this.#host.waitingBytesTo(handle) <= CLUSTER_HOLD_BYTES / 2
  }

  /** The peer has told so of services of its own. */
  told(peer: BorderPeer, keys: readonly RemoteKey[], isFull: boolean): void {
    for (const key of keys) {
      const proxy = peer.proxies.get(key)
      if (proxy !== undefined) this.#host.setHeld(proxy.handle, isFull)
    }
  }

  /** A link to a peer has begun. */
  began(peer: BorderPeer): void {
    peer.held = undefined
    for (const { handle } of peer.proxies.values()) this.#host.setHeld(handle, false)
  }
}
