/**
 * Frames between nodes, over one connection for each pair of them. Who makes it is always the same
 * side: of a pair with the seed the other one, else the one whose name comes first. So there are
 * never two that meet; the side that waits looks now and then whether the other one is there.
 */

import { isSkynetError } from '../../base/errors.ts'
import { type HostPort, isLoopbackHost, readHostPort } from '../../base/host-port.ts'
import { CLUSTER_RETRY_MS, CLUSTER_UNREACHED_MS } from '../../base/limits.ts'
import { messageOf } from '../../base/thrown.ts'
import { malformed } from '../../frames/framing.ts'
import type {
  ClusterSelf,
  ClusterTransport,
  NodeRecord,
  PeerAddress,
  TransportEvents,
} from '../core/transport.ts'
import { isRefusal } from './handshake.ts'
import type { TcpNet } from './net.ts'
import { PACKET } from './packets.ts'
import type { TcpPeer } from './peer.ts'
import type { PacketUser } from './peers.ts'
import type { Route } from './route.ts'

interface Known {
  readonly record: NodeRecord
  readonly route: Route | undefined
  /** When the first of the tries failed of which none has come to anything since. */
  unreachedFrom: number | undefined
  /** That was told. */
  isMissed: boolean
}

const EPOCH_BYTES = 8
/** Of a transport that was closed. */
const NOBODY: TransportEvents = {
  frame() {},
  beat() {},
  writable() {},
  refused() {},
  reset() {},
  restored() {},
}

export class TcpTransport implements ClusterTransport, PacketUser {
  events!: TransportEvents
  readonly #net: TcpNet
  /** The name of the seed: undefined while nobody has told it. */
  readonly #seedNode: () => string | undefined
  /** As a packet: our epoch. */
  #self: Buffer | undefined
  readonly #known = new Map<string, Known>()
  readonly takes: PacketUser['takes'] = {
    [PACKET.self]: (...packet) => this.#named(...packet),
    [PACKET.frame]: (peer, bytes, at, end) => {
      if (peer.address !== undefined) this.events.frame(peer.address, bytes, at, end)
    },
    [PACKET.beat]: (_, bytes, at, end) => {
      const beat = bytes.subarray(at, end)
      if (this.#isSeed) this.#echo(beat)
      this.events.beat(beat)
    },
    [PACKET.echo]: (_, bytes, at, end) => this.events.beat(bytes.subarray(at, end)),
  }

  constructor(net: TcpNet, seedNode: () => string | undefined) {
    this.#net = net
    this.#seedNode = seedNode
    net.peers.use(this)
  }

  get #isSeed(): boolean {
    return this.#net.rules.seed === undefined
  }

