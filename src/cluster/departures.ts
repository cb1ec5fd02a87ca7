/** What services here send to proxies: taken as it is packed, and passed on to the peer. */
import type { Forwarder } from '../kernel/context.ts'
import type { Router } from '../kernel/router.ts'
import type { Redirection } from '../service/calls.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import { unpack } from '../wire/unpack.ts'
import { answered, callDead, redirected } from './asked.ts'
import type { BorderOutgoing } from './outgoing.ts'
import { PackedSlot } from './packed.ts'
import type { RemoteProxy } from './peer.ts'
import type { Proxies } from './proxies.ts'
import { notPassedOn, Relays, relayedError } from './relays.ts'

export interface DeparturesHost {
  readonly router: Router
  readonly outgoing: BorderOutgoing
  readonly proxies: Pick<Proxies, 'get' | 'ownHandle'>
  readonly callTimeoutMs: number
  /** Milliseconds since the node started. */
  now(): number
}

export class Departures implements Forwarder {
  readonly #host: DeparturesHost
  readonly #slot = new PackedSlot()
  readonly #relays = new Relays()
  /** In whose name this node asks for others; made with the first. */
  #relay = 0

  constructor(host: DeparturesHost) {
    this.#host = host
  }

  /** Of the router: see `Forwarder`. */
  forward(
    to: number,
    type: number,
    source: number,
    session: number,
    timeoutMs: number,
    bytes: Buffer,
    at: number,
    length: number,
    isGiven: boolean,
  ): void {
    const { proxies, outgoing } = this.#host
    const proxy = proxies.get(to)
    // What is for the worker of who has asked: only this node needs to know.
    if (type === PTYPE.SYSTEM) {
      if (proxy !== undefined) this.#redirected(proxy, session, bytes, at, length)
      return
    }
    const isAnswer = isAnswerType(type)
    if (proxy === undefined) {
      if (!isAnswer) this.#refuse(source, session, callDead('no'))
      return
    }
    if (isAnswer) answered(proxy, session)
    const asker = isAnswer ? undefined : proxies.get(source)
    const slot = this.#slot.set(type, 0, source, session, timeoutMs, bytes, at, length, isGiven)
    if (asker !== undefined && !this.#takeOver(asker, slot)) return
    outgoing.message(proxy.peer, proxy.key, slot)
  }

  #refuse(source: number, session: number, error: Error): void {
    if (session !== 0) this.#host.router.send(PTYPE.ERROR, source, 0, session, error)
  }

  #redirected(
    proxy: RemoteProxy,
    session: number,
    bytes: Buffer,
    at: number,
    length: number,
  ): void {
    const redirection = unpack(bytes, at, length) as Redirection
    if ('to' in redirection) redirected(proxy, session, redirection.to)
  }

  /** A request of another node, which a service here has passed on: ask in its place. False: no. */
  #takeOver(asker: RemoteProxy, slot: PackedSlot): boolean {
    const { callTimeoutMs, now, proxies } = this.#host
    const { session, source } = slot
    slot.source = 0
    if (session === 0) return true
    // It is known how long who asked waits, but for one that this node has never been asked by.
    const until = asker.asked?.get(session)?.until ?? now() + callTimeoutMs
    answered(asker, session)
    try {
      slot.session = this.#relays.add(source, session, until)
      if (this.#relay === 0) {
        this.#relay = proxies.ownHandle('relay', { forward: this.#relayed })
      }
    } catch (error) {
      this.#refuse(source, session, notPassedOn(error) as Error)
      return false
    }
    slot.source = this.#relay
    slot.ms = Math.max(1, until - now())
    return true
  }

  /**
   * The answer of whom it was passed on to: its link takes none of a node that was not asked. Any
   * other message is of a peer that guesses.
   */
  readonly #relayed: Forwarder['forward'] = (...forwarded) => {
    const [, type, source, session, , bytes, at, length] = forwarded
    if (!isAnswerType(type)) {
      this.#refuse(source, session, callDead('no'))
      return
    }
    const relayed = this.#relays.take(session)
    if (relayed === undefined) return
    const { asker, askerSession } = relayed
    const { router } = this.#host
    if (type !== PTYPE.ERROR) router.sendPacked(type, asker, 0, askerSession, bytes, at, length)
    else router.send(type, asker, 0, askerSession, relayedError(bytes, at, length))
  }

  dropLate(): void {
    this.#relays.dropLate(this.#host.now())
  }
}
