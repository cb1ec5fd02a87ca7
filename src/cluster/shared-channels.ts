/**
 * Channels that several nodes have. Each is at home on the node that made it. A node that has
 * opened it has a *mirror*: a channel of its own, to the services there an ordinary one. What is
 * published on either is passed on to the other, so it comes once to each node, however many
 * subscribers it has there:
 *
 *   service of b ─▶ mirror ─▶ border of b ═▶ border of a ─▶ channel at home ─▶ subscribers on a
 *                     └▶ subscribers on b           ╚═▶ border of c ─▶ mirror ─▶ subscribers on c
 *
 * Home is told of each node that opens it, and tells them of its end. After a link was reset each
 * side says again what it has. What was published meanwhile is lost.
 *
 * In front of a message stand whose number it has, a byte, and that number (f64).
 */
import { SkynetError } from '../base/errors.ts'
import { CHANNELS_MAX } from '../base/limits.ts'
import { Context } from '../kernel/context.ts'
import type { Multicast } from '../kernel/multicast.ts'
import type { Packer } from '../wire/pack.ts'
import { UNBOUND } from '../wire/service-id.ts'
import type { BorderControl } from './control.ts'
import type { BorderOutgoing } from './outgoing.ts'
import type { Packed } from './packed.ts'
import type { BorderPeer, MirroredChannel } from './peer.ts'
import { References } from './references.ts'

/** A channel that has been opened here or elsewhere. */
interface SharedChannel {
  /** As services here call it. */
  readonly id: number
  /** Undefined: its home is here. */
  readonly home: MirroredChannel | undefined
  /** Those that have opened it, if its home is here. */
  readonly others: Set<BorderPeer>
}

export interface SharedChannelsHost {
  readonly multicast: Multicast
  readonly references: References
  /** That of the references. */
  readonly packer: Packer
  readonly outgoing: Pick<BorderOutgoing, 'control' | 'published'>
  /** The handle of a service of a peer. @throws {SkynetError} `ERR_PROXY_LIMIT` … */
  sourceOf(peer: BorderPeer, id: number): number
}

/** Whose number a channel has in a message. */
const OURS = 0
const YOURS = 1
const FRONT_BYTES = 9
/** It has a forwarder. */
const NOBODY = { receive: (): void => {}, ...UNBOUND }
/** Who publishes, or deletes, when no service does. */
const NO_SERVICE = 0

export class SharedChannels {
  readonly #host: SharedChannelsHost
  /** What has subscribed for other nodes. */
  readonly #context: Context
  /** By their numbers here. */
  readonly #all = new Map<number, SharedChannel>()
  readonly #front = Buffer.alloc(FRONT_BYTES)

