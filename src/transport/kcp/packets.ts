/**
 * What is said around KCP on the same port: a handshake, pings, a move, an end. Numbers are little
 * endian, as KCP has them. The first byte of a packet is its kind.
 *
 *     hello    kind │ magic 4 │ version │ nonce 8 │ zeros up to 64
 *     cookie   kind │ version │ nonce 8 │ cookie 20
 *     open     kind │ magic 4 │ version │ nonce 8 │ cookie 20 │ mtu 2 │ zeros up to 64
 *     accept   kind │ version │ nonce 8 │ conv 4 │ token 8 (up) │ token 8 (down) │ mtu 2
 *                   │ keepAliveMs 4 │ idleTimeoutMs 4
 *     refuse   kind │ version │ nonce 8 │ why
 *     data     kind │ token 8 │ segments of KCP, of which each begins with conv
 *     ping     kind │ token 8 │ conv 4 │ zeros up to 40
 *     pong     kind │ token 8 │ conv 4
 *     prove    kind │ token 8 │ conv 4 │ cookie 20
 *     proof    kind │ token 8 │ conv 4 │ cookie 20
 *     close    kind │ token 8 │ conv 4 │ sentUpTo 4 │ code 2 │ reason
 *     closed   kind │ token 8 │ conv 4
 *
 * Whoever sends from an address that is not proven gets no more bytes than he has sent: hello and
 * open are padded, and no answer to them is longer; a ping is no shorter than the question for a
 * proof.
 */
import { CLOSE_REASON_BYTES_MAX } from '../../base/limits.ts'
import { read32, write32 } from './segment.ts'

export const VERSION = 1
const MAGIC = 0x314b_5453

export const PACKET_KIND = {
  hello: 0x01,
  cookie: 0x02,
  open: 0x03,
  accept: 0x04,
  refuse: 0x05,
  data: 0x10,
  ping: 0x11,
  pong: 0x12,
  prove: 0x13,
  proof: 0x14,
  close: 0x15,
  closed: 0x16,
} as const

/** Why somebody is not let in: the words of the error that he gets. */
export const REFUSALS = [
  '',
  'it is full',
  'it turns you away',
  'it lets nobody in',
  'version',
] as const
export const WHY = { full: 1, turnedAway: 2, closed: 3, version: 4 } as const

export const GREETING_NONCE_BYTES = 8
export const COOKIE_BYTES = 20
/** Of hello and open: exactly. */
export const GREETING_BYTES = 64
/** In front of the segments. */
export const DATA_HEAD_BYTES = 9
const CONV_AT = 9
const CONTROL_BYTES = 13
const PING_BYTES = 40
export const ADDRESS_PROOF_BYTES = CONTROL_BYTES + COOKIE_BYTES
const CLOSE_HEAD_BYTES = 19
const NONCE_AT = { client: 6, server: 2 }
const ACCEPT_BYTES = 40

/** 64 bits that nobody can guess: whoever sends them is the peer. */
export interface Token {
  readonly low: number
  readonly high: number
}

export const readToken = (bytes: Uint8Array, at: number): Token => ({
  low: read32(bytes, at),
  high: read32(bytes, at + 4),
})

/** Is it the token of that packet? It takes as long when it is not. */
export function hasToken(packet: Uint8Array, { low, high }: Token): boolean {
  return ((read32(packet, 1) ^ low) | (read32(packet, 5) ^ high)) === 0
}

/** Of which conversation is that packet? Undefined: too short, or of none. */
export const convOf = (packet: Uint8Array): number | undefined =>
  packet.length >= CONTROL_BYTES && packet[0]! >= PACKET_KIND.data
    ? read32(packet, CONV_AT)
    : undefined

/** Writes what stands in front of everything within a conversation. */
export function writeFront(bytes: Uint8Array, kind: number, { low, high }: Token): void {
  bytes[0] = kind
  write32(bytes, 1, low)
  write32(bytes, 5, high)
}

// --- the handshake -------------------------------------------------------------------------------

