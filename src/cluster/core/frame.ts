/**
 * The bytes that two nodes exchange: frames of version 1, little-endian.
 *
 * ```text
 * frame    0 'S' 'K'   2 version u8   3 kind u8   4 flags u8   5 nothing, 3 bytes
 *          8 epoch of the sender u64   16 its session u32   20 ours, as it knows it u32
 *         24 number of the frame u32   28 bytes consumed u32   32 its clock, ms u32
 *         36 what the kind has
 *
 * DATA    messages, one after the other:
 *          0 type u16   2 bytes of its payload u16   4 to u32   8 source u32
 *         12 deadline u32   16 session u64   24 payload
 * CHUNK   a part of one message that is too long for a frame:
 *          0 type u16   2 nothing u16   4 to u32   8 source u32   12 deadline u32
 *         16 session u64   24 lane u32   28 bytes of the message u32   32 place of the part u32
 *         36 the part
 * CREDIT  nothing: it is there for the number and the bytes consumed of its header
 * HELLO    0 least version u8   1 greatest u8   2 lanes u16   4 window u32   8 assembly u32
 *         12 epoch that is greeted u64   20 why the session before has ended u8   21 nothing, 3
 *         bytes; later versions may append
 * RESET    0 why u8   1 least version u8   2 greatest u8   3 nothing u8
 * BYE     nothing: beyond the bytes consumed of its header nothing has run
 * ```
 *
 * A number counts DATA and CHUNK of a session, from 1 on; in other frames it is that of the next
 * one. Bytes consumed are those of DATA and CHUNK, modulo 2^32. A deadline is a time of the
 * sender's clock, as is the clock of the frame, so that their difference is what is left when the
 * frame leaves; 0: none. HELLO and RESET look like this in every version.
 */
import assert from 'node:assert/strict'
import { LINK_ERROR_BYTES_MAX, LINK_FRAME_BYTES_MAX } from '../../base/limits.ts'

/** Versions of frames that this code speaks. */
export const FRAME_VERSIONS = { min: 1, max: 1 } as const
/** What HELLO and RESET are written in. */
const VERSION_OF_ALL = 1

export const FRAME_KIND = { DATA: 1, CHUNK: 2, CREDIT: 3, HELLO: 4, RESET: 5, BYE: 6 } as const
export type FrameKind = (typeof FRAME_KIND)[keyof typeof FRAME_KIND]

/** Bits. */
export const FRAME_FLAG = {
  /** Of HELLO: we know yours, and need no answer. */
  SETTLED: 1,
  /** Of CREDIT: answer with one. */
  PROBE: 2,
} as const

/** Why a session has ended. The numbers are on the wire: append, never change one. */
export const LINK_END = {
  /** A frame is missing. */
  gap: 1,
  /** Nobody got what we sent. */
  refused: 2,
  /** The transport lost its way. */
  cut: 3,
  /** The peer is not heard any more. */
  suspect: 4,
  /** A frame that means nothing. */
  malformed: 5,
  /** More than the window lets in. */
  credit: 6,
  /** No version that both speak. */
  version: 7,
  /** Meant for another epoch, or from one that is dead. */
  epoch: 8,
  /** The peer has begun anew. */
  peer: 9,
  /** The peer has left in order. */
  bye: 10,
  /** This side was closed. */
  closed: 11,
  /** It takes nothing, and more waits than may. */
  over: 12,
} as const
export type LinkEnd = keyof typeof LINK_END
const END_NAMES = new Map<number, LinkEnd>(
  Object.entries(LINK_END).map(([name, code]) => [code, name as LinkEnd]),
)

/** Types of messages that are answers: PTYPE_RESPONSE and PTYPE_ERROR, by the low byte. */
const RESPONSE = 1
const ERROR = 7
export const isAnswer = (type: number): boolean => {
  const low = type & 0xff
  return low === RESPONSE || low === ERROR
}

/** PTYPE_SYSTEM: what nodes tell each other of services, not what services say. */
const SYSTEM = 4
/** A service has said it, and nobody is told when it is lost: it is no request. */
export const isSend = (type: number, source: number, deadline: number): boolean =>
  deadline === 0 && source !== 0 && (type & 0xff) !== SYSTEM

