/** What goes to a peer: messages of services as they are packed, and what the border says. */
import { isSkynetError, SkynetError } from '../base/errors.ts'
import { HANDLE_ID_MAX } from '../base/limits.ts'
import type { OrderAbout } from '../service/orders.ts'
import { afterHandler, sendable, withSent } from '../service/sendable.ts'
import type { Packer } from '../wire/pack.ts'
import { isAnswerType, PTYPE } from '../wire/ptype.ts'
import type { BorderControl } from './control.ts'
import { FENCED, type FencedOwner, fenced } from './fencing.ts'
import { Losses, type LossReason } from './losses.ts'
import { type Packed, PackedSlot } from './packed.ts'
import type { BorderPeer, RemoteKey } from './peer.ts'
import { References } from './references.ts'

/** Why a message did not leave: the link has no room, or the peer is no member (any more). */
export type Unposted = 'full' | 'down'

/** The links to all peers. */
export interface BorderLinks {
  /**
   * Undefined: it will leave, or whoever waits for its answer is told.
   *
   * @param peer The object that has come as a member.
   */
  post(peer: BorderPeer['address'], message: Packed): Unposted | undefined
  /** Bytes that may wait for one peer. */
  readonly queueBytesMax: number
}

/**
 * Of the type of a message for who has a local name: in front of it stands that name, and before
 * that its length, a byte.
 */
export const BY_NAME = 0x100
/** What a large message has needed is not kept. */
const NAMED_BYTES_KEPT = 64 * 1024

/** It is for a channel, which stands in front of it. */
const PUBLICATION = { type: PTYPE.MULTICAST, to: 0, session: 0, ms: 0, isGiven: true } as const

export interface OutgoingHost {
  readonly links: BorderLinks
  readonly references: References
  /** That of the references. */
  readonly packer: Packer
  readonly callTimeoutMs: number
  /** What a service here owns in the cluster; undefined: nothing. */
  ownerOf(source: number): FencedOwner | undefined
  /** A request of a service here does not leave. */
  refuse(source: number, session: number, error: Error): void
}

export class BorderOutgoing {
  readonly #host: OutgoingHost
  readonly #slot = new PackedSlot()
  /** Messages that nobody waits for and that did not leave. */
  readonly #losses = new Losses()
  #named = Buffer.alloc(0)
  /** An error goes in the place of an answer. */
  #isTelling = false

  constructor(host: OutgoingHost) {
    this.#host = host
  }

  /** A line for each node and reason, since somebody asked last. */
  takeLost(): readonly string[] {
    return this.#losses.take()
  }

  /** What a service here has said to a node will not leave. */
  lost(node: string, type: number, source: number): void {
    if (source !== 0 && type !== PTYPE.SYSTEM) this.#losses.add(node, 'down')
  }

  /** A message of a service here, whose source is its handle. Its `to` is not looked at. False: it
   * does not leave, and who waits for its answer is told. */
  message(peer: BorderPeer, key: RemoteKey, message: Packed): boolean {
    const { bytes, at, length } = message
    const isError = message.type === PTYPE.ERROR
    if (!isError && !References.areIn(bytes, at, length)) {
      return this.#post(peer, key, message, bytes, at, length)
    }
    const { references, packer } = this.#host
    let size: number
    try {
      size = references.outward(peer, bytes, at, length, isError)
    } catch (error) {
      this.#unsent(peer, key, 'unsendable', message, withSent(error, 'no') as Error)
      return false
    }
    return this.#post(peer, key, message, packer.bytes, 0, size)
  }

  order(
    peer: BorderPeer,
    key: RemoteKey,
    source: number,
    session: number,
    order: OrderAbout,
  ): void {
    this.#packed(peer, key, PTYPE.SYSTEM, source, session, order)
  }

  /** False: it does not leave. */
  control(peer: BorderPeer, control: BorderControl): boolean {
    return !peer.isDown && this.#packed(peer, 0, PTYPE.SYSTEM, 0, 0, control)
  }