function greeting(kind: number, nonce: Uint8Array): Buffer {
  const bytes = Buffer.alloc(GREETING_BYTES)
  bytes[0] = kind
  write32(bytes, 1, MAGIC)
  bytes[5] = VERSION
  bytes.set(nonce, NONCE_AT.client)
  return bytes
}

const OPEN_COOKIE_AT = NONCE_AT.client + GREETING_NONCE_BYTES
const OPEN_MTU_AT = OPEN_COOKIE_AT + COOKIE_BYTES

export const kcpHelloBytes = (nonce: Uint8Array): Buffer => greeting(PACKET_KIND.hello, nonce)

export function openBytes(nonce: Uint8Array, cookie: Uint8Array, mtu: number): Buffer {
  const bytes = greeting(PACKET_KIND.open, nonce)
  bytes.set(cookie, OPEN_COOKIE_AT)
  bytes.writeUInt16LE(mtu, OPEN_MTU_AT)
  return bytes
}

/** What a stranger says. Its parts lie in the packet. */
export interface ClientGreeting {
  readonly version: number
  readonly nonce: Buffer
  /** Absent: a hello. */
  readonly open: { readonly cookie: Buffer; readonly mtu: number } | undefined
}

/** Undefined: it is neither a hello nor an open. */
export function readGreeting(packet: Buffer): ClientGreeting | undefined {
  const kind = packet[0]
  if (packet.length !== GREETING_BYTES || read32(packet, 1) !== MAGIC) return undefined
  if (kind !== PACKET_KIND.hello && kind !== PACKET_KIND.open) return undefined
  const nonce = packet.subarray(NONCE_AT.client, OPEN_COOKIE_AT)
  const version = packet[5]!
  if (kind === PACKET_KIND.hello) return { version, nonce, open: undefined }
  const cookie = packet.subarray(OPEN_COOKIE_AT, OPEN_MTU_AT)
  return { version, nonce, open: { cookie, mtu: packet.readUInt16LE(OPEN_MTU_AT) } }
}

function answer(kind: number, nonce: Uint8Array, bytes: number): Buffer {
  const packet = Buffer.alloc(NONCE_AT.server + GREETING_NONCE_BYTES + bytes)
  packet[0] = kind
  packet[1] = VERSION
  packet.set(nonce, NONCE_AT.server)
  return packet
}

const ANSWER_AT = NONCE_AT.server + GREETING_NONCE_BYTES

export function cookieBytes(nonce: Uint8Array, cookie: Uint8Array): Buffer {
  const packet = answer(PACKET_KIND.cookie, nonce, COOKIE_BYTES)
  packet.set(cookie, ANSWER_AT)
  return packet
}

export function refuseBytes(nonce: Uint8Array, why: number): Buffer {
  const packet = answer(PACKET_KIND.refuse, nonce, 1)
  packet[ANSWER_AT] = why
  return packet
}

/** What both agree on. */
export interface Agreement {
  readonly conv: number
  /** In what the client sends. */
  readonly up: Token
  /** In what the server sends. */
  readonly down: Token
  /** Longest packet, whole. */
  readonly mtu: number
  readonly keepAliveMs: number
  readonly idleTimeoutMs: number
}

export function acceptBytes(nonce: Uint8Array, agreed: Agreement): Buffer {
  const packet = answer(PACKET_KIND.accept, nonce, ACCEPT_BYTES - ANSWER_AT)
  packet.writeUInt32LE(agreed.conv, 10)
  packet.writeUInt32LE(agreed.up.low, 14)
  packet.writeUInt32LE(agreed.up.high, 18)
  packet.writeUInt32LE(agreed.down.low, 22)
  packet.writeUInt32LE(agreed.down.high, 26)
  packet.writeUInt16LE(agreed.mtu, 30)
  packet.writeUInt32LE(agreed.keepAliveMs, 32)
  packet.writeUInt32LE(agreed.idleTimeoutMs, 36)
  return packet
}

