/**
 * How two ends of a connection come to trust each other: both say hello, who has dialled proves
 * that it knows the secret, and then who was dialled does. A state machine that knows no socket.
 */
import { randomBytes } from 'node:crypto'
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { malformed } from '../../frames/framing.ts'
import {
  helloBytes,
  isProof,
  NONCE_BYTES,
  type PeerHello,
  PROTOCOL_MAX,
  PROTOCOL_MIN,
  proofOf,
  type Role,
  readHello,
  readVersions,
} from './hello.ts'
import { PACKET, type PacketKind } from './packets.ts'

/** What a node says of itself. */
export interface Identity {
  readonly node: string
  readonly cluster: string
  /** Empty: none. Then the node listens on loopback only. */
  readonly secret: string
  /** Of this process. */
  readonly instance: string
}

/** Why a side does not go on: the byte of a refusal, which tells the other side. */
export const REFUSAL = {
  version: 1,
  cluster: 2,
  secret: 3,
  self: 4,
  name: 5,
  /** Of its certificate: it is none, or not of the name that it says. */
  tls: 6,
  expired: 7,
  untrusted: 8,
  unnamed: 9,
  revoked: 10,
  unlisted: 11,
} as const
type Refusal = keyof typeof REFUSAL

/** Of two ends one talks TLS: as the other one sees it. */
export const ONE_TLS = {
  theirs: "it talks TLS, and this node does not: give both 'tls', or neither",
  ours: "it does not talk TLS, and this node does: give both 'tls', or neither",
} as const

const REASONS: Readonly<Record<number, string>> = {
  [REFUSAL.cluster]: 'it says that it is of another cluster',
  [REFUSAL.secret]: 'it says that the secrets differ',
  [REFUSAL.self]: 'it is this node itself',
  [REFUSAL.tls]: ONE_TLS.theirs,
  [REFUSAL.expired]: 'it says that the certificate of this node is not good now: its log says why',
  [REFUSAL.untrusted]:
    "it says that nobody of its 'tls.ca' has signed the certificate of this node",
  [REFUSAL.unnamed]: 'it says that the certificate of this node has another name',
  [REFUSAL.revoked]: 'it says that the certificate of this node is revoked',
  [REFUSAL.unlisted]:
    "it says that its 'tls.crl' cannot tell of the certificate of this node: its log says why",
}

/** Why somebody is not let in, whatever he can prove. */
export interface Doubt {
  readonly refusal: Refusal
  readonly reason: string
}

export interface HandshakeHost {
  /** The other end, for people. */
  readonly address: string
  say(kind: PacketKind, body: Uint8Array): void
  /** There is a connection to that process, so that another one would be of no use. */
  isConnected(peer: PeerHello): boolean
  /** What his certificate says against it that he is that node. */
  doubt(peer: PeerHello): Doubt | undefined
}

/** `more`: another packet must come. `known`: it is given up, see `isConnected`. */
export type Progress = 'more' | 'done' | 'known'

export class PeerHandshake {
  readonly #role: Role
  readonly #identity: Identity
  readonly #host: HandshakeHost
  readonly #own: Buffer
  #theirs: Buffer | undefined
  #peer: PeerHello | undefined

