/** Options that all streams have, and what they make of a stream. */
import { checkFlag, checkInteger } from '../../base/check.ts'
import {
  FRAME_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  WEBSOCKET_INFLATE_BYTES_PER_SECOND,
} from '../../base/limits.ts'
import type { WaitHost } from '../../service/wait.ts'
import { Skynet } from '../../skynet/skynet.ts'
import type { ByteStream } from '../../sockets/byte-stream.ts'
import { Connection } from '../../sockets/connection.ts'
import { type FrameCarrier, StreamCarrier } from '../../sockets/frame-carrier.ts'
import { type Leavers, leaversOf } from '../leavers.ts'
import type { Deflate } from './deflate.ts'
import type { Inflate, ReadingRules } from './frame-reader.ts'
import { type Sending, sendingOf } from './frame-writer.ts'
import { inflateShare } from './inflate-share.ts'

/** What holds for each WebSocket, at either end. */
export interface WebSocketOptions {
  /**
   * Longest message in bytes, both ways, and inflated: 1 to 256 MiB, default 1 MiB. A longer one of
   * the peer ends the stream with `ERR_FRAME_TOO_LARGE`, and the peer is told 1009.
   */
  readonly messageBytesMax?: number
  /** Hand out texts as buffers too: then all messages are. */
  readonly binary?: boolean
  /**
   * Compress messages of 1 KiB and more, when the peer can (permessage-deflate). Nothing is kept
   * between messages, so it takes time, and no memory. Default: no.
   */
  readonly deflate?: boolean
  /**
   * Bytes that compressed messages of the peer may make a second, from 1, and at once
   * `messageBytesMax` more. Default 64 MiB. More end the stream with `ERR_INFLATE_RATE`, and the
   * peer is told 1008.
   */
  readonly inflateBytesPerSecond?: number
}

export const DEFLATE_NAMES = ['deflate', 'inflateBytesPerSecond']
export const WEBSOCKET_NAMES = ['messageBytesMax', 'binary', ...DEFLATE_NAMES]

/** @throws `TypeError`, `RangeError` naming the option. */
export function checkWebSocket(what: string, options: WebSocketOptions): void {
  const { messageBytesMax, binary, deflate, inflateBytesPerSecond } = options
  if (messageBytesMax !== undefined) {
    checkInteger(what, 'messageBytesMax', messageBytesMax, 1, MESSAGE_BYTES_MAX)
  }
  checkFlag(what, 'binary', binary)
  checkFlag(what, 'deflate', deflate)
  if (inflateBytesPerSecond === undefined) return
  checkInteger(what, 'inflateBytesPerSecond', inflateBytesPerSecond, 1, Number.MAX_SAFE_INTEGER)
}

/** What all streams of one listener, or of one client, have in common. */
export interface StreamRules {
  readonly service: WaitHost
  /** Those that stand on streams of others. */
  readonly leavers: Leavers
  readonly reading: ReadingRules
  readonly sending: Sending
  /** For one stream: it has a share of its own. */
  newInflate(): Inflate
}

/** What the handshake of one stream has agreed on. */
export interface Agreed {
  /** Empty: none. */
  readonly subprotocol: string
  /** Undefined: nothing is compressed. */
  readonly deflate: Deflate | undefined
}

/** @param end Who we are; clients that need not mask are `any`. */
export function rulesOf(
  skynet: Skynet,
  end: 'server' | 'any' | 'client',
  options: WebSocketOptions,
): StreamRules {
  const { messageBytesMax = FRAME_BYTES_MAX, binary = false } = options
  const { inflateBytesPerSecond = WEBSOCKET_INFLATE_BYTES_PER_SECOND } = options
  const masks = ({ server: 'needed', any: 'any', client: 'refused' } as const)[end]
  const service = Skynet.serviceOf(skynet)
  return {
    service,
    leavers: leaversOf(service),
    reading: { messageBytesMax, masks, isBinary: binary },
    sending: sendingOf(end === 'client', messageBytesMax),
    newInflate: () => inflateShare(inflateBytesPerSecond, messageBytesMax),
  }
}

/** A connection carries frames from the inside, which takes a copy less. */
export const carrierOf = (stream: ByteStream): FrameCarrier =>
  stream instanceof Connection ? stream : new StreamCarrier(stream)
