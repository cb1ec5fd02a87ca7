/**
 * permessage-deflate (RFC 7692): off unless asked for. No context is kept between messages, in
 * either direction: a stream costs nothing for it, and work is done in one call.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { SkynetError } from '../../base/errors.ts'
import { WEBSOCKET_DEFLATE_BYTES } from '../../base/limits.ts'
import { inflatedSmall } from './inflate-small.ts'
import { countInflated } from './inflate-turns.ts'

const NAME = 'permessage-deflate'
/** How every compressed message ends, which is not sent. */
const TAIL = Buffer.of(0, 0, 0xff, 0xff)
/** The same, and the end of it all: a message that is not whole has none. */
const ENDS = Buffer.of(...TAIL, 3, 0)
/** zlib makes raw streams with a window of 2^9 at least. */
const WINDOW_BITS = { min: 9, max: 15 }
/** What is longer has codes of its own. */
const SMALL_BYTES = 512
/** Small, and so fast to set up: a message has no use for more. */
const MEM_LEVEL = 5
const LEVEL = 1

/** What both sides have agreed on. */
export interface Deflate {
  /** Of the window that the peer inflates with: 9..15. */
  readonly windowBits: number
}

/** Parameters of one offer, or of an answer. A flag is true. */
type Params = ReadonlyMap<string, string | true>

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/

/**
 * The extensions of a header, each with its parameters. Undefined for what is none, and for a
 * parameter that comes twice.
 */
export function extensionsOf(header: string): readonly (readonly [string, Params])[] | undefined {
  const extensions: [string, Params][] = []
  for (const each of header.split(',')) {
    const [name = '', ...rest] = each.split(';').map((part) => part.trim())
    if (!TOKEN.test(name)) return undefined
    const params = new Map<string, string | true>()
    for (const part of rest) {
      const at = part.indexOf('=')
      const key = at < 0 ? part : part.slice(0, at).trimEnd()
      const value = at < 0 ? true : unquoted(part.slice(at + 1).trimStart())
      if (!TOKEN.test(key) || params.has(key)) return undefined
      if (value !== true && !TOKEN.test(value)) return undefined
      params.set(key, value)
    }
    extensions.push([name, params])
  }
  return extensions
}

const unquoted = (value: string): string =>
  value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value

/** Bits of a window as a parameter has them; undefined for what has none, or others. */
function bitsOf(value: string | true | undefined): number | undefined {
  if (typeof value !== 'string' || !/^(8|9|1[0-5])$/.test(value)) return undefined
  return Number(value)
}

/** The offer of a client. */
export const OFFER = `${NAME}; client_no_context_takeover; server_no_context_takeover`

/**
 * What a server answers to the extensions that a client offers: the first offer that can be kept.
 * Undefined: none, the messages are not compressed.
 */
export function acceptOffer(
  header: string | undefined,
): (Deflate & { readonly answer: string }) | undefined {
  for (const [name, params] of extensionsOf(header ?? '') ?? []) {
    const windowBits = name === NAME ? windowOf(params) : undefined
    if (windowBits === undefined) continue
    const isAsked = params.has('server_max_window_bits')
    const bits = isAsked ? `; server_max_window_bits=${windowBits}` : ''
    const answer = `${NAME}; server_no_context_takeover; client_no_context_takeover${bits}`
    return { windowBits, answer }
  }
  return undefined
}

/** Undefined: this offer has what nobody knows, or a window too small for zlib. */
function windowOf(params: Params): number | undefined {
  let windowBits = WINDOW_BITS.max
  for (const [key, value] of params) {
    if (key === 'server_max_window_bits') {
      const bits = bitsOf(value)
      if (bits === undefined || bits < WINDOW_BITS.min) return undefined
      windowBits = bits
    } else if (key === 'client_max_window_bits') {
      if (value !== true && bitsOf(value) === undefined) return undefined
    } else if (!NO_TAKEOVER.includes(key) || value !== true) return undefined
  }
  return windowBits
}

const NO_TAKEOVER = ['server_no_context_takeover', 'client_no_context_takeover']

/**
 * What a server has made of our offer. Undefined: it takes none.
 *
 * @returns Also what is wrong with it, as a string.
 */
export function agreedDeflate(header: string | undefined): Deflate | string | undefined {
  if (header === undefined || header.trim() === '') return undefined
  const extensions = extensionsOf(header)
  if (extensions?.length !== 1 || extensions[0]![0] !== NAME) return 'other extensions than asked'
  const params = extensions[0]![1]
  for (const [key, value] of params) {
    const isFlag = NO_TAKEOVER.includes(key) && value === true
    const isWindow = key === 'server_max_window_bits' && bitsOf(value) !== undefined
    if (!isFlag && !isWindow) return `its parameter ${key}`
  }
  if (!params.has('server_no_context_takeover')) return 'a context that is kept'
  return { windowBits: WINDOW_BITS.max }
}

/**
 * A message, compressed, when that makes it shorter.
 *
 * @returns Undefined: send it as it is.
 */
export function deflated(
  { windowBits }: Deflate,
  message: string | Uint8Array,
): Buffer | undefined {
  const bytes = typeof message === 'string' ? Buffer.from(message) : message
  if (bytes.length < WEBSOCKET_DEFLATE_BYTES) return undefined
  const out = deflateRawSync(bytes, {
    level: LEVEL,
    memLevel: MEM_LEVEL,
    windowBits,
    chunkSize: pieceBytes(bytes.length),
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  const length = out.length - TAIL.length
  return length < bytes.length ? out.subarray(0, length) : undefined
}

/** Bytes that zlib takes at a time for what comes out: of many small messages each a little. */
const pieceBytes = (length: number): number => Math.min(64 * 1024, Math.max(256, length))

/**
 * @param bytesMax What comes out of it may be so long; no more than that is ever kept.
 * @throws {SkynetError} `ERR_FRAME_TOO_LARGE`; `ERR_FRAME_MALFORMED` for what was not compressed.
 */
export function inflated(bytes: Buffer, bytesMax: number): Buffer {
  const small = bytes.length <= SMALL_BYTES ? inflatedSmall(bytes) : undefined
  const isDone = small !== undefined && small.length <= bytesMax
  const out = isDone ? small : inflatedByZlib(bytes, bytesMax)
  countInflated(out.length)
  return out
}

function inflatedByZlib(bytes: Buffer, bytesMax: number): Buffer {
  try {
    return inflateRawSync(Buffer.concat([bytes, ENDS]), {
      chunkSize: pieceBytes(bytes.length * 8),
      maxOutputLength: bytesMax,
    })
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      const info = { bytes: bytesMax + 1, limit: bytesMax }
      throw new SkynetError('ERR_FRAME_TOO_LARGE', info, { cause: error })
    }
    const reason = 'it cannot be inflated'
    throw new SkynetError('ERR_FRAME_MALFORMED', { reason }, { cause: error })
  }
}
