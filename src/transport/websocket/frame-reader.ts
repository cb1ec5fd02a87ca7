/** Messages out of the frames of WebSocket, cut anywhere (RFC 6455, 5). It knows no socket. */
import { isUtf8 } from 'node:buffer'
import { isSkynetError, SkynetError } from '../../base/errors.ts'
import { frameTooLarge } from '../../frames/frame-format.ts'
import { malformed } from '../../frames/framing.ts'
import { HalfFrame } from '../../frames/half-frame.ts'
import { frameOf } from '../../sockets/frame-carrier.ts'
import type { Frames } from '../../sockets/stream-reader.ts'
import { CLOSE, closePayload, isOnTheWire } from './close-codes.ts'
import { sendingOf } from './frame-writer.ts'
import { isAscii, mask, rotated } from './mask.ts'
import { CONTROL_BYTES_MAX, CONTROL_MIN, FIN, KNOWN, MASKED, OPCODE, RSV, RSV1 } from './opcodes.ts'
import { Utf8Check } from './utf8-check.ts'

/** What many readers have in common. */
export interface ReadingRules {
  /** Longest message in bytes, inflated; control frames have a limit of their own. */
  readonly messageBytesMax: number
  /** Clients mask, servers do not. `any`: those that nobody demands it of, as Skynet's clients. */
  readonly masks: 'needed' | 'refused' | 'any'
  /** Texts are handed out as bytes too. */
  readonly isBinary: boolean
}

/**
 * Inflates a message.
 *
 * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`, `ERR_FRAME_MALFORMED`, `ERR_INFLATE_RATE`.
 */
export type Inflate = (bytes: Buffer, bytesMax: number) => Buffer

/** Who is told of control frames. The payload is his. */
export interface ControlHost {
  pinged(payload: Buffer): void
  ponged(payload: Buffer): void
}

/** What a peer has said with its close frame. */
export interface PeerClose {
  /** 1005: it has said none. */
  readonly code: number
  readonly reason: string
}

/** What the peer is told, if that is not that it has sent no frame. */
const VIOLATIONS: Readonly<Record<string, number>> = {
  ERR_FRAME_TOO_LARGE: CLOSE.tooLarge,
  ERR_INFLATE_RATE: CLOSE.policy,
}

const NOTHING: Buffer = Buffer.alloc(0)
const HEAD_BYTES_MAX = 14
/** What a small message that is kept may hold back: as any small buffer of Node.js, its pool. */
const SHARED_BYTES = Buffer.allocUnsafe(1).buffer.byteLength
/** What a larger one may: so many times its own size. */
const HELD_BACK_MAX = 16
/** No frame is under way: its header comes next. */
const BETWEEN = -1

/** What is kept of a message, or of a control frame, of which not all has come. */
class Part {
  readonly half = new HalfFrame()
  /** Of a text that comes as it is. */
  readonly utf8: Utf8Check | undefined

  constructor(isText: boolean) {
    this.utf8 = isText ? new Utf8Check() : undefined
  }
}

/**
 * One a stream. What it is given is its own: it is unmasked in its place, and messages are parts of
 * it where they lie in one piece.
 *
 * Every limit is looked at before a byte is kept; memory follows what has come, never what a header
 * promises. After an error it reads no more, and throws that again: `violation` is what the peer is
 * to be told.
 */
export class WebSocketReader implements Frames<string | Buffer> {
  readonly #rules: ReadingRules
  readonly #host: ControlHost
  readonly #inflate: Inflate | undefined
  #chunk = NOTHING
  #at = 0
  /** A header of which not all has come. */
  #head: Buffer | undefined
  #headLength = 0
  // The frame that is under way.
  #first = 0
  #isMasked = false
  #mask = 0
  /** Bytes of its payload that have not come. */
  #left = BETWEEN
  /** First byte of the message that is under way; 0: none is. */
  #messageFirst = 0
  #message: Part | undefined
  #control: Part | undefined
  /** Why it reads no more. */
  failure: SkynetError | undefined
  /** The close code that the peer is to be told after a failure. */
  violation: number | undefined
  /** The peer was told that its service has ended. */
  isAway = false
  /** The peer has closed: nothing behind that is looked at. */
  closed: PeerClose | undefined

