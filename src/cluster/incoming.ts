/** What comes from a peer, brought to the services here. Nothing in it is believed. */
import { SkynetError } from '../base/errors.ts'
import type { Router } from '../kernel/router.ts'
import { withSent } from '../service/sendable.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import { unpack } from '../wire/unpack.ts'
import { isAdmitted, isOpen } from './admission.ts'
import { answered, ask } from './asked.ts'
import { type BorderOutgoing, BY_NAME } from './outgoing.ts'
import { type Packed, PackedSlot } from './packed.ts'
import { type BorderPeer, type RemoteKey, type RemoteProxy, remoteAddress } from './peer.ts'
import { References } from './references.ts'
import { orderFor } from './remote-orders.ts'

export interface IncomingHost {
  readonly router: Router
  /** Worker of a service here; -1: there is none such. */
  readonly handles: {
    workerOf(handle: number): number
    /** Does it stand for a service of another node? */
    isRemote(handle: number): boolean
  }
  /** Does its node take no more sends? A name may be that of a service of another node. */
  isFull(handle: number): boolean
  readonly references: References
  readonly outgoing: BorderOutgoing
  /** Bytes that may wait for one worker. */
  readonly backlog: { readonly requests: number; readonly sends: number }
  /** Name of this node. */
  readonly node: string
  /** Milliseconds since the node started. */
  now(): number
  /** Handle of a service here; 0: none has that name. */
  handleOf(key: RemoteKey): number
  /** @throws {SkynetError} `ERR_SERVICE_NEEDED`. */
  checkNotNeeded(handle: number): void
  /** The name of a service of the node itself; undefined: it is another one. */
  ownName(handle: number): string | undefined
  /** @throws {SkynetError} `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`. */
  proxyFor(peer: BorderPeer, key: RemoteKey): RemoteProxy
  /** A peer has sent to a service here, for whose worker that much waits. */
  sent(peer: BorderPeer, key: RemoteKey, handle: number, waitingBytes: number): void
  /** What the border of a peer says to this one. */
  told(peer: BorderPeer, message: Packed): void
  /** @throws What cannot be handed on. */
  published(peer: BorderPeer, message: Packed): void
  /** What cannot be handled, and nobody waits for. */
  complain(peer: BorderPeer, text: string): void
}

/** Of a peer that sends what is none, so much is read to say which. */
const SHOWN_BYTES_MAX = 64 * 1024

export class Incoming {
  readonly #host: IncomingHost
  readonly #inner = new PackedSlot()
  /** Messages that nobody waits for and that were not taken, since somebody asked last. */
  #lost = 0

  constructor(host: IncomingHost) {
    this.#host = host
  }

  takeLost(): number {
    const lost = this.#lost
    this.#lost = 0
    return lost
  }