  /** What has been published here. @param front Stands before it. */
  published(peer: BorderPeer, front: Buffer, source: number, given: Buffer): void {
    if (peer.isDown) return
    const { references, packer } = this.#host
    let bytes = given
    let size = given.length
    if (References.areIn(given, 0, size)) {
      try {
        size = references.outward(peer, given, 0, size)
      } catch {
        this.#losses.add(peer.node, 'unsendable')
        return
      }
      bytes = packer.bytes
    }
    const whole = Buffer.allocUnsafe(front.length + size)
    front.copy(whole)
    bytes.copy(whole, front.length, 0, size)
    const message = { ...PUBLICATION, source, bytes: whole, at: 0, length: whole.length }
    this.#post(peer, 0, message, whole, 0, whole.length)
  }

  /** The request of a service of the peer fails. */
  error(peer: BorderPeer, to: number, session: number, error: unknown): void {
    if (session !== 0) this.#packed(peer, to, PTYPE.ERROR, 0, session, sendable(error))
  }

  /** The same, and no handler has run, nor will. */
  refused(peer: BorderPeer, to: number, session: number, error: unknown): void {
    this.error(peer, to, session, withoutStack(withSent(error, 'no')))
  }

  #packed(
    peer: BorderPeer,
    key: RemoteKey,
    type: number,
    source: number,
    session: number,
    value: unknown,
  ): boolean {
    const { packer } = this.#host
    const length = packer.pack(value)
    const message = { type, to: 0, source, session, ms: 0, bytes: packer.bytes, at: 0, length }
    return this.message(peer, key, message)
  }

  #post(
    peer: BorderPeer,
    key: RemoteKey,
    message: Packed,
    bytes: Buffer,
    at: number,
    length: number,
  ): boolean {
    const { links, callTimeoutMs } = this.#host
    const { type, source, session } = message
    const id = source & HANDLE_ID_MAX
    if (id !== 0) peer.heard.add(id)
    const isRequest = session !== 0 && !isAnswerType(type)
    const ms = isRequest ? message.ms || callTimeoutMs : 0
    const slot = this.#slot
    // What names services was written anew, into memory that is used again.
    const isGiven = message.isGiven === true && bytes === message.bytes
    if (typeof key === 'number') slot.set(type, key, id, session, ms, bytes, at, length, isGiven)
    else {
      const size = this.#wrap(key, bytes, at, length)
      slot.set(type | BY_NAME, 0, id, session, ms, this.#named, 0, size)
    }
    const owner = this.#host.ownerOf(source)
    if (owner !== undefined) {
      const whole = fenced(owner, slot.bytes, slot.at, slot.length)
      slot.set(slot.type | FENCED, slot.to, id, session, ms, whole, 0, whole.length)
    }
    const reason = peer.isMember ? links.post(peer.address, slot) : 'down'
    if (this.#named.length > NAMED_BYTES_KEPT) this.#named = Buffer.alloc(0)
    if (reason === undefined) return true
    this.#unsent(peer, key, reason, message, this.#error(peer, reason))
    return false
  }

  /** Who waits for an answer that does not leave is told why: that is short, and leaves. */
  #unanswered(peer: BorderPeer, to: number, session: number, error: Error): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.error(peer, to, session, withoutStack(afterHandler(error)))
    this.#isTelling = false
  }

  #wrap(name: string, bytes: Buffer, at: number, length: number): number {
    const size = Buffer.byteLength(name)
    const whole = 1 + size + length
    if (this.#named.length < whole) this.#named = Buffer.allocUnsafeSlow(whole)
    const named = this.#named
    named[0] = size
    named.write(name, 1)
    bytes.copy(named, 1 + size, at, at + length)
    return whole
  }

  #error({ node, epoch }: BorderPeer, reason: Unposted): Error {
    const { queueBytesMax: limit } = this.#host.links
    if (reason === 'full') return new SkynetError('ERR_LINK_FULL', { node, limit, sent: 'no' })
    return new SkynetError('ERR_NODE_LOST', { node, epoch, sent: 'no' })
  }

  #unsent(peer: BorderPeer, key: RemoteKey, why: LossReason, message: Packed, error: Error): void {
    const { type, source, session } = message
    if (session !== 0 && !isAnswerType(type)) this.#host.refuse(source, session, error)
    else if (isAnswerType(type) && why !== 'down')
      this.#unanswered(peer, key as number, session, error)
    else if (source !== 0 && type !== PTYPE.SYSTEM) this.#losses.add(peer.node, why)
  }
}

/** Of a stack of this worker nobody there has any use, and a peer may ask for many errors. */
function withoutStack(error: unknown): unknown {
  if (isSkynetError(error)) error.stack = error.message
  return error
}