  constructor(host: SharedChannelsHost) {
    this.#host = host
    this.#context = new Context(0, 'other nodes', NOBODY, {
      forward: (_to, _type, source, channel, _ms, bytes) => this.#heard(channel, source, bytes),
    })
  }

  /** End what one before has left: its mirrors, of which nothing comes any more. */
  endMirrors(): void {
    const { multicast } = this.#host
    for (const id of multicast.channels.mirrors()) {
      multicast.delete(id, NO_SERVICE)
      multicast.channels.setMirror(id, false)
    }
  }

  has(id: number): boolean {
    return this.#host.multicast.channels.has(id)
  }

  /** Where the home of a channel is, and what it is called there. Undefined: here. */
  homeOf(id: number): { readonly peer: BorderPeer; readonly id: number } | undefined {
    return this.#all.get(id)?.home
  }

  /** The mirror of a channel of that peer, if it is there. */
  mirrorOf(peer: BorderPeer, id: number): number | undefined {
    const home = peer.channels?.get(id)
    return home === undefined || home.isEnded ? undefined : home.mirror
  }

  /**
   * Open a channel of a peer: from now on there is a mirror. That the channel is there is for the
   * peer to say, behind this.
   *
   * @throws {SkynetError} `ERR_CHANNEL_LIMIT`, `ERR_CHANNEL_UNKNOWN`.
   */
  open(peer: BorderPeer, id: number): number {
    const { multicast } = this.#host
    peer.channels ??= new Map()
    const known = peer.channels.get(id)
    if (known?.isEnded === true) {
      throw new SkynetError('ERR_CHANNEL_UNKNOWN', { channel: String(id) })
    }
    if (known !== undefined) return known.mirror
    const mirror = multicast.channels.create()
    multicast.channels.setMirror(mirror, true)
    multicast.join(mirror, this.#context)
    const home: MirroredChannel = { peer, id, mirror, isEnded: false }
    peer.channels.set(id, home)
    this.#all.set(mirror, { id: mirror, home, others: new Set() })
    this.#say(peer, ['openChannel', id])
    return mirror
  }

  /** It was not there, or nobody knows: no mirror of it is left. */
  close(peer: BorderPeer, id: number): void {
    if (!this.#endMirror(peer, id)) return
    this.#say(peer, ['closeChannel', id])
  }

  // --- what services here do ---------------------------------------------------------------------

  #heard(channel: number, source: number, bytes: Buffer): void {
    const shared = this.#all.get(channel)
    if (shared === undefined) return
    if (bytes.length > 0) this.#pass(shared, source, bytes, undefined)
    else this.#deleted(shared)
  }

  /** To all nodes that have it, but for the one it came from. */
  #pass({ id, home, others }: SharedChannel, source: number, bytes: Buffer, from?: BorderPeer) {
    const { outgoing } = this.#host
    const front = this.#front
    front[0] = home === undefined ? OURS : YOURS
    front.writeDoubleLE(home?.id ?? id, 1)
    if (home !== undefined && home.peer !== from) {
      outgoing.published(home.peer, front, source, bytes)
    }
    for (const peer of others) {
      if (peer !== from) outgoing.published(peer, front, source, bytes)
    }
  }

  #deleted({ id, home, others }: SharedChannel): void {
    const { multicast } = this.#host
    this.#all.delete(id)
    for (const peer of others) this.#sayEnd(peer, id)
    if (home === undefined) return
    multicast.channels.setMirror(id, false)
    home.isEnded = true
    this.#say(home.peer, ['endChannel', home.id])
  }

  // --- what peers say ----------------------------------------------------------------------------

  /**
   * A service of a peer has published something.
   *
   * @throws {SkynetError} `ERR_MESSAGE_MALFORMED`, `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`.
   */
  published(peer: BorderPeer, { source, bytes, at, length }: Packed): void {
    const { multicast, sourceOf } = this.#host
    if (length <= FRONT_BYTES) throw malformed('what was published, cut short')
    const given = bytes.readDoubleLE(at + 1)
    const id = bytes[at] === YOURS ? given : this.mirrorOf(peer, given)
    // It has ended while this was on its way.
    if (id === undefined || !this.has(id)) return
    const packed = this.#repacked(peer, bytes, at + FRONT_BYTES, length - FRONT_BYTES)
    const handle = source === NO_SERVICE ? NO_SERVICE : sourceOf(peer, source)
    multicast.publishPacked(id, handle, packed, this.#context)
    const shared = this.#all.get(id)
    if (shared !== undefined) this.#pass(shared, handle, packed, peer)
  }

  /** As it is called here; read in any case, as subscribers take what they get for a value. */
  #repacked(peer: BorderPeer, bytes: Buffer, at: number, length: number): Buffer {
    const { references, packer } = this.#host
    const value = references.inward(peer, bytes, at, length)
    if (!References.areIn(bytes, at, length)) return Buffer.from(bytes.subarray(at, at + length))
    const size = packer.pack(value)
    return Buffer.from(packer.bytes.subarray(0, size))
  }

  told(peer: BorderPeer, control: ChannelControl): void {
    if (control[0] === 'openChannel') this.#opened(peer, control[1])
    else if (control[0] === 'closeChannel') this.#closed(peer, control[1])
    else if (control[0] === 'endChannel') this.#end(peer, control[1])
    else if (control[0] === 'channels') this.#resume(peer, new Set(control[1]))
    else for (const id of control[1]) this.#endMirror(peer, id)
  }

  #opened(peer: BorderPeer, id: number): void {
    const shared = this.#all.get(id) ?? this.#share(id)
    if (shared === undefined || shared.home !== undefined) {
      this.#sayEnd(peer, id)
    } else shared.others.add(peer)
  }

  #share(id: number): SharedChannel | undefined {
    if (!this.#host.multicast.join(id, this.#context)) return undefined
    const shared = { id, home: undefined, others: new Set<BorderPeer>() }
    this.#all.set(id, shared)
    return shared
  }

  #closed(peer: BorderPeer, id: number): void {
    const shared = this.#all.get(id)
    if (shared?.others.delete(peer) !== true || shared.others.size > 0) return
    this.#all.delete(id)
    this.#host.multicast.leave(id, this.#context)
  }

  /** A service of the peer has deleted a channel of ours. */
  #end(peer: BorderPeer, id: number): void {
    const { multicast } = this.#host
    if (this.homeOf(id) === undefined) multicast.delete(id, NO_SERVICE)
    // Also when it had ended before, or that node was not known to have it.
    this.#sayEnd(peer, id)
  }

  /** All that a peer has open. */
  #resume(peer: BorderPeer, ids: ReadonlySet<number>): void {
    for (const { id, others } of [...this.#all.values()]) {
      if (others.has(peer) && !ids.has(id)) this.#closed(peer, id)
    }
    for (const id of ids) this.#opened(peer, id)
  }

  /** False: there is none. */
  #endMirror(peer: BorderPeer, id: number): boolean {
    const home = peer.channels?.get(id)
    if (home === undefined) return false
    peer.channels!.delete(id)
    // A service here has deleted it.
    if (home.isEnded) return true
    const { multicast } = this.#host
    this.#all.delete(home.mirror)
    multicast.delete(home.mirror, NO_SERVICE)
    multicast.channels.setMirror(home.mirror, false)
    return true
  }

  // --- telling them ------------------------------------------------------------------------------

  #say(peer: BorderPeer, control: ChannelControl): void {
    if (!this.#host.outgoing.control(peer, control)) peer.hasUntold = true
  }

  #sayEnd(peer: BorderPeer, id: number): void {
    if (this.#host.outgoing.control(peer, ['channelsEnded', [id]])) return
    peer.untoldEnds ??= new Set()
    if (peer.untoldEnds.size < CHANNELS_MAX) peer.untoldEnds.add(id)
  }

  /** Ends that found no room on the link are told again. */
  sweep(peer: BorderPeer): void {
    const { untoldEnds } = peer
    if (untoldEnds === undefined) return
    if (this.#host.outgoing.control(peer, ['channelsEnded', [...untoldEnds]])) {
      peer.untoldEnds = undefined
    }
  }

  // --- peers and links ---------------------------------------------------------------------------

  /** A link has begun: what its peer was told before may be lost. */
  tellAgain(peer: BorderPeer): void {
    if (peer.channels === undefined) return
    const open: number[] = []
    for (const { id, isEnded } of peer.channels.values()) {
      if (isEnded) this.#say(peer, ['endChannel', id])
      else open.push(id)
    }
    this.#say(peer, ['channels', open])
  }

  /** Its epoch is over; or ours, and it knows nothing of what it had open here. */
  forget(peer: BorderPeer): void {
    for (const { id } of [...this.#all.values()]) this.#closed(peer, id)
  }

  down(peer: BorderPeer): void {
    this.forget(peer)
    for (const id of [...(peer.channels?.keys() ?? [])]) this.#endMirror(peer, id)
  }
}

/** What borders say of channels. */
export type ChannelControl = Extract<
  BorderControl,
  readonly ['openChannel' | 'closeChannel' | 'endChannel' | 'channels' | 'channelsEnded', unknown]
>

const malformed = (reason: string): Error =>
  new SkynetError('ERR_MESSAGE_MALFORMED', { at: 0, reason })