  /** Who asked is told, as the link waits for no other answer. */
  #noAnswer({ to, session, type }: Packed): void {
    const { router, handleOf } = this.#host
    const info = { at: 0, reason: `an answer of type ${type}`, sent: 'maybe' } as const
    const error = new SkynetError('ERR_MESSAGE_MALFORMED', info)
    router.send(PTYPE.ERROR, handleOf(to), 0, session, error)
  }

  /** A message from `peer`: its `to` is the number of a service here, its source of one there. */
  deliver(peer: BorderPeer, message: Packed): void {
    const { type, to, source, session } = message
    // For the link it is an answer by this byte, whatever stands in the other one.
    const low = type & 0xff
    try {
      if (isAnswerType(low)) {
        if (type === low) this.#answer(peer, message)
        else this.#noAnswer(message)
      } else if (type === PTYPE.SYSTEM && to === 0) this.#host.told(peer, message)
      else if (type === PTYPE.MULTICAST) this.#host.published(peer, message)
      else if ((type & BY_NAME) !== 0) this.#byName(peer, message)
      else this.#request(peer, to, this.#host.handleOf(to), message)
    } catch (error) {
      if (session === 0) this.#host.complain(peer, (error as Error).message)
      else this.#host.outgoing.refused(peer, source, session, error)
    }
  }

  #answer(peer: BorderPeer, { type, to, session, bytes, at, length }: Packed): void {
    const { router, references } = this.#host
    const handle = this.#host.handleOf(to)
    if (!References.areIn(bytes, at, length)) {
      router.sendPacked(type, handle, 0, session, bytes, at, length)
      return
    }
    try {
      router.send(type, handle, 0, session, references.inward(peer, bytes, at, length))
    } catch (error) {
      // Somebody waits for it, and for nothing else.
      router.send(PTYPE.ERROR, handle, 0, session, withSent(error, 'maybe'))
    }
  }

  #byName(peer: BorderPeer, { type, source, session, ms, bytes, at, length }: Packed): void {
    const size = length < 1 ? length : 1 + bytes[at]!
    if (size >= length) throw malformed('a message for a name, cut short')
    const name = bytes.toString('utf8', at + 1, at + size)
    const handle = name.startsWith('.') ? this.#host.handleOf(name) : 0
    if (handle === 0) {
      throw new SkynetError('ERR_NAME_UNKNOWN', { name: `${this.#host.node}${name}` })
    }
    const inner = this.#inner
    inner.set(type & ~BY_NAME, 0, source, session, ms, bytes, at + size, length - size)
    this.#request(peer, name, handle, inner)
  }

  #request(peer: BorderPeer, key: RemoteKey, handle: number, message: Packed): void {
    const { type, source, session, ms } = message
    // Nobody is told that number: who names a service of a third node names it as that one does.
    if (typeof key === 'number' && this.#host.handles.isRemote(handle)) {
      throw this.#missing(handle, message)
    }
    const proxy = source === 0 ? undefined : this.#host.proxyFor(peer, source)
    const from = proxy?.handle ?? 0
    // Before it is passed on: it may be answered, or passed on to a third node, at once.
    if (session !== 0 && proxy !== undefined) {
      ask(proxy, session, handle, this.#host.now() + ms, this.#host.node)
    }
    let isThere = false
    try {
      isThere =
        type === PTYPE.SYSTEM
          ? this.#order(peer, handle, from, message)
          : this.#message(peer, key, handle, from, message)
    } finally {
      if (!isThere && proxy !== undefined) answered(proxy, session)
    }
    if (!isThere) throw this.#missing(handle, message)
  }

  #message(
    peer: BorderPeer,
    key: RemoteKey,
    handle: number,
    from: number,
    message: Packed,
  ): boolean {
    const { type, session, bytes, at, length } = message
    if (!isAdmitted(type, bytes, at, at + length)) throw malformed(`no message of type ${type}`)
    this.#checkOpen(handle, message)
    const { router, references, sent, backlog } = this.#host
    const waiting = router.waitingBytesTo(handle)
    if (session === 0) sent(peer, key, handle, waiting)
    // Who sends may not have heard of it when that was said.
    const limit = session === 0 ? backlog.sends : backlog.requests
    const isFull = session === 0 && this.#host.isFull(handle)
    if (waiting > limit || isFull) return this.#full(key, session, limit)
    if (!References.areIn(bytes, at, length)) {
      return router.sendPacked(type, handle, from, session, bytes, at, length)
    }
    return router.send(type, handle, from, session, references.inward(peer, bytes, at, length))
  }

  /** @throws {SkynetError} `ERR_METHOD_UNKNOWN`. */
  #checkOpen(handle: number, { type, bytes, at, length }: Packed): void {
    const service = this.#host.ownName(handle)
    if (service === undefined) return
    const method = methodIn(type, unpack(bytes, at, length))
    if (isOpen(service, method)) return
    const hint = ' for other nodes'
    throw new SkynetError('ERR_METHOD_UNKNOWN', { service, method, hint })
  }

  /** The worker takes nothing: it runs a handler that does not come to its end, say. */
  #full(key: RemoteKey, session: number, limit: number): true {
    if (session === 0) {
      this.#lost++
      return true
    }
    const { node } = this.#host
    const to = remoteAddress({ node, epoch: 0 }, key)
    throw new SkynetError('ERR_LINK_FULL', { node, to, limit, sent: 'no' })
  }

  #order(peer: BorderPeer, handle: number, from: number, message: Packed): boolean {
    const { session, bytes, at, length } = message
    const { router, handles, references } = this.#host
    const order = orderFor(references.inward(peer, bytes, at, length), handle)
    if (order === undefined) throw malformed('no order, or none for other nodes')
    const home = handles.workerOf(handle)
    if (home < 0) return false
    if (order.order === 'kill' || order.order === 'link') this.#host.checkNotNeeded(handle)
    router.sendToWorker(home, from, session, order)
    return true
  }

  #missing(handle: number, { type, bytes, at, length }: Packed): Error {
    const to = remoteAddress({ node: this.#host.node, epoch: 0 }, handle)
    const method = length > SHOWN_BYTES_MAX ? 'a method' : methodIn(type, unpack(bytes, at, length))
    return new SkynetError('ERR_CALL_DEAD', { to, method, sent: 'no' })
  }
}

/** @param value Admitted as one of that type. */
function methodIn(type: number, value: unknown): string {
  if (type === PTYPE.LUA) return (value as [string])[0]
  if (type !== PTYPE.TRACE) return `type ${type}`
  const [, inner, traced] = value as [string, number, unknown]
  return methodIn(inner, traced)
}

const malformed = (reason: string): Error =>
  new SkynetError('ERR_MESSAGE_MALFORMED', { at: 0, reason })