/** What a server answers. */
export type ServerAnswer =
  | { readonly kind: 'cookie'; readonly cookie: Buffer }
  | { readonly kind: 'accept'; readonly agreed: Agreement }
  | { readonly kind: 'refuse'; readonly why: number }

/** @param nonce Of the greeting: undefined is returned for what answers another one. */
export function readServerAnswer(packet: Buffer, nonce: Uint8Array): ServerAnswer | undefined {
  if (packet.length < ANSWER_AT || packet[1] !== VERSION) return undefined
  if (!packet.subarray(NONCE_AT.server, ANSWER_AT).equals(nonce)) return undefined
  const rest = packet.length - ANSWER_AT
  if (packet[0] === PACKET_KIND.cookie && rest === COOKIE_BYTES) {
    return { kind: 'cookie', cookie: packet.subarray(ANSWER_AT) }
  }
  if (packet[0] === PACKET_KIND.refuse && rest === 1)
    return { kind: 'refuse', why: packet[ANSWER_AT]! }
  if (packet[0] !== PACKET_KIND.accept || packet.length !== ACCEPT_BYTES) return undefined
  const agreed = {
    conv: packet.readUInt32LE(10),
    up: readToken(packet, 14),
    down: readToken(packet, 22),
    mtu: packet.readUInt16LE(30),
    keepAliveMs: packet.readUInt32LE(32),
    idleTimeoutMs: packet.readUInt32LE(36),
  }
  return { kind: 'accept', agreed }
}

// --- within a conversation -----------------------------------------------------------------------

function control(kind: number, token: Token, conv: number, bytes: number): Buffer {
  const packet = Buffer.alloc(bytes)
  writeFront(packet, kind, token)
  write32(packet, CONV_AT, conv)
  return packet
}

export const pingBytes = (token: Token, conv: number): Buffer =>
  control(PACKET_KIND.ping, token, conv, PING_BYTES)

export const pongBytes = (token: Token, conv: number): Buffer =>
  control(PACKET_KIND.pong, token, conv, CONTROL_BYTES)

export const closedBytes = (token: Token, conv: number): Buffer =>
  control(PACKET_KIND.closed, token, conv, CONTROL_BYTES)

export function proofBytes(
  kind: typeof PACKET_KIND.prove | typeof PACKET_KIND.proof,
  token: Token,
  conv: number,
  cookie: Uint8Array,
): Buffer {
  const packet = control(kind, token, conv, ADDRESS_PROOF_BYTES)
  packet.set(cookie, CONTROL_BYTES)
  return packet
}

/** Of prove and proof. Undefined: there is none. */
export const cookieOf = (packet: Buffer): Buffer | undefined =>
  packet.length === ADDRESS_PROOF_BYTES ? packet.subarray(CONTROL_BYTES) : undefined

/** How a peer ends. */
export interface Close {
  /** The number behind the last segment that it has sent: who has all before it has everything. */
  readonly sentUpTo: number
  /** 0: none was given. */
  readonly code: number
  readonly reason: string
}

export function closeBytes(token: Token, conv: number, close: Close): Buffer {
  const reason = Buffer.from(close.reason)
  const packet = control(PACKET_KIND.close, token, conv, CLOSE_HEAD_BYTES + reason.length)
  packet.writeUInt32LE(close.sentUpTo, CONTROL_BYTES)
  packet.writeUInt16LE(close.code, CONTROL_BYTES + 4)
  packet.set(reason, CLOSE_HEAD_BYTES)
  return packet
}

export function readClose(packet: Buffer): Close | undefined {
  const { length } = packet
  if (length < CLOSE_HEAD_BYTES || length > CLOSE_HEAD_BYTES + CLOSE_REASON_BYTES_MAX)
    return undefined
  return {
    sentUpTo: packet.readUInt32LE(CONTROL_BYTES),
    code: packet.readUInt16LE(CONTROL_BYTES + 4),
    reason: packet.toString('utf8', CLOSE_HEAD_BYTES),
  }
}