/** PTYPE_MULTICAST */
const MULTICAST = 2
/**
 * A service has said it to another one, without a session. There is no room for it only where it is
 * said: who has said it is not told any more.
 */
export const isSaid = (type: number, session: number): boolean => {
  const low = type & 0xff
  return session === 0 && low !== SYSTEM && low !== MULTICAST
}
/** Who waits for an answer is told at least why there is none. */
export const isShortError = (type: number, length: number): boolean =>
  (type & 0xff) === ERROR && length <= LINK_ERROR_BYTES_MAX

export const HEADER_BYTES = 36
export const MESSAGE_HEADER_BYTES = 24
export const CHUNK_HEADER_BYTES = 36
const HELLO_BYTES = 24
const RESET_BYTES = 4
/** A longer message goes in chunks. */
export const SMALL_BYTES_MAX = LINK_FRAME_BYTES_MAX - HEADER_BYTES - MESSAGE_HEADER_BYTES
export const CHUNK_BYTES_MAX = LINK_FRAME_BYTES_MAX - HEADER_BYTES - CHUNK_HEADER_BYTES
assert.ok(SMALL_BYTES_MAX <= 0xffff)

const MAGIC = 0x4b53
const AT = {
  version: 2,
  kind: 3,
  flags: 4,
  epoch: 8,
  session: 16,
  yours: 20,
  number: 24,
  consumed: 28,
  clock: 32,
} as const
const UINT32 = 2 ** 32

export const putU64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, (value / UINT32) >>> 0, true)
}

const u64At = (view: DataView, at: number): number => {
  const high = view.getUint32(at + 4, true)
  const low = view.getUint32(at, true)
  return high === 0 ? low : high * UINT32 + low
}

/** What the header of a frame says of its link. */
export interface FrameHead {
  readonly version: number
  readonly epoch: number
  /** Of the sender. */
  readonly session: number
  /** Of who receives it, as the sender knows it. 0: it does not. */
  readonly yours: number
  readonly number: number
  readonly consumed: number
  readonly clock: number
}

export function putHead(view: DataView, kind: FrameKind, flags: number, head: FrameHead): void {
  view.setUint16(0, MAGIC, true)
  view.setUint8(AT.version, head.version)
  view.setUint8(AT.kind, kind)
  view.setUint32(AT.flags, flags, true)
  putU64(view, AT.epoch, head.epoch)
  view.setUint32(AT.session, head.session, true)
  view.setUint32(AT.yours, head.yours, true)
  view.setUint32(AT.number, head.number, true)
  view.setUint32(AT.consumed, head.consumed, true)
  view.setUint32(AT.clock, head.clock, true)
}

/** What a node says of itself when it begins a session. */
export interface Hello {
  readonly versions: { readonly min: number; readonly max: number }
  /** Messages in chunks that it takes at a time, and their bytes together. */
  readonly lanes: number
  readonly assemblyBytes: number
  /** Bytes that may be under way to it. */
  readonly windowBytes: number
  /** Epoch of the node that is greeted. */
  readonly to: number
  /** Why its session before has ended. */
  readonly why: LinkEnd | undefined
}

function newFrame(bytes: number): { readonly bytes: Uint8Array; readonly view: DataView } {
  const frame = new Uint8Array(HEADER_BYTES + bytes)
  return { bytes: frame, view: new DataView(frame.buffer) }
}

export function helloFrame(head: FrameHead, hello: Hello, isSettled: boolean): Uint8Array {
  const { bytes, view } = newFrame(HELLO_BYTES)
  const flags = isSettled ? FRAME_FLAG.SETTLED : 0
  putHead(view, FRAME_KIND.HELLO, flags, { ...head, version: VERSION_OF_ALL })
  const at = HEADER_BYTES
  view.setUint8(at, hello.versions.min)
  view.setUint8(at + 1, hello.versions.max)
  view.setUint16(at + 2, hello.lanes, true)
  view.setUint32(at + 4, hello.windowBytes, true)
  view.setUint32(at + 8, hello.assemblyBytes, true)
  putU64(view, at + 12, hello.to)
  view.setUint8(at + 20, hello.why === undefined ? 0 : LINK_END[hello.why])
  return bytes
}

