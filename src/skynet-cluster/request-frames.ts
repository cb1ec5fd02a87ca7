/**
 * What a node of Skynet asks of another one, as bytes: each frame is a length of two bytes, the
 * high one first, and a body. All other numbers have the low byte first.
 */
/** A request of so many bytes goes in parts, and so does an answer of more. */
export const PART_BYTES = 32_768
/** In front of each body. */
export const LENGTH_BYTES = 2
/** Of a name, as one byte tells its length. */
export const TARGET_BYTES_MAX = 255

/** To whom: a handle, or a name (`@db`, `.db`, `:0000000a`). Handle 0 asks for a name. */
export type Target = number | string

/** Whom a request is for, and whether it is to be answered. */
export interface RequestHead {
  readonly target: Target
  /** It is not answered. */
  readonly isPush: boolean
}

export type RequestFrame =
  | ({ readonly kind: 'request'; readonly session: number; readonly message: Buffer } & RequestHead)
  | ({ readonly kind: 'begin'; readonly session: number; readonly total: number } & RequestHead)
  | { readonly kind: 'part' | 'last'; readonly session: number; readonly message: Buffer }
  | { readonly kind: 'trace'; readonly tag: Buffer }

/** The first byte of a body. */
const TYPE = { PART: 0x02, LAST: 0x03, TRACE: 0x04 } as const
const NAMED = 0x80

type Head = { readonly kind: 'request' | 'begin'; readonly isPush: boolean }
const CUT = 'a frame that ends too early'

/** By the first byte, less `NAMED`. */
const HEADS: Readonly<Record<number, Head>> = {
  0: { kind: 'request', isPush: false },
  1: { kind: 'begin', isPush: false },
  65: { kind: 'begin', isPush: true },
}
/** The same of what has only a session. */
const PARTS: Readonly<Record<number, 'part' | 'last'>> = {
  [TYPE.PART]: 'part',
  [TYPE.LAST]: 'last',
}

/**
 * The frame with this body, which is a part of it; or what is wrong with it. No error is thrown: a
 * peer may send tens of thousands of bad frames in a packet, and an error costs more than all else.
 */
export function parseRequest(body: Buffer): RequestFrame | string {
  if (body.length === 0) return 'a frame without a type'
  const type = body[0]!
  if (type === TYPE.TRACE) return { kind: 'trace', tag: body.subarray(1) }
  const kind = PARTS[type]
  if (kind !== undefined) {
    if (body.length < 5) return CUT
    return { kind, session: body.readUInt32LE(1), message: body.subarray(5) }
  }
  const head = HEADS[type & ~NAMED]
  if (head === undefined) return `a frame of type ${type}`
  return readHead(body, head, (type & NAMED) !== 0)
}

function readHead(body: Buffer, { kind, isPush }: Head, isNamed: boolean): RequestFrame | string {
  const at = isNamed ? 2 + (body[1] ?? 0) : 5
  if (body.length < at + 4) return CUT
  const target = isNamed ? body.toString('utf8', 2, at) : body.readUInt32LE(1)
  const session = body.readUInt32LE(at)
  const rest = at + 4
  if (kind === 'request') {
    return { kind, target, session, isPush: session === 0, message: body.subarray(rest) }
  }
  // As there: behind the total of a handle nothing may stand.
  const isWhole = isNamed ? body.length >= rest + 4 : body.length === rest + 4
  if (!isWhole) return 'a begin of a message of another size'
  return { kind, target, session, isPush, total: body.readUInt32LE(rest) }
}

/**
 * A request that fits into one frame.
 *
 * @param session 0: a push.
 * @param tag Of the trace that it is part of: a frame of its own, in front.
 */
export function packRequest(
  target: Target,
  session: number,
  message: Uint8Array,
  tag: string | undefined,
): Buffer {
  const { frame, at } = begin(0x00, target, message.length, tag)
  frame.writeUInt32LE(session, at)
  frame.set(message, at + 4)
  return frame
}

/** What says that a message of `total` bytes follows in parts. */
export function packBegin(
  { target, isPush }: RequestHead,
  session: number,
  total: number,
  tag: string | undefined,
): Buffer {
  const { frame, at } = begin(isPush ? 0x41 : 0x01, target, 4, tag)
  frame.writeUInt32LE(session, at)
  frame.writeUInt32LE(total, at + 4)
  return frame
}

/** A frame up to its session. @param rest Bytes behind that. */
function begin(
  type: number,
  target: Target,
  rest: number,
  tag: string | undefined,
): { readonly frame: Buffer; readonly at: number } {
  const isNamed = typeof target === 'string'
  const nameBytes = isNamed ? Buffer.byteLength(target) : 0
  const headBytes = isNamed ? 2 + nameBytes : 5
  const traceBytes = tag === undefined ? 0 : LENGTH_BYTES + 1 + Buffer.byteLength(tag)
  const body = headBytes + 4 + rest
  const frame = Buffer.allocUnsafe(traceBytes + LENGTH_BYTES + body)
  if (tag !== undefined) putTrace(frame, tag, traceBytes)
  frame.writeUInt16BE(body, traceBytes)
  const at = traceBytes + LENGTH_BYTES
  frame[at] = isNamed ? type | NAMED : type
  if (isNamed) {
    frame[at + 1] = nameBytes
    frame.write(target, at + 2)
  } else frame.writeUInt32LE(target, at + 1)
  return { frame, at: at + headBytes }
}

function putTrace(frame: Buffer, tag: string, bytes: number): void {
  frame.writeUInt16BE(bytes - LENGTH_BYTES)
  frame[LENGTH_BYTES] = TYPE.TRACE
  frame.write(tag, LENGTH_BYTES + 1)
}

/** A part of a message: bytes of it. */
export function packPart(session: number, bytes: Uint8Array, isLast: boolean): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + 5 + bytes.length)
  frame.writeUInt16BE(5 + bytes.length)
  frame[2] = isLast ? TYPE.LAST : TYPE.PART
  frame.writeUInt32LE(session, 3)
  frame.set(bytes, 7)
  return frame
}
