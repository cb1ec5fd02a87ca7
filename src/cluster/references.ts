/**
 * What names services in a message that goes to another node, or has come from one. Whoever reads
 * it there has other handles. On the way a service is
 *
 *   a number    id (24 bits) of a service of the sender; with THEIRS, of the receiver
 *   `.lobby`    who has that local name on the node of the sender
 *   `/.lobby`   the same on the node of the receiver
 *   `c/7/1a`, `c/7/.lobby`   the same on another node: its name, as in a URL, and its epoch; an id
 *               is hexadecimal
 *
 * Only a message whose first byte says that it names services is read for that.
 */
import { SkynetError } from '../base/errors.ts'
import { CLUSTER_NAME_BYTES_MAX, HANDLE_ID_MAX, NAME_BYTES_MAX } from '../base/limits.ts'
import type { Packer } from '../wire/pack.ts'
import { type Binder, ServiceId } from '../wire/service-id.ts'
import { HEAD } from '../wire/tags.ts'
import { unpack } from '../wire/unpack.ts'
import { nameAbroad } from './abroad.ts'
import type { PeerAddress } from './core/transport.ts'
import type { BorderPeer, RemoteKey, RemoteProxy } from './peer.ts'

const THEIRS = 0x1000000
const THIRD = /^([^/]+)\/(\d{1,16})\/(?:([0-9a-f]{1,6})|(\..+))$/s

export interface ReferencesHost {
  /** Undefined: that handle is of a service here, or of none any more. */
  proxyOf(handle: number): RemoteProxy | undefined
  /** @throws {SkynetError} `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`. */
  proxyFor(peer: BorderPeer, key: RemoteKey): RemoteProxy
  /** A third node has named a service: that of its node knows nothing of the proxy. */
  named(proxy: RemoteProxy): void
  /** Undefined: it is dead, or nobody may name another one now. */
  peerAt(address: PeerAddress): BorderPeer | undefined
  readonly self: PeerAddress
  /** The handle of a service here. */
  handleOf(id: number): number
}

/** A handle that no service has. */
const NOBODY = 0

export class References {
  readonly #host: ReferencesHost
  readonly #packer: Packer
  /** Of the message at hand. */
  #peer!: BorderPeer
  readonly #outward: Binder = { bind: (target) => new ServiceId(this.#toWire(target)) }
  readonly #inward: Binder = { bind: (target) => new ServiceId(this.#fromWire(target)) }

  constructor(host: ReferencesHost, packer: Packer) {
    this.#host = host
    this.#packer = packer
  }

  static areIn(bytes: Buffer, at: number, length: number): boolean {
    return length > 0 && (bytes[at]! & HEAD.SERVICES) !== 0
  }

  /**
   * A message as it goes to `peer`: that many bytes of the packer.
   *
   * @param isError Texts in it name services too.
   * @throws {SkynetError} `ERR_MESSAGE_MALFORMED`.
   */
  outward(peer: BorderPeer, bytes: Buffer, at: number, length: number, isError = false): number {
    this.#peer = peer
    const value = unpack(bytes, at, length, this.#outward)
    if (isError) nameAbroad(value, this.#host.self.node)
    return this.#packer.pack(value)
  }

  /**
   * What has come from `peer`, as a value of this node.
   *
   * @throws {SkynetError} `ERR_MESSAGE_MALFORMED`, `ERR_PROXY_LIMIT`, `ERR_SERVICE_LIMIT`.
   */
  inward(peer: BorderPeer, bytes: Buffer, at: number, length: number): unknown {
    this.#peer = peer
    return unpack(bytes, at, length, this.#inward)
  }

  #toWire(target: number | string): number | string {
    if (typeof target === 'string') return target
    const proxy = this.#host.proxyOf(target)
    if (proxy === undefined) {
      const id = target & HANDLE_ID_MAX
      this.#peer.heard.add(id)
      return id
    }
    const { peer, key } = proxy
    if (peer === this.#peer) return typeof key === 'number' ? key | THEIRS : `/${key}`
    const shown = typeof key === 'number' ? key.toString(16) : key
    return `${encodeURIComponent(peer.node)}/${peer.epoch}/${shown}`
  }

  #fromWire(target: number | string): number | string {
    if (typeof target === 'string') return this.#fromText(target)
    if (target < THEIRS) return this.#stand(this.#peer, target)
    if (target - THEIRS > HANDLE_ID_MAX) throw malformed(`a service ${target}`)
    return this.#host.handleOf(target - THEIRS)
  }

  #fromText(target: string): number | string {
    if (target.startsWith('.')) return this.#stand(this.#peer, target)
    if (target.startsWith('/.')) return target.slice(1)
    const [, encoded, digits, hex, name] = THIRD.exec(target) ?? []
    if (encoded === undefined) throw malformed('a service of no node')
    const node = decoded(encoded)
    if (Buffer.byteLength(node) > CLUSTER_NAME_BYTES_MAX) throw malformed('a node of a long name')
    const { self } = this.#host
    const epoch = Number(digits)
    if (node === self.node && epoch === self.epoch) {
      return name ?? this.#host.handleOf(Number.parseInt(hex!, 16))
    }
    const peer = this.#host.peerAt({ node, epoch })
    if (peer === undefined) return NOBODY
    return this.#stand(peer, name ?? Number.parseInt(hex!, 16), this.#host.named)
  }

  #stand(peer: BorderPeer, key: RemoteKey, made?: (proxy: RemoteProxy) => void): number {
    if (key === NOBODY) return NOBODY
    if (typeof key === 'string' && Buffer.byteLength(key) > NAME_BYTES_MAX) {
      throw malformed('a service with a name that is too long')
    }
    const known = peer.proxies.get(key)
    if (known !== undefined) return known.handle
    const proxy = this.#host.proxyFor(peer, key)
    made?.(proxy)
    return proxy.handle
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformed('a node without a name')
  }
}

const malformed = (reason: string): SkynetError =>
  new SkynetError('ERR_MESSAGE_MALFORMED', { at: 0, reason })