  constructor(role: Role, identity: Identity, host: HandshakeHost) {
    this.#role = role
    this.#identity = identity
    this.#host = host
    const nonce = randomBytes(NONCE_BYTES)
    this.#own = helloBytes({ min: PROTOCOL_MIN, max: PROTOCOL_MAX, nonce, ...identity })
    if (role === 'dial') host.say(PACKET.hello, this.#own)
  }

  /** Who is there. Not to be believed before `done`. */
  get peer(): PeerHello | undefined {
    return this.#peer
  }

  /**
   * @throws {SkynetError} `ERR_CLUSTER_AUTH`, `ERR_CLUSTER_VERSION`: the other side was told.
   * `ERR_FRAME_MALFORMED`.
   */
  take(kind: number, bytes: Buffer, at: number, end: number): Progress {
    const body = bytes.subarray(at, end)
    if (kind === PACKET.refusal) throw this.#refusedBy(body[0] ?? 0)
    if (kind === PACKET.hello && this.#theirs === undefined) return this.#hello(Buffer.from(body))
    if (kind === PACKET.proof && this.#theirs !== undefined) return this.#proof(body, this.#theirs)
    throw malformed(`a packet of kind ${kind} in a handshake`)
  }

  #hello(theirs: Buffer): Progress {
    const versions = readVersions(theirs)
    this.#theirs = theirs
    // Also who is refused learns what we are: then both sides can say what is wrong.
    if (this.#role === 'accept') this.#host.say(PACKET.hello, this.#own)
    if (versions.max < PROTOCOL_MIN || versions.min > PROTOCOL_MAX) throw this.#version(versions)
    const peer = readHello(theirs)
    this.#peer = peer
    const doubt = this.#host.doubt(peer)
    if (doubt !== undefined) throw this.#refused(doubt.refusal, doubt.reason)
    const { cluster, instance, node } = this.#identity
    if (peer.cluster !== cluster) {
      throw this.#refused('cluster', `it is of cluster '${peer.cluster}', and we of '${cluster}'`)
    }
    if (peer.instance === instance) throw this.#refused('self', 'it is this node itself')
    if (peer.node === node) throw this.#named()
    if (this.#role === 'accept') return 'more'
    if (this.#host.isConnected(peer)) return 'known'
    this.#host.say(PACKET.proof, this.#proofOf('dial', theirs))
    return 'more'
  }

  #proof(given: Buffer, theirs: Buffer): Progress {
    if (this.#peer === undefined) throw malformed('a proof before a hello')
    const other = this.#role === 'dial' ? 'accept' : 'dial'
    if (!isProof(given, this.#proofOf(other, theirs))) {
      throw this.#refused('secret', 'it does not know our secret')
    }
    if (this.#role === 'accept') this.#host.say(PACKET.proof, this.#proofOf('accept', theirs))
    return 'done'
  }

  #proofOf(role: Role, theirs: Buffer): Buffer {
    const hellos = this.#role === 'dial' ? [this.#own, theirs] : [theirs, this.#own]
    return proofOf(this.#identity.secret, role, hellos)
  }

  #version({ min, max }: Pick<PeerHello, 'min' | 'max'>): SkynetError {
    this.#host.say(PACKET.refusal, Buffer.of(REFUSAL.version))
    const ours = `${PROTOCOL_MIN}..${PROTOCOL_MAX}`
    const { address } = this.#host
    return new SkynetError('ERR_CLUSTER_VERSION', { node: address, ours, theirs: `${min}..${max}` })
  }

  #refused(refusal: Refusal, reason: string): SkynetError {
    this.#host.say(PACKET.refusal, Buffer.of(REFUSAL[refusal]))
    return this.#auth(reason)
  }

  /** Both have the same name, and both live. */
  #named(): SkynetError {
    this.#host.say(PACKET.refusal, Buffer.of(REFUSAL.name))
    return this.#taken()
  }

  #taken(): SkynetError {
    const { address } = this.#host
    return new SkynetError('ERR_NODE_NAME_TAKEN', { node: this.#identity.node, address })
  }

  #refusedBy(refusal: number): SkynetError {
    if (refusal === REFUSAL.name) return this.#taken()
    return this.#auth(REASONS[refusal] ?? 'it refuses, and does not say why')
  }

  #auth(reason: string): SkynetError {
    return new SkynetError('ERR_CLUSTER_AUTH', { address: this.#host.address, reason })
  }
}

/** Somebody has to change a config before the two let each other in. */
export const isRefusal = (error: unknown): error is SkynetError =>
  isSkynetError(error, 'ERR_CLUSTER_AUTH') ||
  isSkynetError(error, 'ERR_CLUSTER_VERSION') ||
  isSkynetError(error, 'ERR_NODE_NAME_TAKEN')