export function resetFrame(head: FrameHead, why: LinkEnd, versions: Hello['versions']): Uint8Array {
  const { bytes, view } = newFrame(RESET_BYTES)
  putHead(view, FRAME_KIND.RESET, 0, { ...head, version: VERSION_OF_ALL })
  view.setUint8(HEADER_BYTES, LINK_END[why])
  view.setUint8(HEADER_BYTES + 1, versions.min)
  view.setUint8(HEADER_BYTES + 2, versions.max)
  return bytes
}

/** CREDIT, BYE: a header and no more. */
export function bareFrame(
  kind: typeof FRAME_KIND.CREDIT | typeof FRAME_KIND.BYE,
  head: FrameHead,
  flags = 0,
): Uint8Array {
  const { bytes, view } = newFrame(0)
  putHead(view, kind, flags, head)
  return bytes
}

/** What the header of a message says, in DATA as in a CHUNK. */
export interface MessageHead {
  readonly type: number
  readonly to: number
  readonly source: number
  /** 0: no answer is wanted. */
  readonly session: number
  /** Time of the sender's clock, cut to 32 bits. 0: none. */
  readonly deadline: number
}

/** The numbers one by one: an object for each message would be garbage. */
export function putMessageHead(
  view: DataView,
  at: number,
  type: number,
  length: number,
  to: number,
  source: number,
  session: number,
  deadline: number,
): void {
  view.setUint16(at, type, true)
  view.setUint16(at + 2, length, true)
  view.setUint32(at + 4, to, true)
  view.setUint32(at + 8, source, true)
  view.setUint32(at + 12, deadline, true)
  putU64(view, at + 16, session)
}

export function putChunkHead(
  view: DataView,
  at: number,
  message: MessageHead,
  part: { readonly lane: number; readonly total: number; readonly offset: number },
): void {
  const { type, to, source, session, deadline } = message
  putMessageHead(view, at, type, 0, to, source, session, deadline)
  view.setUint32(at + 24, part.lane, true)
  view.setUint32(at + 28, part.total, true)
  view.setUint32(at + 32, part.offset, true)
}

/** Why bytes are no frame. */
export type FrameFault = 'short' | 'long' | 'magic' | 'version' | 'kind' | 'chunk'

const NO_VERSIONS = { min: 0, max: 0 } as const
const NO_HELLO: Hello = {
  versions: NO_VERSIONS,
  lanes: 0,
  assemblyBytes: 0,
  windowBytes: 0,
  to: 0,
  why: undefined,
}
const NOTHING = new Uint8Array(0)

/** The message at which a reader is, or the chunk. */
export class FramedMessage implements MessageHead {
  type = 0
  to = 0
  source = 0
  session = 0
  deadline = 0
  /** Where its payload lies, of a chunk its part. */
  from = 0
  length = 0
  /** Of a chunk. */
  lane = 0
  total = 0
  offset = 0

  /** @param view Its header begins at `at`, and is there. */
  read(view: DataView, at: number): void {
    this.type = view.getUint16(at, true)
    this.to = view.getUint32(at + 4, true)
    this.source = view.getUint32(at + 8, true)
    this.deadline = view.getUint32(at + 12, true)
    this.session = u64At(view, at + 16)
  }
}

/**
 * Reads one frame after the other, whatever bytes they are; makes nothing for the messages in them.
 * Its fields are those of the last frame. It changes no byte.
 */
export class FrameReader implements FrameHead {
  version = 0
  kind = 0
  flags = 0
  epoch = 0
  session = 0
  yours = 0
  number = 0
  consumed = 0
  clock = 0
  /** What a HELLO says. */
  hello = NO_HELLO
  /** What a RESET says. */
  why: LinkEnd = 'malformed'
  versions: Hello['versions'] = NO_VERSIONS

  readonly message = new FramedMessage()
  #memory: ArrayBufferLike = NOTHING.buffer
  #view: DataView = new DataView(NOTHING.buffer)
  #base = 0
  #next = 0
  #end = 0