  async open(): Promise<readonly string[]> {
    await this.#net.listen()
    return [this.#net.address]
  }

  start({ epoch }: ClusterSelf): void {
    this.#self = Buffer.alloc(EPOCH_BYTES)
    this.#self.writeDoubleLE(epoch)
    for (const peer of this.#net.peers.all) peer.say(PACKET.self, this.#self)
  }

  peerKnown(record: NodeRecord): void {
    const { node, epoch } = record
    const { identity } = this.#net.rules
    if (node === identity.node || node === this.#seedNode()) return
    const old = this.#known.get(node)
    if (old?.record.epoch === epoch && isSame(old.record, record)) return
    old?.route?.stop()
    const route = this.#routeTo(record)
    this.#known.set(node, { record, route, unreachedFrom: undefined, isMissed: false })
    const isOurs = identity.node < node && !this.#isSeed
    if (route !== undefined) this.#net.host.fork(() => route.run(isOurs ? 0 : CLUSTER_RETRY_MS))
  }

  peerGone({ node, epoch }: PeerAddress): void {
    const peer = this.#net.peers.to({ node, epoch })
    if (peer !== undefined) peer.address = undefined
    const known = this.#known.get(node)
    if (known?.record.epoch !== epoch) return
    known.route?.stop()
    this.#known.delete(node)
  }

  #routeTo(record: NodeRecord): Route | undefined {
    const places = this.#placesOf(record)
    if (places.length === 0) return undefined
    const { node, epoch } = record
    const to: PeerAddress = { node, epoch }
    const failed = (error: unknown): void => this.#failed(to, error)
    const { rules, peers } = this.#net
    if (rules.identity.node < node && !this.#isSeed) return this.#net.dial(places, failed)
    return this.#net.probe(places, () => peers.to(to), failed)
  }

  #placesOf({ node, addresses }: NodeRecord): readonly HostPort[] {
    const { places, isOpen } = this.#net.rules
    const place = places.get(node)
    if (place !== undefined) return [place]
    const told = addresses.map((each) => readHostPort(each, 1)).filter((each) => each !== undefined)
    // Anybody on this machine may say where we should connect to.
    return isOpen ? told.filter(({ host }) => isLoopbackHost(host)) : told
  }

  /** Nobody listens there: what waits for it was never sent. */
  #failed(to: PeerAddress, error: unknown): void {
    if (this.#net.isClosed) return
    if (isRefused(error)) this.events.refused(to)
    if (isRefusal(error)) this.#net.host.error(`cluster: ${error.message}`)
    else this.#missed(to, error)
  }

  /** Also by way of the seed it is no secret that it lives: only people can mend the way to it. */
  #missed({ node, epoch }: PeerAddress, error: unknown): void {
    const known = this.#known.get(node)
    if (known?.record.epoch !== epoch || known.isMissed) return
    const { host } = this.#net
    known.unreachedFrom ??= host.now()
    if (host.now() - known.unreachedFrom < CLUSTER_UNREACHED_MS) return
    known.isMissed = true
    host.error(`cluster: cannot reach node ${node}, which is a member: ${messageOf(error)}`)
  }

  #reached({ node, epoch }: PeerAddress): void {
    const known = this.#known.get(node)
    if (known?.record.epoch !== epoch) return
    if (known.isMissed) this.#net.host.log(`cluster: node ${node} is reached again`)
    known.unreachedFrom = undefined
    known.isMissed = false
  }

  send(to: PeerAddress, frame: Uint8Array): boolean {
    return this.#net.peers.to(to)?.send(PACKET.frame, frame) === true
  }

  /** To everybody who is connected; from the seed it comes back, and goes on to all others. */
  beat(frame: Uint8Array): void {
    for (const peer of this.#net.peers.all) peer.send(PACKET.beat, frame)
    if (!this.#isSeed) return
    const own = Buffer.from(frame)
    this.#net.host.fork(() => this.events.beat(own))
  }

  #echo(beat: Uint8Array): void {
    for (const peer of this.#net.peers.all) peer.send(PACKET.echo, beat)
  }

  async close(): Promise<void> {
    this.events = NOBODY
    for (const { route } of this.#known.values()) route?.stop()
    this.#known.clear()
    await this.#net.close()
  }

  // --- as it hears of peers ----------------------------------------------------------------------

  entered(peer: TcpPeer): void {
    if (this.#self !== undefined) peer.say(PACKET.self, this.#self)
  }

  drained({ address }: TcpPeer): void {
    if (address !== undefined) this.events.writable(address)
  }

  left({ address }: TcpPeer): void {
    if (address !== undefined) this.events.reset(address)
  }

  /** A node has joined, or joined again: then what went to it before is of another life. */
  #named(peer: TcpPeer, bytes: Buffer, at: number, end: number): void {
    const epoch = end - at === EPOCH_BYTES ? bytes.readDoubleLE(at) : 0
    if (!Number.isSafeInteger(epoch) || epoch < 1) throw malformed('an epoch that is none')
    const { address } = peer
    if (address?.epoch === epoch) return
    peer.address = { node: peer.hello!.node, epoch }
    this.#reached(peer.address)
    if (address !== undefined) this.events.reset(address)
    this.events.writable(peer.address)
  }
}

const isSame = (a: NodeRecord, b: NodeRecord): boolean => a.addresses.join() === b.addresses.join()

/** The reason begins with the name of the errno, on every system. */
const isRefused = (error: unknown): boolean =>
  isSkynetError(error, 'ERR_CONNECT') && error.info.reason.startsWith('ECONNREFUSED')
