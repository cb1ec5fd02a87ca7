/** The first bytes on a connection between two nodes, and the proof that both know the secret. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { CLUSTER_NAME_BYTES_MAX } from '../../base/limits.ts'
import { malformed } from '../../frames/framing.ts'

/** Versions of the packets that this program knows. */
export const PROTOCOL_MIN = 1
export const PROTOCOL_MAX = 1

const MAGIC = 0x534b5443
const NONCE_AT = 6
export const NONCE_BYTES = 32
const INSTANCE_AT = NONCE_AT + NONCE_BYTES
export const INSTANCE_BYTES = 16
const NAMES_AT = INSTANCE_AT + INSTANCE_BYTES
export const PROOF_BYTES = 32

/**
 * Who somebody says he is. Nothing of it is believed before the proof, which is over all its bytes,
 * of both sides.
 */
export interface PeerHello {
  /** Versions of packets that he knows. */
  readonly min: number
  readonly max: number
  /** New for each connection: a proof of an earlier one is worth nothing. */
  readonly nonce: Buffer
  /** Of his process: another one under the same name has another. Hexadecimal. */
  readonly instance: string
  readonly node: string
  readonly cluster: string
}

/**
 * Behind the version range everything may be different in another version: that much is the same in
 * all of them, so that both sides can say why they do not understand each other.
 */
export function helloBytes(hello: PeerHello): Buffer {
  const node = Buffer.from(hello.node)
  const cluster = Buffer.from(hello.cluster)
  const bytes = Buffer.alloc(NAMES_AT + 2 + node.length + cluster.length)
  bytes.writeUInt32BE(MAGIC, 0)
  bytes[4] = hello.min
  bytes[5] = hello.max
  hello.nonce.copy(bytes, NONCE_AT)
  bytes.write(hello.instance, INSTANCE_AT, 'hex')
  const at = putName(bytes, NAMES_AT, node)
  putName(bytes, at, cluster)
  return bytes
}

function putName(bytes: Buffer, at: number, name: Buffer): number {
  bytes[at] = name.length
  name.copy(bytes, at + 1)
  return at + 1 + name.length
}

/** @throws {SkynetError} `ERR_FRAME_MALFORMED`. */
export function readVersions(bytes: Buffer): Pick<PeerHello, 'min' | 'max'> {
  if (bytes.length < NONCE_AT || bytes.readUInt32BE(0) !== MAGIC) throw malformed('no hello')
  return { min: bytes[4]!, max: bytes[5]! }
}

/** @throws {SkynetError} `ERR_FRAME_MALFORMED`. */
export function readHello(bytes: Buffer): PeerHello {
  const { min, max } = readVersions(bytes)
  if (bytes.length < NAMES_AT) throw malformed('a hello without names')
  const node = nameAt(bytes, NAMES_AT)
  const cluster = nameAt(bytes, NAMES_AT + 1 + bytes[NAMES_AT]!)
  const nonce = Buffer.from(bytes.subarray(NONCE_AT, INSTANCE_AT))
  return { min, max, nonce, instance: bytes.toString('hex', INSTANCE_AT, NAMES_AT), node, cluster }
}

function nameAt(bytes: Buffer, at: number): string {
  const length = bytes[at] ?? 0
  const end = at + 1 + length
  if (length === 0 || length > CLUSTER_NAME_BYTES_MAX || end > bytes.length) {
    throw malformed('a hello with a name that is none')
  }
  const name = bytes.toString('utf8', at + 1, end)
  // What it is printed as, compared and sent on would be different bytes.
  if (Buffer.byteLength(name) !== length || name.includes('\ufffd')) {
    throw malformed('a hello with a name that is no UTF-8')
  }
  return name
}

/** Who proves it: so that nobody can send us our own proof back. */
export type Role = 'dial' | 'accept'

/** @param hellos All bytes of both: of who has dialled first. */
export function proofOf(secret: string, role: Role, hellos: readonly Buffer[]): Buffer {
  const hmac = createHmac('sha256', secret).update(`skynet-ts cluster ${role}\n`)
  for (const hello of hellos) hmac.update(lengthOf(hello)).update(hello)
  return hmac.digest()
}

/** The same bytes, cut elsewhere, are other ones. */
function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(length)
  return bytes
}

/** Takes as long whatever is wrong with it. */
export function isProof(given: Buffer, proof: Buffer): boolean {
  return given.length === PROOF_BYTES && timingSafeEqual(given, proof)
}