  /**
   * Begin with the frame in `at` … `end` of `bytes`. Of DATA the messages come one by one, from
   * `next()`; places are those in `bytes`.
   *
   * @returns Why it is none, or undefined.
   */
  read(bytes: Uint8Array, at: number, end: number): FrameFault | undefined {
    const { buffer, byteOffset } = bytes
    // Bytes come again and again in the same memory.
    if (buffer !== this.#memory) {
      this.#memory = buffer
      this.#view = new DataView(buffer)
    }
    const view = this.#view
    const head = byteOffset + at
    const length = end - at
    this.#base = byteOffset
    this.#next = this.#end = 0
    if (length < HEADER_BYTES) return 'short'
    if (length > LINK_FRAME_BYTES_MAX) return 'long'
    if (view.getUint16(head, true) !== MAGIC) return 'magic'
    this.version = view.getUint8(head + AT.version)
    this.kind = view.getUint8(head + AT.kind)
    this.flags = view.getUint8(head + AT.flags)
    this.epoch = u64At(view, head + AT.epoch)
    this.session = view.getUint32(head + AT.session, true)
    this.yours = view.getUint32(head + AT.yours, true)
    this.number = view.getUint32(head + AT.number, true)
    this.consumed = view.getUint32(head + AT.consumed, true)
    this.clock = view.getUint32(head + AT.clock, true)
    if (this.version < FRAME_VERSIONS.min || this.version > FRAME_VERSIONS.max) return 'version'
    this.#next = head + HEADER_BYTES
    // Messages are in DATA alone.
    this.#end = this.kind === FRAME_KIND.DATA ? byteOffset + end : this.#next
    return this.#readKind(length - HEADER_BYTES)
  }

  #readKind(length: number): FrameFault | undefined {
    switch (this.kind) {
      case FRAME_KIND.DATA:
      case FRAME_KIND.CREDIT:
      case FRAME_KIND.BYE:
        return undefined
      case FRAME_KIND.CHUNK:
        return this.#readChunk(length)
      case FRAME_KIND.HELLO:
        return length < HELLO_BYTES ? 'short' : this.#readHello()
      case FRAME_KIND.RESET:
        return length < RESET_BYTES ? 'short' : this.#readReset()
      default:
        return 'kind'
    }
  }

  /** The next message of DATA. False: there is none, or `isBroken`. */
  next(): boolean {
    const at = this.#next
    const from = at + MESSAGE_HEADER_BYTES
    if (from > this.#end) return false
    const view = this.#view
    const length = view.getUint16(at + 2, true)
    if (from + length > this.#end) return false
    this.message.read(view, at)
    this.message.from = from - this.#base
    this.message.length = length
    this.#next = from + length
    return true
  }

  /** The messages of DATA do not end where the frame does. */
  get isBroken(): boolean {
    return this.#next !== this.#end
  }

  #readChunk(length: number): FrameFault | undefined {
    if (length <= CHUNK_HEADER_BYTES) return 'short'
    const { message } = this
    const at = this.#next
    const view = this.#view
    message.read(view, at)
    message.lane = view.getUint32(at + 24, true)
    message.total = view.getUint32(at + 28, true)
    message.offset = view.getUint32(at + 32, true)
    message.from = at + CHUNK_HEADER_BYTES - this.#base
    message.length = length - CHUNK_HEADER_BYTES
    return message.offset + message.length > message.total ? 'chunk' : undefined
  }

  #readHello(): undefined {
    const at = this.#next
    const view = this.#view
    this.hello = {
      versions: { min: view.getUint8(at), max: view.getUint8(at + 1) },
      lanes: view.getUint16(at + 2, true),
      windowBytes: view.getUint32(at + 4, true),
      assemblyBytes: view.getUint32(at + 8, true),
      to: u64At(view, at + 12),
      why: END_NAMES.get(view.getUint8(at + 20)),
    }
  }

  #readReset(): undefined {
    const at = this.#next
    const view = this.#view
    this.why = END_NAMES.get(view.getUint8(at)) ?? 'malformed'
    this.versions = { min: view.getUint8(at + 1), max: view.getUint8(at + 2) }
  }
}