  /** @param inflate Undefined: no message may be compressed. */
  constructor(rules: ReadingRules, host: ControlHost, inflate?: Inflate) {
    this.#rules = rules
    this.#host = host
    this.#inflate = inflate
  }

  get isOver(): boolean {
    return this.closed !== undefined
  }

  /** What is inflated or checked so far, and what the peer was told, are here alone. */
  get stays(): boolean {
    return true
  }

  /** That who was here is away: nobody has closed it. The peer is told so. */
  farewell(): Buffer | undefined {
    if (this.isOver || this.failure !== undefined) return undefined
    this.isAway = true
    const { close } = sendingOf(this.#rules.masks === 'refused', 0)
    return frameOf(close, closePayload(CLOSE.away))
  }

  push(chunk: Buffer): void {
    if (this.failure !== undefined || this.isOver) return
    const isRead = this.#at === this.#chunk.length
    this.#chunk = isRead ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk])
    this.#at = 0
  }

  /** The next message; undefined: more must come. @throws {SkynetError} Again and again. */
  next(): string | Buffer | undefined {
    if (this.failure !== undefined) throw this.failure
    try {
      while (this.#at < this.#chunk.length && this.closed === undefined) {
        if (this.#left === BETWEEN && !this.#takeHeader()) break
        const message = this.#takePayload()
        if (message !== undefined) return message
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#letGo()
    return undefined
  }

  /**
   * The stream has ended.
   *
   * @throws {SkynetError} `ERR_FRAME_CUT` in the middle of a message.
   */
  end(): void {
    if (this.failure !== undefined) throw this.failure
    if (this.isOver) return
    const isBetween = this.#left === BETWEEN && this.#headLength === 0 && this.#messageFirst === 0
    if (isBetween && this.#at === this.#chunk.length) return
    const waits = (this.#message ?? this.#control)?.half.length ?? 0
    const received = waits + this.#headLength + this.#chunk.length - this.#at
    this.failure = new SkynetError('ERR_FRAME_CUT', { received })
    throw this.failure
  }

  /** What is in no message so far, and can be told. It is here no more. */
  rest(): Buffer {
    const unread = this.#chunk.subarray(this.#at)
    this.#letGo()
    this.#head = undefined
    this.#headLength = 0
    this.#left = BETWEEN
    this.#messageFirst = 0
    this.#message = undefined
    this.#control = undefined
    return unread
  }

  /** The chunk is used up; whatever is kept of it has it. */
  #letGo(): void {
    this.#chunk = NOTHING
    this.#at = 0
  }

  /** @throws What the peer has done, once and for all. */
  #fail(error: unknown): never {
    this.rest()
    if (!(error instanceof SkynetError)) throw error
    this.violation ??= VIOLATIONS[error.code] ?? CLOSE.protocol
    this.failure = error
    throw error
  }

  /** No text, nothing that can be inflated: the frame itself was one. */
  #isInvalid(reason: string): SkynetError {
    this.violation = CLOSE.invalid
    return malformed(reason)
  }

  // --- headers ---------------------------------------------------------------------------------

  /** @returns False: not all of it has come. */
  #takeHeader(): boolean {
    const chunk = this.#chunk
    if (this.#headLength === 0) {
      const bytes = this.#readHeader(chunk, this.#at, chunk.length)
      this.#at += bytes
      if (bytes > 0) return true
    }
    this.#head ??= Buffer.allocUnsafe(HEAD_BYTES_MAX)
    const before = this.#headLength
    const length = before + chunk.copy(this.#head, before, this.#at)
    const bytes = this.#readHeader(this.#head, 0, length)
    if (bytes === 0) {
      this.#headLength = length
      this.#at = chunk.length
      return false
    }
    this.#headLength = 0
    this.#head = undefined
    this.#at += bytes - before
    return true
  }

  /** @returns Its bytes; 0: not all of it has come. What is wrong is known with its first two. */
  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return 0
    const first = bytes[at]!
    const second = bytes[at + 1]!
    this.#checkHead(first, second)
    const short = second & 0x7f
    const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8
    const isMasked = second >= MASKED
    const headBytes = 2 + lengthBytes + (isMasked ? 4 : 0)
    if (end - at < headBytes) return 0
    const length = lengthBytes === 0 ? short : longLength(bytes, at + 2, lengthBytes)
    this.#first = first
    this.#isMasked = isMasked
    if (isMasked) this.#mask = bytes.readInt32LE(at + headBytes - 4)
    if ((first & 0x0f) < CONTROL_MIN) this.#beginData(first, length)
    this.#left = length
    return headBytes
  }

  /** @throws For what no frame begins with, or none in this place. */
  #checkHead(first: number, second: number): void {
    const opcode = first & 0x0f
    if (!KNOWN[opcode]) throw malformed(`its opcode is ${opcode}`)
    const { masks } = this.#rules
    const isMasked = second >= MASKED
    if (masks === 'needed' && !isMasked) throw malformed('it is not masked')
    if (masks === 'refused' && isMasked) throw malformed('a server has masked it')
    const isCompressed = (first & RSV) === RSV1 && this.#inflate !== undefined
    const isBegin = opcode === OPCODE.text || opcode === OPCODE.binary
    if ((first & RSV) !== 0 && !(isCompressed && isBegin)) throw malformed('a reserved bit is set')
    if (opcode >= CONTROL_MIN) {
      if (first < FIN) throw malformed('a control frame is a fragment')
      if ((second & 0x7f) > CONTROL_BYTES_MAX) throw malformed('a control frame is too long')
      return
    }
    if (isBegin && this.#messageFirst !== 0) throw malformed('a message begins within another one')
    if (!isBegin && this.#messageFirst === 0) throw malformed('a fragment goes on with no message')
  }

  /** A frame of a message begins: does it fit? */
  #beginData(first: number, length: number): void {
    const { messageBytesMax } = this.#rules
    const part = this.#message
    const whole = (part?.half.length ?? 0) + length
    if (whole > messageBytesMax) throw frameTooLarge(whole, messageBytesMax)
    if (this.#messageFirst === 0) this.#messageFirst = first
    // A message that has an end is as long as it says; another one may go on up to the limit.
    if (part !== undefined) part.half.bodyBytes = first >= FIN ? whole : messageBytesMax
  }

  // --- payloads --------------------------------------------------------------------------------

  /** @returns A message, when it is whole now. */
  #takePayload(): string | Buffer | undefined {
    const chunk = this.#chunk
    const from = this.#at
    const to = Math.min(chunk.length, from + this.#left)
    this.#at = to
    this.#left -= to - from
    let seen = -1
    if (this.#isMasked) {
      seen = mask(chunk, from, to, this.#mask)
      if (this.#left > 0) this.#mask = rotated(this.#mask, to - from)
    }
    const first = this.#first
    if ((first & 0x0f) >= CONTROL_MIN) return this.#takeControl(from, to)
    if (this.#left > 0 || first < FIN || this.#message !== undefined) {
      return this.#takePiece(from, to)
    }
    this.#left = BETWEEN
    return this.#whole(from, to, seen)
  }

  /** A message that lies in one piece. */
  #whole(from: number, to: number, seen: number): string | Buffer {
    const first = this.#messageFirst
    this.#messageFirst = 0
    const chunk = this.#chunk
    if ((first & RSV1) !== 0) return this.#inflated(first, chunk.subarray(from, to))
    const isText = (first & 0x0f) === OPCODE.text
    if (isText && seen !== -1 && isAscii(seen) && !this.#rules.isBinary) {
      return chunk.toString('latin1', from, to)
    }
    if (isText && !isUtf8(chunk.subarray(from, to))) throw this.#isInvalid('it is no UTF-8')
    if (isText && !this.#rules.isBinary) return chunk.toString('utf8', from, to)
    return this.#cut(from, to)
  }

  /** Its own part of the chunk, unless that holds back much more than its size. */
  #cut(from: number, to: number): Buffer {
    const chunk = this.#chunk
    const length = to - from
    if (length === 0) return NOTHING
    const { byteLength } = chunk.buffer
    if (byteLength <= SHARED_BYTES || length * HELD_BACK_MAX >= byteLength) {
      return chunk.subarray(from, to)
    }
    const own = Buffer.allocUnsafe(length)
    chunk.copy(own, 0, from, to)
    return own
  }

  /** A piece of a message that does not lie in one. */
  #takePiece(from: number, to: number): string | Buffer | undefined {
    const first = this.#messageFirst
    const isFinal = this.#first >= FIN
    const isPlainText = (first & (RSV1 | 0x0f)) === OPCODE.text
    let part = this.#message
    if (part === undefined) {
      part = new Part(isPlainText)
      part.half.bodyBytes = isFinal ? to - from + this.#left : this.#rules.messageBytesMax
      this.#message = part
    }
    const { half, utf8 } = part
    if (to > from) {
      if (utf8?.add(this.#chunk.subarray(from, to)) === false) {
        throw this.#isInvalid('it is no UTF-8')
      }
      half.add(this.#chunk, from, to)
    }
    if (this.#left > 0) return undefined
    this.#left = BETWEEN
    if (!isFinal) return undefined
    this.#message = undefined
    this.#messageFirst = 0
    const bytes = half.body(half.length)
    if ((first & RSV1) !== 0) return this.#inflated(first, bytes)
    if (utf8?.end() === false) throw this.#isInvalid('its last character is not whole')
    return isPlainText && !this.#rules.isBinary ? bytes.toString() : bytes
  }

  #inflated(first: number, bytes: Buffer): string | Buffer {
    let inflated: Buffer
    try {
      inflated = this.#inflate!(bytes, this.#rules.messageBytesMax)
    } catch (error) {
      if (isSkynetError(error, 'ERR_FRAME_MALFORMED')) this.violation = CLOSE.invalid
      throw error
    }
    if ((first & 0x0f) === OPCODE.binary) return inflated
    if (!isUtf8(inflated)) throw this.#isInvalid('it is no UTF-8')
    return this.#rules.isBinary ? inflated : inflated.toString()
  }

  // --- control frames --------------------------------------------------------------------------

  #takeControl(from: number, to: number): undefined {
    let payload: Buffer
    if (this.#left > 0 || this.#control !== undefined) {
      this.#control ??= new Part(false)
      const { half } = this.#control
      half.bodyBytes = CONTROL_BYTES_MAX
      half.add(this.#chunk, from, to)
      if (this.#left > 0) return undefined
      payload = half.body(half.length)
      this.#control = undefined
    } else payload = this.#chunk.subarray(from, to)
    this.#left = BETWEEN
    const opcode = this.#first & 0x0f
    if (opcode === OPCODE.ping) this.#host.pinged(payload)
    else if (opcode === OPCODE.pong) this.#host.ponged(payload)
    else this.closed = this.#peerClose(payload)
    return undefined
  }

  #peerClose(payload: Buffer): PeerClose {
    if (payload.length === 0) return { code: CLOSE.none, reason: '' }
    if (payload.length === 1) throw malformed('its close code is not whole')
    const code = payload.readUInt16BE(0)
    if (!isOnTheWire(code)) throw malformed(`its close code is ${code}`)
    const reason = payload.subarray(2)
    if (!isUtf8(reason)) throw this.#isInvalid('its reason is no UTF-8')
    return { code, reason: reason.toString() }
  }
}

/** A length of 2 or 8 bytes; it has as few as it needs. */
function longLength(bytes: Buffer, at: number, lengthBytes: number): number {
  if (lengthBytes === 2) {
    const length = bytes.readUInt16BE(at)
    if (length < 126) throw malformed(`its length of ${length} takes 2 bytes`)
    return length
  }
  const high = bytes.readUInt32BE(at)
  if (high > 0x7fffffff) throw malformed('its length has more than 63 bits')
  const length = high * 2 ** 32 + bytes.readUInt32BE(at + 4)
  if (length < 65_536) throw malformed(`its length of ${length} takes 8 bytes`)
  return length
}
